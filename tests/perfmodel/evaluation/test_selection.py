"""Scores known by hand, splits that keep configurations whole, and honest refusals."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError, UnknownNameError
from perfmodel.evaluation.named_splits import SPLIT
from perfmodel.evaluation.out_of_fold import OutOfFold
from perfmodel.evaluation.score_lines import CHOICE_SCORES, Line, score_line
from perfmodel.evaluation.selection import choose, cross_validate, judge
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.training_data import TrainingData, training_data
from perfmodel.statistics.interval import Estimate


def result(observed, location, half_width=1.0, surrogate="additive", metric="accuracy"):
    observed, location = np.asarray(observed, float), np.atleast_2d(np.asarray(location, float))
    folds, ones = np.zeros(location.shape, dtype=np.int64), np.ones(location.shape)
    groups, widths = np.arange(len(observed)), {0.5: half_width / 2 * ones, 0.9: half_width * ones}
    mean = np.exp(location) if metric == "held_out_loss" else location
    return OutOfFold(
        metric, surrogate, groups, np.zeros(len(observed)), observed, folds, mean, location, ones, widths, groups
    )


def scored(predicted, constant):
    return score_line(SPLIT, predicted, {"constant": constant}, names=CHOICE_SCORES)


OBSERVED = [0.0, 1.0, 2.0, 3.0]
CONSTANT = result(OBSERVED, [1.5] * 4, surrogate="constant")


@pytest.fixture(scope="module")
def data(tiny, fake_traces):
    """Loss of 30 configurations, 6 of them run three times."""
    featurizer = Featurizer(tiny, device_class="cuda", optimizer="adamw")
    return training_data(fake_traces(30, seeds=3, repeated=6), "held_out_loss", featurizer)


def test_scores_by_hand():
    entry = scored(result(OBSERVED, [0.0, 1.0, 3.0, 2.0], half_width=0.5), CONSTANT)
    assert entry.scores["r2"].value == pytest.approx(1 - 2 / 5)
    assert entry.scores["rmse"].value == pytest.approx(np.sqrt(0.5))
    assert entry.scores["error_ratio_to_constant"].value == pytest.approx(np.sqrt(0.5 / 1.25))
    assert entry.scores["spearman"].value == pytest.approx(0.8)
    assert entry.scores["kendall"].value == pytest.approx(4 / 6)
    assert entry.scores["coverage_90"].value == 0.5
    assert entry.scores["width_90"].value == pytest.approx(1 / 1.5)
    assert (entry.n_traces, entry.n_configurations) == (4, 4)


def test_repeats_are_averaged_after_scoring():
    entry = scored(result(OBSERVED, [[0.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0]]), CONSTANT)
    assert entry.scores["kendall"].value == pytest.approx(0)
    assert entry.scores["rmse"].value == pytest.approx((0 + np.sqrt(5)) / 2)


def test_intervals_hold_the_value_and_are_reproducible():
    rng = np.random.default_rng(0)
    observed = rng.random(40)
    one = result(observed, observed + 0.1 * rng.standard_normal(40), 0.2)
    constant = result(observed, np.full(40, 0.5))
    entry = scored(one, constant)
    for name in ("r2", "spearman", "kendall", "rmse", "error_ratio_to_constant", "coverage_90", "width_90"):
        value = entry.scores[name]
        assert value.low <= value.value <= value.high
    assert entry == scored(one, constant)


def test_a_constant_target_leaves_statistics_undefined():
    entry = scored(result([1.0] * 4, [1.0, 1.1, 1.0, 0.9]), result([1.0] * 4, [1.0] * 4))
    for name in ("r2", "spearman", "kendall", "error_ratio_to_constant", "coverage_90"):
        assert entry.scores[name] == Estimate.undefined()
    assert entry.scores["rmse"].value == pytest.approx(np.sqrt(0.02 / 4))


def test_a_constant_prediction_ranks_nothing(data):
    entry = judge(data, ["constant"]).scores[0]
    assert entry.scores["spearman"].value is None and entry.scores["kendall"].value is None
    assert entry.scores["r2"].value < 0
    assert entry.scores["error_ratio_to_constant"].value == 1.0


def test_configurations_stay_whole_and_splits_are_shared(data):
    first = cross_validate(data, "constant", repeats=2, seed=3)
    second = cross_validate(data, "additive", repeats=2, seed=3)
    np.testing.assert_array_equal(first.folds, second.folds)
    assert np.any(first.folds[0] != first.folds[1])
    for folds in first.folds:
        assert all(len(set(folds[data.groups == group])) == 1 for group in set(data.groups))
        assert set(folds) == set(range(5))


def test_a_trace_is_predicted_without_its_configuration():
    # The target is the row's own name: only a leak could predict it.
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 2)
    features = FeatureMatrix(("pruning_rate",), groups[:, None].astype(float))
    data = TrainingData("accuracy", features, np.repeat(rng.standard_normal(20), 2), groups)
    ratio = judge(data, ["boosted"], repeats=1).scores[0].scores["error_ratio_to_constant"].value
    assert ratio > 0.9


def test_learnable_loss_is_learnt_and_chosen(data):
    scores = judge(data, ["constant", "additive"]).scores
    assert [entry.surrogate for entry in scores] == ["constant", "additive"]
    assert scores[1].scores["r2"].value > 0.9 and scores[1].scores["error_ratio_to_constant"].high < 0.5
    assert choose(scores) == {"held_out_loss": "additive"}


def test_pure_noise_leaves_the_constant(data):
    noise = replace(data, target=np.random.default_rng(5).uniform(1, 2, len(data.target)))
    assert choose(judge(noise, ["constant", "boosted"]).scores) == {"held_out_loss": "constant"}


def test_choice_is_per_metric_and_the_constant_is_kept_unless_it_is_surely_beaten():
    def entry(metric, surrogate, ratio):
        low, high = (None, None) if ratio is None else (ratio - 0.1, ratio + 0.1)
        return Line(metric, SPLIT, surrogate, 9, 9, {"error_ratio_to_constant": Estimate(ratio, low, high)})

    scores = [
        entry("accuracy", "constant", 1.0),
        entry("accuracy", "additive", 0.95),
        entry("step_time_s", "additive", 0.5),
        entry("step_time_s", "boosted", 0.4),
        entry("held_out_loss", "additive", None),
    ]
    assert choose(scores) == {"accuracy": "constant", "step_time_s": "boosted", "held_out_loss": "constant"}


def test_too_few_configurations_are_refused_whatever_the_traces(data):
    groups = np.arange(len(data.target)) % 9
    with pytest.raises(NotEnoughTracesError, match=r"9 different configurations.*at least 10.*collect"):
        cross_validate(replace(data, groups=groups), "additive")


def test_an_unknown_surrogate_is_refused(data):
    with pytest.raises(UnknownNameError, match="oracle"):
        cross_validate(data, "oracle")


def test_a_loss_is_scored_on_its_logarithm():
    observed = np.array([1.0, 2.0, 4.0, 100.0])
    constant = result(observed, np.full(4, np.log(observed).mean()), surrogate="constant", metric="held_out_loss")
    near = result(observed, np.log([1.1, 2.2, 4.4, 110.0]), 0.09, metric="held_out_loss")
    entry = scored(near, constant)

    assert entry.scores["error_ratio_to_constant"].value == pytest.approx(np.log(1.1) / np.log(observed).std())
    assert entry.scores["r2"].value == pytest.approx(1 - (np.log(1.1) / np.log(observed).std()) ** 2)
    assert entry.scores["rmse"].value == pytest.approx(np.sqrt(np.mean((0.1 * observed) ** 2)))
    assert entry.scores["coverage_90"].value == 0  # exp(0.09) < 1.1


def test_the_judge_hands_over_scores_and_calibrations(data):
    judged = judge(data, ["additive"], repeats=2)
    assert judged.scores == judge(data, ["additive"], repeats=2).scores
    again = cross_validate(data, "additive", repeats=2)
    assert judged.calibrations["additive"].half_width(0.9) == again.calibration().half_width(0.9)
    assert 0.5 < judged.calibrations["additive"].half_width(0.9) < 4
