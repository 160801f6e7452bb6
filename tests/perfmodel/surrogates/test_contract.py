"""The conformance suite: what every surrogate in the table has to do, and what a posterior is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfmodel.errors import CorruptFileError, NotEnoughTracesError, SchemaVersionError, UnknownNameError, UserError
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.training_data import training_data
from perfmodel.files.state_file import write_state
from perfmodel.surrogates import boosted
from perfmodel.surrogates.contract import Posterior
from perfmodel.surrogates.registry import SURROGATES, make_surrogate, surrogate_class

EVERY = pytest.mark.parametrize("name", SURROGATES)


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    """Makes bags small: what is shown here does not depend on their size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boosted, "MEMBERS", 3)
        patch.setattr(boosted, "TREES", 20)
        yield


@pytest.fixture(scope="module")
def data(tiny, fake_traces):
    """Loss of 80 configurations, 16 of them run three times."""
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    return training_data(fake_traces(80, seeds=3, repeated=16), "held_out_loss", featurizer)


@pytest.fixture(scope="module")
def unseen(tiny, fake_traces):
    """Loss of 60 other configurations."""
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    return training_data(fake_traces(60, seed=1), "held_out_loss", featurizer)


@pytest.fixture(scope="module")
def fitted(data):
    """One fitted surrogate of each name."""
    return {
        name: make_surrogate(name, "held_out_loss").fit(data.features, data.target, data.groups) for name in SURROGATES
    }


@EVERY
def test_posterior_has_a_row_for_each_row(name, fitted, unseen):
    posterior = fitted[name].posterior(unseen.features)
    low, high = posterior.interval(0.9)
    for values in (posterior.mean, posterior.std, low, high):
        assert values.shape == unseen.target.shape and np.isfinite(values).all()
    assert (posterior.std > 0).all()
    assert (low < posterior.mean).all() and (low < high).all()
    assert fitted[name].posterior(unseen.features.rows(slice(0))).mean.shape == (0,)


@EVERY
def test_the_same_seed_gives_the_same_predictions(name, data, unseen, fitted):
    again = make_surrogate(name, "held_out_loss").fit(data.features, data.target, data.groups)
    first, second = fitted[name].posterior(unseen.features), again.posterior(unseen.features)
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.std, second.std)


@EVERY
def test_save_and_load_keep_every_prediction(name, fitted, unseen, tmp_path):
    fitted[name].save(tmp_path / "model")
    assert {path.suffix for path in (tmp_path / "model").rglob("*") if path.is_file()} == {".json"}
    loaded = SURROGATES[name].load(tmp_path / "model")
    first, second = fitted[name].posterior(unseen.features), loaded.posterior(unseen.features)
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.std, second.std)


@EVERY
def test_log_targets_stay_positive_far_outside(name, data, fitted):
    grown = [1e6 if column.endswith("_bytes") else 1.0 for column in data.features.columns]
    far = FeatureMatrix(data.features.columns, data.features.values * grown)
    far = far.with_column("pruning_rate", np.full(len(far), 50.0))
    low, _ = fitted[name].posterior(far).interval(0.99)
    assert (low > 0).all() and np.isfinite(fitted[name].posterior(far).mean).all()


@EVERY
def test_the_interval_covers_unseen_runs(name, fitted, unseen):
    low, high = fitted[name].posterior(unseen.features).interval(0.9)
    assert 0.75 <= np.mean((low <= unseen.target) & (unseen.target <= high)) <= 1.0


@EVERY
def test_it_beats_the_constant_where_there_is_something_to_learn(name, fitted, unseen):
    def error(which):
        return np.sqrt(np.mean((fitted[which].posterior(unseen.features).mean - unseen.target) ** 2))

    if name != "constant":
        assert error(name) < 0.6 * error("constant")


@EVERY
def test_an_identity_link_gives_symmetric_intervals(name, data, unseen):
    model = SURROGATES[name](log_target=False).fit(data.features, data.target, data.groups)
    posterior = model.posterior(unseen.features)
    low, high = posterior.interval(0.9)
    np.testing.assert_allclose((low + high) / 2, posterior.mean)


@EVERY
def test_twelve_rows_are_enough_to_fit(name, data, unseen):
    model = make_surrogate(name, "held_out_loss").fit(data.features.rows(slice(12)), data.target[:12], data.groups[:12])
    posterior = model.posterior(unseen.features)
    assert np.isfinite(posterior.mean).all() and (posterior.std > 0).all()


@EVERY
def test_a_constant_target_is_predicted(name, data):
    target = np.full(len(data.target), 0.5)
    posterior = make_surrogate(name, "held_out_loss").fit(data.features, target, data.groups).posterior(data.features)
    np.testing.assert_allclose(posterior.mean, 0.5, rtol=1e-6)


