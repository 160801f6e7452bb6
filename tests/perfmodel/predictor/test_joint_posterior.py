"""The fast path answers as the surrogates do one by one, whatever their kinds and the number of rows."""

import time
from pathlib import Path

import numpy as np
import pytest

import perfmodel.surrogates.boosted
from perfmodel.features.columns import START_COLUMN, Featurizer
from perfmodel.features.table_columns import PLACES, SUM_COLUMNS, SpaceFeatures
from perfmodel.features.training_data import training_data
from perfmodel.predictor.joint_posterior import CHUNK, JointPosterior
from perfmodel.predictor.joint_ridge import RidgeModel
from perfmodel.predictor.prediction import Prediction
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.space import Space
from perfmodel.surrogates.gaussian_process import GaussianProcessSurrogate
from perfmodel.surrogates.registry import make_surrogate

METRICS = ("held_out_loss", "accuracy", "peak_memory_bytes", "step_time_s")
REACHES = (1.5, 1.6, 1.7, 1.8)
MIXES = {
    "as published": ("gaussian_process", "gaussian_process", "gaussian_process", "boosted"),
    "one of each": ("boosted", "constant", "additive", "gaussian_process"),
    "as chosen": ("damage", "damage", "additive", "boosted"),
    "of damage and bumps": ("damage", "gaussian_process", "damage", "constant"),
    "linear": ("additive", "additive", "additive", "additive"),
    "trees": ("boosted", "boosted", "boosted", "boosted"),
    "constant": ("constant", "constant", "constant", "constant"),
}
DOMAIN = {"pruning_rate": (0.05, 0.45), "mean_log2_rank": (1.0, 2.5)}


@pytest.fixture(scope="module")
def featurizer(tiny):
    """Of the tiny model."""
    return Featurizer(tiny, device_class="cuda", optimizer="adamw")


@pytest.fixture(scope="module")
def surrogate_of(fake_traces, featurizer):
    """A fitted surrogate of a kind and a metric, each made once."""
    traces, made = fake_traces(36, noise=0.05), {}

    def get(kind, metric):
        if (kind, metric) not in made:
            data = training_data(traces, metric, featurizer)
            made[kind, metric] = make_surrogate(kind, metric).fit(data.features, data.target, data.groups)
        return made[kind, metric]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(perfmodel.surrogates.boosted, "MEMBERS", 3)
        patch.setattr(perfmodel.surrogates.boosted, "TREES", 15)
        yield get


def vectors_of(space, count):
    return np.random.default_rng(count).integers(space.cardinalities, size=(count, len(space.cardinalities)))


def one_by_one(surrogates, features, vectors, reaches=REACHES):
    matrix = features.matrix(vectors)
    posteriors = [each.posterior(matrix) for each in surrogates.values()]
    return Prediction.of(tuple(surrogates), posteriors, np.zeros(len(vectors), dtype=bool), reaches)


def assert_same(found, wanted):
    assert found.metrics == wanted.metrics
    for name in ("mean", "std", "low", "high"):
        values = getattr(wanted, name)
        # A mean near 0 is a difference: it is as exact as the numbers that it is the difference of.
        for column in range(values.shape[1]):
            size = np.abs(values[:, column]).max()
            np.testing.assert_allclose(
                getattr(found, name)[:, column], values[:, column], rtol=1e-10, atol=1e-12 * size
            )


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("count", [1, 2, 255, 257, 1000])
def test_answers_are_those_of_the_surrogates(surrogate_of, tiny_space, featurizer, mix, count):
    surrogates = {metric: surrogate_of(kind, metric) for metric, kind in zip(METRICS, MIXES[mix], strict=True)}
    features = SpaceFeatures(tiny_space, featurizer)
    vectors = vectors_of(tiny_space, count)
    found = JointPosterior(surrogates, REACHES, features, DOMAIN).predict(vectors)
    wanted = one_by_one(surrogates, features, vectors)
    assert_same(found, wanted)
    if mix != "constant" and count > 1:
        assert np.all(np.ptp(found.mean, axis=0)[[name != "constant" for name in MIXES[mix]]] > 0)


def test_chunks_are_joined_in_order(surrogate_of, tiny_space, featurizer):
    surrogates = {metric: surrogate_of("gaussian_process", metric) for metric in METRICS[:2]}
    features = SpaceFeatures(tiny_space, featurizer)
    vectors = vectors_of(tiny_space, 2 * CHUNK + 3)
    found = JointPosterior(surrogates, REACHES[:2], features, DOMAIN).predict(vectors)
    assert_same(found, one_by_one(surrogates, features, vectors, REACHES[:2]))
    columns = features.matrix(vectors).take(tuple(DOMAIN))
    outside = [
        [not low <= value <= high for value, (low, high) in zip(row, DOMAIN.values(), strict=True)] for row in columns
    ]
    np.testing.assert_array_equal(found.outside_domain, np.any(outside, axis=1))
    assert 0 < found.outside_domain.sum() < len(vectors)


