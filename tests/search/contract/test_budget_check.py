"""A budget that nothing meets is refused with the best value found; one that a corner meets is not."""

import numpy as np
import pytest

from perfmodel.errors import InfeasibleBudgetError
from perfmodel.space.space import Space
from search import AdditiveProblem, SurrogateProblem, require_feasible
from search.contract.budget_check import corners


def test_a_budget_that_only_the_smallest_configuration_meets_is_feasible() -> None:
    smallest = AdditiveProblem(Space(6)).front()[:, 1].min()
    require_feasible(AdditiveProblem(Space(6), memory=smallest), seed=0)


def test_no_budget_is_feasible() -> None:
    require_feasible(AdditiveProblem(Space(2)), seed=0)


def test_an_impossible_budget_names_the_smallest_found() -> None:
    smallest = AdditiveProblem(Space(6)).front()[:, 1].min()
    with pytest.raises(InfeasibleBudgetError) as caught:
        require_feasible(AdditiveProblem(Space(6), memory=smallest - 0.5), seed=0)
    assert f"peak_memory_bytes {smallest - 0.5:g}" in caught.value.given
    assert f"peak_memory_bytes {smallest:g}" in caught.value.allowed
    assert "relax the budget" in caught.value.action


def test_a_floor_names_the_highest_found() -> None:
    problem = SurrogateProblem(
        Space(2), ["accuracy"], lambda vectors: np.full((len(vectors), 1), 0.4), budget={"accuracy": 0.5}
    )
    with pytest.raises(InfeasibleBudgetError, match=r"accuracy 0\.4"):
        require_feasible(problem, seed=0)


def test_corners_are_legal_and_reach_both_ends() -> None:
    space = Space(4)
    vectors = corners(space, np.random.default_rng(0))
    for configuration in space.decode(vectors):
        space.validate(configuration)
    assert len(vectors) == 6 * 2 * 3
    assert vectors[:, 1:5].min() == 0
    assert vectors[:, 1:5].max() == 4
    assert vectors[:, 5:].max() == 6
