"""Losses before fine-tuning help where they tell how it ends, and never leak from what is asked about."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation import step_0_losses
from perfmodel.evaluation.step_0_losses import (
    LearnedStarts,
    StartedSurrogate,
    start_keys,
    start_points,
    with_measured_starts,
)
from perfmodel.features.columns import STEP_0_LOSS_COLUMN
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.training_data import TrainingData, rows_of, training_data
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.space import Configuration

LAYERS = 10


@pytest.fixture(scope="module")
def featurizer(tiny):
    return Featurizer(tiny, device_class="cuda", optimizer="adamw")


def start_of(features):
    """A loss before fine-tuning that bits of single layers move in a way no summary tells."""
    costs = np.random.default_rng(2).exponential(size=LAYERS)
    bits = features.take(tuple(f"bits_{index}" for index in range(LAYERS)))
    harm = np.where(bits == 2, 1.0, np.where(bits == 3, 0.3, 0.0)) @ costs / costs.sum()
    return np.exp(0.7 + 2.0 * harm + features.column("pruning_rate"))


@pytest.fixture(scope="module")
def target(featurizer, fake_traces):
    """60 configurations whose log loss after training is a third of that before it, less one, with noise."""
    made = training_data(fake_traces(60), "held_out_loss", featurizer)
    noise = np.random.default_rng(3).standard_normal(60)
    return replace(made, target=np.exp(np.log(start_of(made.features)) / 3 - 1 + 0.02 * noise))


@pytest.fixture(scope="module")
def cheap(featurizer, draw_configurations, target):
    """Pairs of the same 60 and of 140 other configurations."""
    others = featurizer.matrix(ConfigurationArrays.from_configurations(draw_configurations(140, seed=9)))
    features = FeatureMatrix(others.columns, np.vstack((target.features.values, others.values)))
    return TrainingData("held_out_loss", features, start_of(features), start_keys(features))


@pytest.fixture(scope="module")
def points(target, cheap):
    found = start_points(target, cheap, "damage", sizes=(0, 10, 20))
    return {(point.start, point.traces): point for point in found}


def test_without_a_fine_tuned_trace_it_ranks_and_does_not_know_the_level(points):
    known = points["step 0 measured", 0]
    assert known.spearman.value > 0.98 and known.r2.value < 0
    assert 0.6 < points["step 0 predicted", 0].spearman.value < known.spearman.value


def test_a_measured_start_is_worth_more_than_a_predicted_one(points, target, cheap):
    scratch = step_0_losses.transfer_point(
        target, lambda _: step_0_losses.make_surrogate("damage", "held_out_loss"), ("damage", "scratch", 20), 0
    )
    assert points["step 0 measured", 20].link_rmse.value < 0.7 * scratch.link_rmse.value
    assert points["step 0 measured", 20].link_rmse.value < 0.7 * points["step 0 predicted", 20].link_rmse.value
    assert points["step 0 measured", 20].r2.value > 0.95 > points["step 0 measured", 10].r2.value
    assert {point.n_traces for point in points.values()} == {60}


def test_a_task_that_ends_as_another_does_needs_no_trace_of_its_own(target, cheap, featurizer, fake_traces):
    other = training_data(fake_traces(60, seed=5), "held_out_loss", featurizer)
    start = start_of(other.features) * 1.5
    other = replace(other, target=np.exp(np.log(start) / 3 - 1))
    source = other.features.with_column(STEP_0_LOSS_COLUMN, np.log(start))
    found = start_points(target, cheap, "additive", sources=[replace(other, features=source)], sizes=(0,))
    both = next(point for point in found if point.start == "other tasks and step 0")
    assert both.r2.value > 0.8


def test_a_predicted_start_comes_from_a_model_that_did_not_see_it(target, cheap):
    held = start_keys(target.features)[:6]
    rows = np.flatnonzero(~np.isin(cheap.groups, held))
    learned = LearnedStarts(rows_of(cheap, rows))
    moved = replace(cheap, target=np.where(np.isin(cheap.groups, held), 1e3, cheap.target))
    again = LearnedStarts(rows_of(moved, rows))
    np.testing.assert_array_equal(learned.of(target.features), again.of(target.features))
    # What trains is left out of the model that gives its start: its own loss moves it only through the others.
    one = rows_of(cheap, rows)
    lifted = replace(one, target=np.where(one.groups == one.groups[0], 50 * one.target, one.target))
    before, after = (LearnedStarts(data).of(cheap.features.rows(rows[:1]))[0] for data in (one, lifted))
    assert abs(after - before) < 0.1 < np.log(50)


def test_no_model_of_the_start_holds_bits_and_rates_that_are_asked_about(target, cheap, monkeypatch):
    seen = []
    real = LearnedStarts.__init__

    def noted(self, pairs, *, seed=0):
        seen.append(set(pairs.groups))
        real(self, pairs, seed=seed)

    monkeypatch.setattr(LearnedStarts, "__init__", noted)
    start_points(target, cheap, "constant", sizes=(0, 10))
    assert len(seen) == 10  # once for each fold of each repeat, whatever the size
    counts = [len(set(cheap.groups) - each) for each in seen]
    assert min(counts) > 0 and sum(counts[:5]) >= len(set(start_keys(target.features)))


def test_ranks_do_not_move_the_start_and_bits_and_rate_do(featurizer):
    base = Configuration.uniform(LAYERS, bits=4, rank=2)
    others = [
        replace(base, ranks=(0,) * LAYERS),
        replace(base, pruning_rate=0.1),
        replace(base, bits=(2, *base.bits[1:])),
    ]
    keys = start_keys(featurizer.matrix(ConfigurationArrays.from_configurations([base, *others])))
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_pairs_are_read_from_the_curves_of_all_traces_even_of_failed_ones(featurizer, fake_traces, failed):
    def with_curve(trace):
        curve = {"curve_steps": (0, 4), "curve_losses": (5.0, trace.measured.held_out_loss or 4.0)}
        return replace(trace, measured=replace(trace.measured, **curve))

    traces = fake_traces(12)
    started = [*map(with_curve, traces[:8]), with_curve(failed(traces[8]))]
    found = step_0_losses.starting_losses([*started, *traces[9:]], featurizer)
    assert len(found.target) == 9 and (found.target == 5.0).all()
    with pytest.raises(NotEnoughTracesError, match="no trace has a loss at step 0"):
        step_0_losses.starting_losses(traces, featurizer)


def test_rows_without_a_measured_start_are_left_out_and_equal_starts_are_averaged(target, cheap):
    some = rows_of(cheap, np.array([0, 0, 1]))
    twice = replace(some, target=np.array([2.0, 8.0, 3.0]))
    kept = with_measured_starts(target, twice)
    keys = set(some.groups)
    assert len(kept.target) == sum(key in keys for key in start_keys(target.features))
    assert np.exp(kept.features.column(STEP_0_LOSS_COLUMN)[0]) == pytest.approx(4.0)


def test_too_few_pairs_are_refused(target, cheap):
    with pytest.raises(NotEnoughTracesError, match="9 pairs"):
        start_points(target, rows_of(cheap, np.arange(9)), "additive")


def test_a_model_refitted_to_nothing_forgets(target):
    started = target.features.with_column(STEP_0_LOSS_COLUMN, np.full(60, 0.5))
    model = StartedSurrogate("additive").fit(started, target.target, target.groups)
    assert np.ptp(model.posterior(started).location) > 0.1
    none = model.fit(started.rows(slice(0)), target.target[:0], target.groups[:0])
    assert (none.posterior(started).location == 0.5).all()
