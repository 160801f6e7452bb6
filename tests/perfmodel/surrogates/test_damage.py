"""The damage model finds a law of its kind from few traces, keeps to known slopes, and reads a measured start."""

import numpy as np
import pytest

from perfmodel.features.columns import STEP_0_LOSS_COLUMN
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.monotone import FREE, MONOTONE
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.space import Configuration
from perfmodel.surrogates.damage import DamageSurrogate
from perfmodel.surrogates.registry import make_surrogate

LAYERS = 10


@pytest.fixture(scope="module")
def features_of(tiny):
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    return lambda configurations: featurizer.matrix(ConfigurationArrays.from_configurations(configurations))


@pytest.fixture(scope="module")
def features(features_of, draw_configurations):
    """100 configurations, of which every third adapts one to three layers only."""
    rng, made = np.random.default_rng(8), []
    for index, configuration in enumerate(draw_configurations(100)):
        ranks = np.maximum(2, configuration.ranks)
        if index % 3 == 0:
            ranks[rng.permutation(LAYERS)[rng.integers(1, 4) :]] = 0
        made.append(Configuration(configuration.pruning_rate, configuration.bits, tuple(ranks.tolist())))
    return features_of(made)


def law(features, noise=0.03):
    """Loss that is tolerated, steep, saturates at 4.5, and is not repaired where few layers adapt."""
    damage = features.column("mean_squared_error") + 0.15 * features.column("pruning_rate")
    broken = 1 / (1 + (damage / 0.03) ** -2)
    scarce = 1 / (1 + 30 * features.column("active_adapted_share"))
    made = np.exp(-0.6 + 1.5 * broken * (1 + 3 * scarce))
    return made * np.exp(noise * np.random.default_rng(9).standard_normal(len(made)))


def error_of(name, features, target, train):
    model = make_surrogate(name, "held_out_loss").fit(features.rows(slice(train)), target[:train], np.arange(train))
    left = model.posterior(features.rows(slice(train, None))).location - np.log(target[train:])
    return float(np.sqrt(np.mean(left**2)))


@pytest.mark.parametrize(("train", "of_the_additive", "at_most"), [(40, 0.75, 0.25), (60, 0.5, 0.12)])
def test_few_traces_teach_the_law(features, train, of_the_additive, at_most):
    target = law(features)
    error = error_of("damage", features, target, train)
    assert error < of_the_additive * error_of("additive", features, target, train)
    assert error < at_most  # the noise is 0.03, the spread 0.6


def test_what_is_damaged_behind_the_last_adapter_is_told_apart_where_that_helps(features, monkeypatch):
    hurt = features.column("mean_squared_error") + 0.1 * features.column("pruning_rate")
    target = np.exp(-0.6 + 0.3 * np.log2(1 + hurt / 0.016) * (1 + 2 * features.column("active_scarcity")))
    target *= np.exp(0.03 * np.random.default_rng(9).standard_normal(len(target)))
    error = error_of("damage", features, target, 60)
    monkeypatch.setattr("perfmodel.surrogates.damage.SCARCITY_COLUMN", "not there")
    assert error < 0.7 * error_of("damage", features, target, 60)


def test_the_interval_knows_the_error(features):
    target = law(features)
    model = make_surrogate("damage", "held_out_loss").fit(features.rows(slice(60)), target[:60], np.arange(60))
    low, high = model.posterior(features.rows(slice(60, None))).interval(0.9)
    assert 0.8 <= np.mean((low <= target[60:]) & (target[60:] <= high)) <= 1.0


def test_missing_adapters_cost_more_where_there_is_more_to_repair(features, features_of):
    model = make_surrogate("damage", "held_out_loss").fit(features, law(features), np.arange(100))
    one, all_ = (1,) + (0,) * (LAYERS - 1), (1,) * LAYERS
    cases = [Configuration(0.0, (bits,) * LAYERS, ranks) for bits in (2, 16) for ranks in (one, all_)]
    two, two_repaired, sixteen, sixteen_repaired = model.posterior(features_of(cases)).location
    assert two - two_repaired > 0.5
    assert abs(sixteen - sixteen_repaired) < 0.15


def test_more_damage_never_helps_whatever_it_was_fitted_to(features, features_of, draw_configurations):
    backwards = 1 / law(features)
    model = make_surrogate("damage", "held_out_loss").fit(features, backwards, np.arange(100))
    bits = np.array([each.bits for each in draw_configurations(50, seed=4)])
    worse = np.where(bits == 16, 8, np.where(bits == 8, 4, np.where(bits == 4, 3, 2)))
    before, after = (
        model.posterior(features_of([Configuration(0.1, tuple(row), (4,) * LAYERS) for row in each.tolist()])).location
        for each in (bits, worse)
    )
    assert (after >= before - 1e-9).all()


def test_without_known_slopes_the_direction_is_found(features):
    accuracy = 0.9 - 0.2 * np.log(law(features))
    model = DamageSurrogate(log_target=False, monotone=FREE).fit(features.rows(slice(60)), accuracy[:60], np.arange(60))
    assert np.corrcoef(model.posterior(features.rows(slice(60, None))).location, accuracy[60:])[0, 1] > 0.95


def test_memory_never_falls_with_adapters_though_damage_lowers_it():
    assert DamageSurrogate(log_target=False, monotone=MONOTONE["peak_memory_bytes"])._directions() == (-1,)
    assert DamageSurrogate(log_target=True, monotone=MONOTONE["held_out_loss"])._directions() == (1,)
    assert DamageSurrogate(log_target=False, monotone=MONOTONE["weight_bytes"])._directions() == (1, -1)


def test_a_measured_start_tells_what_the_sum_does_not(features):
    rng = np.random.default_rng(10)
    hidden = rng.random(100)
    target = law(features) * np.exp(np.maximum(0.0, 1.5 * hidden - 0.5))
    started = features.with_column(STEP_0_LOSS_COLUMN, 0.7 + 2 * hidden)
    assert error_of("damage", started, target, 60) < 0.12
    assert error_of("damage", features, target, 60) > 0.25


def test_without_its_inputs_it_is_linear_in_the_columns(features):
    columns = features.select(("state_total_bytes", "pruning_rate"))
    target = np.exp(0.3 + 2 * features.column("pruning_rate"))
    model = make_surrogate("damage", "held_out_loss").fit(columns, target, np.arange(100))
    np.testing.assert_allclose(model.posterior(columns).location, np.log(target), atol=0.02)
