"""Feasible first, then by dominance, then by crowding."""

import numpy as np

from search.contract.problem import Evaluation
from search.moves.survival import survivors

FRONT = np.array([[0.0, 10.0], [4.9, 5.1], [5.0, 5.0], [10.0, 0.0]])


def test_the_front_before_what_it_dominates_and_the_crowded_last() -> None:
    told = Evaluation(np.concatenate([FRONT + 20, FRONT]), np.zeros(8))
    assert set(survivors(told, 4)) == {4, 5, 6, 7}
    assert {4, 7} < set(survivors(told, 3)) < {4, 5, 6, 7}


def test_what_breaks_the_budget_goes_last() -> None:
    told = Evaluation(np.concatenate([FRONT + 20, FRONT]), np.repeat([0.0, 1.0], 4))
    assert set(survivors(told, 4)) == {0, 1, 2, 3}


def test_none_or_fewer_than_asked_for() -> None:
    assert len(survivors(Evaluation(np.empty((0, 2)), np.empty(0)), 3)) == 0
    assert sorted(survivors(Evaluation(FRONT, np.zeros(4)), 9)) == [0, 1, 2, 3]
