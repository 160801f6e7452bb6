"""Levels run from the budget to the smallest, then halve what lies between."""

import numpy as np
import pytest

from perfmodel.space.space import Space
from search.allocation.budget_levels import BudgetLevels
from search.contract.knowledge import Knowledge

SPACE = Space(1, pruning_rates=(0.0,), bits=(2, 16), ranks=(8,))


def levels(low: float, high: float, budget: float | None, n: int) -> list[float]:
    knowledge = Knowledge(memory=lambda vectors: np.where(vectors[:, 1] == 0, low, high), budget=budget)
    made = BudgetLevels(SPACE, knowledge)
    return [next(made) for _ in range(n)]


def test_even_in_the_logarithm_each_far_from_those_before() -> None:
    expected = [2.0**16, 1.0, 2.0**8, 2.0**4, 2.0**12, 2.0**2, 2.0**10, 2.0**6, 2.0**14]
    assert levels(1.0, 2.0**16, None, 9) == pytest.approx(expected)


def test_the_budget_is_the_highest() -> None:
    assert levels(1.0, 100.0, 16.0, 3) == pytest.approx([16.0, 1.0, 4.0])


def test_a_budget_that_nothing_meets_leaves_the_smallest() -> None:
    assert levels(10.0, 100.0, 1.0, 3) == [10.0] * 3
