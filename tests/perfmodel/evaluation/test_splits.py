"""What each split keeps apart, and that scikit-learn takes it."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_predict, cross_val_score

from perfmodel.errors import UserError
from perfmodel.evaluation.splits import ConfigurationFolds, Extrapolation, FewerTraces, LeaveOneLabelOut, RandomFolds

GROUPS = np.repeat([f"c{index:02d}" for index in range(20)], 2)
X = np.arange(40.0)[:, None]
Y = np.repeat(np.arange(20.0), 2)
SEARCHERS = np.where(np.arange(40) < 24, "random", "nsga2")

EVERY = pytest.mark.parametrize(
    "splitter",
    [
        RandomFolds(4),
        ConfigurationFolds(4),
        LeaveOneLabelOut(SEARCHERS),
        LeaveOneLabelOut(SEARCHERS, folds=3),
        Extrapolation(),
        FewerTraces(ConfigurationFolds(4), 6),
    ],
    ids=lambda splitter: type(splitter).__name__,
)


@EVERY
def test_folds_are_as_many_as_said_the_same_again_and_apart(splitter):
    first, second = list(splitter.split(X, Y, GROUPS)), list(splitter.split(X, Y, GROUPS))
    assert splitter.get_n_splits(X, Y, GROUPS) == len(first)
    for (train, test), again in zip(first, second, strict=True):
        assert len(train) and len(test) and not set(train) & set(test)
        np.testing.assert_array_equal(train, again[0])
        np.testing.assert_array_equal(test, again[1])


@EVERY
def test_scikit_learn_takes_it(splitter):
    scores = cross_val_score(LinearRegression(), X, Y, groups=GROUPS, cv=splitter)
    assert len(scores) == splitter.get_n_splits(X, Y, GROUPS)
    if not isinstance(splitter, Extrapolation):  # scikit-learn wants every row predicted once
        predicted = cross_val_predict(LinearRegression(), X, Y, groups=GROUPS, cv=splitter)
        np.testing.assert_allclose(predicted, X[:, 0] / 2 - 0.25, atol=0.5)


@EVERY
def test_only_the_random_split_lets_a_configuration_lie_on_both_sides(splitter):
    shared = any(set(GROUPS[train]) & set(GROUPS[test]) for train, test in splitter.split(X, Y, GROUPS))
    assert shared == isinstance(splitter, RandomFolds)


def test_every_trace_is_predicted_once():
    for splitter in (RandomFolds(4), ConfigurationFolds(4), LeaveOneLabelOut(SEARCHERS, folds=3)):
        tested = np.concatenate([test for _, test in splitter.split(X, Y, GROUPS)])
        np.testing.assert_array_equal(np.sort(tested), np.arange(40))


def test_a_label_is_predicted_from_the_others():
    folds = list(LeaveOneLabelOut(SEARCHERS).split(X, Y, GROUPS))
    assert [set(SEARCHERS[test]) for _, test in folds] == [{"nsga2"}, {"random"}]
    assert all(set(SEARCHERS[train]) != set(SEARCHERS[test]) for train, test in folds)


def test_a_configuration_that_two_searchers_proposed_does_not_train():
    groups = GROUPS.copy()
    groups[39] = "c00"
    (train, _), _ = LeaveOneLabelOut(SEARCHERS).split(X, Y, groups)
    assert set(train) == set(range(2, 24))


def test_tasks_of_one_design_leave_label_and_configuration_both_new():
    tasks, groups = np.tile(["sum", "reversal"], 10), np.repeat(np.arange(10), 2)
    assert list(LeaveOneLabelOut(tasks).split(np.zeros(20), groups=groups)) == []
    folds = list(LeaveOneLabelOut(tasks, folds=5).split(np.zeros(20), groups=groups))
    assert len(folds) == 10
    for train, test in folds:
        assert (len(train), len(test)) == (8, 2)
        assert not set(groups[train]) & set(groups[test]) and not set(tasks[train]) & set(tasks[test])


def test_extrapolation_predicts_the_best_tenth_in_either_direction():
    ((train, test),) = Extrapolation().split(X, Y, GROUPS)
    assert set(Y[test]) == {0, 1} and Y[train].min() == 2
    ((_, test),) = Extrapolation(share=0.25, minimize=False).split(X, Y, GROUPS)
    assert set(Y[test]) == {15, 16, 17, 18, 19}


def test_extrapolation_goes_by_the_mean_of_a_configuration():
    values = Y.copy()
    values[38], values[39] = -1, 100  # one lucky run of a bad configuration
    ((_, test),) = Extrapolation().split(X, values, GROUPS)
    assert set(test) == {0, 1, 2, 3}


def test_fewer_traces_predict_the_same_and_larger_sizes_hold_the_smaller():
    inner = ConfigurationFolds(4)
    whole = list(inner.split(X, Y, GROUPS))
    small, large, none = (list(FewerTraces(inner, size).split(X, Y, GROUPS)) for size in (6, 12, 0))
    for (full, test), (six, same), (twelve, _), (nothing, _) in zip(whole, small, large, none, strict=True):
        np.testing.assert_array_equal(test, same)
        assert len(six) == 6 and len(twelve) == 12 and len(nothing) == 0
        assert set(six) < set(twelve) < set(full)
        assert len(set(GROUPS[six])) == 3
    assert [len(train) for train, _ in FewerTraces(inner, 500).split(X, Y, GROUPS)] == [30] * 4


@pytest.mark.parametrize(
    ("splitter", "y", "groups"),
    [
        (ConfigurationFolds(), Y, None),
        (Extrapolation(), None, GROUPS),
        (LeaveOneLabelOut(SEARCHERS[:9]), Y, GROUPS),
        (FewerTraces(RandomFolds(), 5), Y, GROUPS[:3]),
    ],
)
def test_missing_and_short_arrays_are_refused(splitter, y, groups):
    with pytest.raises(UserError, match="40 rows and needs"):
        list(splitter.split(X, y, groups))