@EVERY
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_it_refuses_nan(name, data, fitted, value):
    target, values = data.target.copy(), data.features.values.copy()
    target[3] = values[2, 0] = value
    features = FeatureMatrix(data.features.columns, values)
    with pytest.raises(UserError):
        make_surrogate(name, "held_out_loss").fit(data.features, target, data.groups)
    with pytest.raises(UserError):
        make_surrogate(name, "held_out_loss").fit(features, data.target, data.groups)
    if name != "constant":
        with pytest.raises(UserError, match="finite"):
            fitted[name].posterior(features)


@EVERY
def test_it_refuses_what_cannot_be_fitted(name, data, fitted, tmp_path):
    model = make_surrogate(name, "held_out_loss")
    with pytest.raises(UserError, match="not fitted"):
        model.posterior(data.features)
    with pytest.raises(UserError, match="not fitted"):
        model.save(tmp_path)
    with pytest.raises(NotEnoughTracesError, match="1 rows"):
        model.fit(data.features.rows(slice(1)), data.target[:1], data.groups[:1])
    with pytest.raises(UserError, match="rows"):
        model.fit(data.features.rows(slice(9)), data.target[:8], data.groups[:9])
    with pytest.raises(UserError, match="positive"):
        model.fit(data.features, data.target * 0, data.groups)
    if name != "constant":
        with pytest.raises(UserError, match="lack"):
            fitted[name].posterior(data.features.select(data.features.columns[1:]))


@EVERY
def test_it_refuses_damaged_and_newer_files(name, fitted, tmp_path):
    with pytest.raises(CorruptFileError):
        SURROGATES[name].load(tmp_path / "nowhere")
    fitted[name].save(tmp_path)
    path = tmp_path / f"{name}.json"
    text = path.read_text()
    path.write_text(text.replace("true", "false", 1))
    with pytest.raises(CorruptFileError):
        SURROGATES[name].load(tmp_path)
    path.write_text(text[: len(text) // 2])
    with pytest.raises(CorruptFileError):
        SURROGATES[name].load(tmp_path)
    write_state(path, name, SURROGATES[name].version + 1, {})
    with pytest.raises(SchemaVersionError, match="upgrade"):
        SURROGATES[name].load(tmp_path)


def test_names_are_those_of_the_classes_and_others_are_refused():
    assert {name: kind.kind for name, kind in SURROGATES.items()} == {name: name for name in SURROGATES}
    with pytest.raises(UnknownNameError, match="oracle"):
        make_surrogate("oracle", "accuracy")
    with pytest.raises(UnknownNameError, match=r"'stack' was removed.*fit the predictor again"):
        surrogate_class("stack")
    with pytest.raises(UnknownNameError, match="speed"):
        make_surrogate("constant", "speed")


@given(location=st.floats(-20, 20), scale=st.floats(1e-6, 2), level=st.floats(0.01, 0.99), log=st.booleans())
def test_posterior_moments_and_intervals_agree(location, scale, level, log):
    posterior = Posterior(np.array([location]), np.array([scale]), log)
    low, high = posterior.interval(level)
    assert low[0] < high[0] and posterior.std[0] > 0
    if log:
        assert low[0] > 0 and posterior.mean[0] >= np.exp(location)
        np.testing.assert_allclose(np.sqrt(low * high), np.exp(location))
    else:
        assert posterior.mean[0] == location and posterior.std[0] == scale


def test_log_posterior_has_the_moments_of_a_log_normal():
    posterior = Posterior(np.array([0.3]), np.array([0.5]), True)
    draws = np.exp(np.random.default_rng(0).normal(0.3, 0.5, 400_000))
    assert posterior.mean[0] == pytest.approx(draws.mean(), rel=0.01)
    assert posterior.std[0] == pytest.approx(draws.std(), rel=0.02)
    low, high = posterior.interval(0.9)
    assert np.mean((low < draws) & (draws < high)) == pytest.approx(0.9, abs=0.005)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(1e3, 1e12), seed=st.integers(0, 50), name=st.sampled_from(sorted(SURROGATES)))
def test_predictions_of_a_logarithm_are_positive(scale, seed, name):
    rng = np.random.default_rng(seed)
    values = rng.random((14, 2)) * (scale, 1.0)
    features = FeatureMatrix(("state_total_bytes", "pruning_rate"), values)
    target = features.column("state_total_bytes") + scale * rng.random(14)
    model = make_surrogate(name, "step_time_s").fit(features, target, np.arange(14))
    low, high = model.posterior(FeatureMatrix(features.columns, values * 10)).interval(0.99)
    assert (low > 0).all() and (low <= high).all() and np.isfinite(high).all()
