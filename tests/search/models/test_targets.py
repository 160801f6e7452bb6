"""Targets are maximised, standardised and on the scale of logarithms where they can be."""

import numpy as np
import pytest

from search import Evaluation
from search.models.targets import baseline, constraint, logarithms, standardised, targets

RNG = np.random.default_rng(0)


def test_logarithms_only_where_positive_everywhere() -> None:
    columns = np.asarray([[1.0, 0.0], [np.e, 1.0]])
    assert logarithms(columns).tolist() == [[0.0, 0.0], [1.0, 1.0]]


def test_standardised_and_constant_columns() -> None:
    columns = standardised(np.column_stack([RNG.normal(5, 3, 50), np.full(50, 0.1)]))
    assert columns[:, 0].mean() == pytest.approx(0, abs=1e-9)
    assert columns[:, 0].std(ddof=1) == pytest.approx(1)
    assert (columns[:, 1] == 0).all()


def test_targets_point_upwards_and_dominate_the_reference() -> None:
    losses = RNG.random((40, 2)) + 0.5
    goal = targets(Evaluation(losses, np.zeros(40)))
    assert not goal.constrained
    assert goal.values.shape == (40, 2)
    assert goal.values[losses[:, 0].argmin(), 0] == goal.values[:, 0].max()
    assert (goal.values[baseline(goal, 10)] > goal.reference).all()


def test_constraint_is_positive_where_broken_only() -> None:
    violations = np.asarray([0.0, 0.5, 0.0, 2.0])
    assert (constraint(violations) > 0).tolist() == [False, True, False, True]
    goal = targets(Evaluation(RNG.random((4, 2)), violations))
    assert goal.constrained
    assert goal.values.shape == (4, 3)
    assert set(baseline(goal, 4).tolist()) <= {0, 2}


def test_with_nothing_feasible_the_nearest_are_the_baseline() -> None:
    goal = targets(Evaluation(RNG.random((4, 2)), np.asarray([3.0, 1.0, 2.0, 4.0])))
    assert baseline(goal, 2).tolist() == [1, 2]


def test_baseline_is_capped() -> None:
    u = np.linspace(0.1, 1, 50)
    goal = targets(Evaluation(np.column_stack([u, 1.2 - u]), np.zeros(50)))
    assert len(baseline(goal, 8)) == 8