def test_units_may_be_modules(tiny, featurizer):
    """A space over modules: hats and terms of 70 units."""
    space = Space.for_architecture(tiny, unit="module")
    features = SpaceFeatures(space, featurizer)
    vectors = vectors_of(space, 40)
    matrix = features.matrix(vectors)
    noise = 0.05 * np.random.default_rng(0).standard_normal(40)
    target = np.exp(matrix.take(("mean_squared_error",))[:, 0] + matrix.take(("pruning_rate",))[:, 0] + noise)
    kinds = ("gaussian_process", "additive")
    surrogates = {
        metric: make_surrogate(kind, metric).fit(matrix, target, np.arange(40))
        for metric, kind in zip(METRICS[:2], kinds, strict=True)
    }
    joint = JointPosterior(surrogates, REACHES[:2], features, DOMAIN)
    for count in (1, 30):
        vectors = vectors_of(space, count)
        assert_same(joint.predict(vectors), one_by_one(surrogates, features, vectors, REACHES[:2]))


def test_a_process_of_other_columns_answers_for_itself(surrogate_of, tiny_space, featurizer, fake_traces):
    """Without raw columns there are no hats; without a coordinate, fewer products."""
    data = training_data(fake_traces(30), "held_out_loss", featurizer)
    names = [name for name in SUM_COLUMNS if name in data.features and name != "mean_log2_rank"]
    model = GaussianProcessSurrogate(log_target=True).fit(data.features[names], data.target, data.groups)
    surrogates = {"held_out_loss": model, "accuracy": surrogate_of("additive", "accuracy")}
    features = SpaceFeatures(tiny_space, featurizer)
    vectors = vectors_of(tiny_space, 20)
    found = JointPosterior(surrogates, REACHES[:2], features, DOMAIN).predict(vectors)
    assert_same(found, one_by_one(surrogates, features, vectors, REACHES[:2]))


def test_damage_that_was_measured_is_no_column_of_a_space(fake_traces, featurizer):
    data = training_data(fake_traces(20), "held_out_loss", featurizer)
    rng = np.random.default_rng(0)
    measured = data.features.assign(**{START_COLUMN: rng.normal(size=len(data.target))})
    model = make_surrogate("damage", "held_out_loss").fit(data.features, data.target, data.groups)
    other = make_surrogate("damage", "held_out_loss").fit(measured, data.target, data.groups)
    assert RidgeModel.of(model, 10) is not None
    assert RidgeModel.of(other, 10) is None
    assert RidgeModel.of(make_surrogate("constant", "accuracy"), 10) is None


def test_one_configuration_is_several_times_faster_than_one_by_one(surrogate_of, tiny_space, featurizer):
    kinds = MIXES["as published"]
    surrogates = {metric: surrogate_of(kind, metric) for metric, kind in zip(METRICS, kinds, strict=True)}
    features = SpaceFeatures(tiny_space, featurizer)
    joint, vectors = JointPosterior(surrogates, REACHES, features, DOMAIN), vectors_of(tiny_space, 1)

    def least_seconds(call):
        times = []
        for _ in range(100):
            start = time.process_time()
            call()
            times.append(time.process_time() - start)
        return min(times)

    slow = least_seconds(lambda: one_by_one(surrogates, features, vectors))
    assert least_seconds(lambda: joint.predict(vectors)) < slow / 2


def test_bags_of_other_shapes_and_unknown_noise():
    """Files of version 2 hold trees of another number, whose mean is lifted by the whole spread."""
    predictor = Predictor.load(Path(__file__).parents[1] / "assets" / "predictor-v2")
    vectors = vectors_of(predictor.record.space, 30)
    reaches = [1.6448536269514722] * 3
    wanted = one_by_one(predictor._surrogates, predictor._features, vectors, reaches)
    assert_same(predictor.predict_arrays(vectors), wanted)


def test_sums_hold_one_and_every_summary_column(tiny_space, featurizer):
    features = SpaceFeatures(tiny_space, featurizer)
    for count in (3, 50):
        sums = np.empty((count, len(SUM_COLUMNS)))
        features.fill(sums, vectors_of(tiny_space, count))
        np.testing.assert_array_equal(sums[:, PLACES["one"]], 1.0)
        hats = sums[:, [PLACES["error_hat_0"], PLACES["mean_squared_error"]]]
        np.testing.assert_allclose(hats[:, 0], hats[:, 1], rtol=1e-12)
