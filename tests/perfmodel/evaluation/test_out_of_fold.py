"""No model sees what it is judged on, intervals hold as often as they say, and hard splits widen them."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.out_of_fold import out_of_fold
from perfmodel.evaluation.splits import ConfigurationFolds, Extrapolation, LeaveOneLabelOut, RandomFolds
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.training_data import TrainingData
from perfmodel.surrogates.contract import Posterior


class Known:
    """A model that predicts what its only column says, with a spread of its own choosing, and notes its rows."""

    def __init__(self, scale=1.0, seen=None):
        self.scale, self.seen = scale, [] if seen is None else seen

    def fit(self, features, target, groups):
        self.seen.append((set(groups), target))

    def posterior(self, features):
        location = features.column("truth")
        return Posterior(location, np.full(len(location), self.scale), log=False)


def data(configurations=60, seeds=2, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(configurations), seeds)
    truth = np.repeat(rng.uniform(0, 1, configurations), seeds)
    # What the model gets wrong belongs to the configuration: its seeds are no independent evidence.
    wrong = np.repeat(noise * rng.standard_normal(configurations), seeds)
    return TrainingData("accuracy", FeatureMatrix(("truth",), truth[:, None]), truth + wrong, groups)


@pytest.mark.parametrize("splitter", [ConfigurationFolds(), Extrapolation(minimize=False)])
def test_what_is_predicted_never_trains_nor_calibrates(splitter):
    seen, asked = [], []
    traces = data()

    def make(groups):
        asked.append(set(groups))
        return Known(seen=seen)

    out_of_fold(traces, "known", [splitter], make=make)
    assert len(seen) == len(asked) and all(not (fit & test) for (fit, _), test in zip(seen, asked, strict=True))


@pytest.mark.parametrize("splitter", [ConfigurationFolds(), RandomFolds()])
@pytest.mark.parametrize("scale", [0.01, 0.1, 10.0])
def test_coverage_is_what_it_says_whatever_the_model_believes(splitter, scale):
    shares = {0.5: [], 0.9: []}
    for seed in range(30):
        result = out_of_fold(data(seed=seed), "known", [splitter], make=lambda _: Known(scale))
        for level, found in shares.items():
            low, high = result.interval(level)
            found.append(np.mean((low <= result.observed) & (result.observed <= high)))
    assert 0.87 <= np.mean(shares[0.9]) <= 0.94
    assert 0.47 <= np.mean(shares[0.5]) <= 0.55


def test_one_bad_fold_is_not_calibrated_by_itself():
    traces = data(40, seeds=1)
    labels = np.where(np.arange(40) < 20, "easy", "hard")
    target = np.where(labels == "hard", traces.features.column("truth") + 5, traces.target)
    result = out_of_fold(replace(traces, target=target), "known", [LeaveOneLabelOut(labels)], make=lambda _: Known())
    low, high = result.interval(0.9)
    inside = ((low <= result.observed) & (result.observed <= high))[0]
    assert inside[labels == "easy"].all() and not inside[labels == "hard"].any()


def test_a_single_fold_is_calibrated_by_what_trains():
    traces = data(50, seeds=1)
    result = out_of_fold(traces, "known", [Extrapolation(minimize=False)], make=lambda _: Known())
    assert len(result.observed) == 5 and result.observed.min() == np.sort(traces.target)[-5]
    ((train, _),) = Extrapolation(minimize=False).split(traces.features, traces.target, traces.groups)
    errors = np.sort(np.abs(traces.target - traces.features.column("truth"))[train])
    assert result.half_widths[0.9][0] == pytest.approx(errors[int(np.ceil(0.9 * 46)) - 1])


def test_the_calibration_for_later_is_that_of_all_traces():
    traces = data(30, seeds=1)
    result = out_of_fold(
        traces, "known", [ConfigurationFolds(seed=0), ConfigurationFolds(seed=1)], make=lambda _: Known()
    )
    errors = np.sort(np.abs(traces.target - traces.features.column("truth")))
    assert result.calibration().half_width(0.9) == pytest.approx(errors[27])  # ceil(0.9 * 31) of 30


def test_views_keep_settings_apart():
    traces = replace(data(20), labels={"setting": np.tile(["a", "b"], 20)})
    result = out_of_fold(traces, "known", [ConfigurationFolds()], make=lambda _: Known())
    found = list(result.views())
    assert [set(result.blocks[rows]) for rows, _ in found] == [{"a"}, {"b"}]
    np.testing.assert_array_equal(found[1][1].observed, traces.target[1::2])


def test_a_split_without_two_sides_is_refused():
    traces = data(20)
    labels = np.tile(["one", "other"], 20)  # both labels hold every configuration
    with pytest.raises(NotEnoughTracesError, match="leaves out none of 40 traces"):
        out_of_fold(traces, "known", [LeaveOneLabelOut(labels)], make=lambda _: Known())
