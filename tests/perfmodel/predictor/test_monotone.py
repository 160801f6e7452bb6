"""No predicted loss rises with the bits of the whole model, no predicted memory falls with its ranks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfmodel.features.columns import SUMMARY_COLUMNS, unit_columns
from perfmodel.features.featurizer import Featurizer, SpaceFeatures
from perfmodel.features.monotone import FREE, MONOTONE, MonotoneColumns
from perfmodel.features.training_data import training_data
from perfmodel.predictor.predictor import Predictor
from perfmodel.surrogates import boosted
from perfmodel.surrogates.registry import NOT_MONOTONE, SURROGATES, make_surrogate

METRICS = ("held_out_loss", "peak_memory_bytes", "accuracy")
LAYERS = 10
HELD = [name for name in SURROGATES if name not in NOT_MONOTONE]


@pytest.fixture(scope="module")
def fitted(tiny, tiny_space, fake_traces):
    """One predictor of each surrogate, fitted to noise: rows whose loss and memory say nothing of bits or ranks."""
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    traces = fake_traces(40, seeds=2, repeated=5)
    example = Predictor.fit(traces, tiny_space, tiny, metrics=METRICS, surrogates=["constant"])
    rng = np.random.default_rng(3)
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosted, "MEMBERS", 3)
        patch.setattr(boosted, "TREES", 20)
        for name in HELD:
            models = {}
            for metric in METRICS:
                data = training_data(traces, metric, featurizer)
                noise = rng.permutation(data.target)
                models[metric] = make_surrogate(name, metric).fit(data.features, noise, data.groups)
            made[name] = Predictor(example.record, models)
    return made


@pytest.mark.parametrize("name", HELD)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_predictions_keep_to_the_slopes_whatever_they_were_fitted_to(name, fitted, tiny_space, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(tiny_space.cardinalities, size=(6, 21))
    raised = vectors.copy()
    raised[:, 1:11] = np.minimum(vectors[:, 1:11] + rng.integers(1, 5), 4)
    before, after = (fitted[name].predict_mean(each) for each in (vectors, raised))
    assert (after[:, 0] <= before[:, 0] * (1 + 1e-9)).all()
    assert (after[:, 2] >= before[:, 2] - 1e-9).all()
    raised = vectors.copy()
    raised[:, 11:] = np.minimum(vectors[:, 11:] + rng.integers(1, 7), 6)
    after = fitted[name].predict_mean(raised)
    assert (after[:, 1:] >= before[:, 1:] * (1 - 1e-9)).all()


@pytest.mark.parametrize("name", ["additive", "boosted"])
def test_without_slopes_they_do_not(name, tiny, tiny_space, fake_traces):
    data = training_data(fake_traces(40), "held_out_loss", Featurizer(tiny, device_class="cuda", optimizer="adamw"))
    backwards = data.target.max() + data.target.min() - data.target
    ends = data.features.rows(np.array([data.target.argmax(), data.target.argmin()]))
    free, held = (
        SURROGATES[name](log_target=True, monotone=monotone).fit(data.features, backwards, data.groups)
        for monotone in (FREE, MONOTONE["held_out_loss"])
    )
    free_gap, held_gap = (np.diff(model.posterior(ends).location)[0] for model in (free, held))
    assert free_gap > 0.3 and held_gap < 0.5 * free_gap


def test_every_column_that_bits_move_both_ways_is_left_out(tiny, tiny_space):
    """The table of slopes is checked against what raising bits, or ranks, does to each column."""
    rng = np.random.default_rng(0)
    features = SpaceFeatures(tiny_space, Featurizer(tiny, device_class="cuda", optimizer="adamw"))
    vectors = rng.integers(tiny_space.cardinalities, size=(400, 21))
    names = (*SUMMARY_COLUMNS, *unit_columns(LAYERS))
    for metric, part, count, direction in (
        ("held_out_loss", slice(1, 11), 5, -1),
        ("accuracy", slice(1, 11), 5, 1),
        ("peak_memory_bytes", slice(11, 21), 7, 1),
        ("adapter_bytes", slice(11, 21), 7, 1),
        ("optimizer_bytes", slice(11, 21), 7, 1),
    ):
        raised = vectors.copy()
        raised[:, part] = np.minimum(raised[:, part] + 1, count - 1)
        change = features.matrix(raised).values - features.matrix(vectors).values
        monotone: MonotoneColumns = MONOTONE[metric]
        for name, sign, moved in zip(names, monotone.signs(names), change.T, strict=True):
            if name in monotone.unused:
                continue
            seen = np.sign(moved[np.abs(moved) > 1e-12])
            assert (seen * direction == sign).all(), (metric, name)
