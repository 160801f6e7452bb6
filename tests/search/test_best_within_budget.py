"""The best configuration within budgets, where enumeration tells it."""

import numpy as np
import pytest

from perfmodel.space.space import Space
from search.best_within_budget import best_within, neighbours
from search.contract.problem import SurrogateProblem
from search.contract.visited import every

SPACE = Space(3, (0.0, 0.5), (2, 4, 8), (0, 8))
WEIGHTS = np.array([3.0, 1.0, 2.0, 4.0, 0.3, 0.1, 0.2])


def told(vectors):
    loss = 50 - vectors @ WEIGHTS - 0.5 * vectors[:, 1] * vectors[:, 4]
    return np.column_stack([loss, 1 + (vectors * [1, 2, 3, 2, 1, 1, 1]).sum(axis=1)])


@pytest.mark.parametrize("limit", [4.0, 8.0, 14.0])
def test_it_finds_what_enumeration_finds(limit):
    names = ("held_out_loss", "peak_memory_bytes")
    problem = SurrogateProblem(SPACE, names, told, budget={"peak_memory_bytes": limit})
    vectors = every(SPACE)
    values = told(vectors)
    best = values[values[:, 1] <= limit][:, 0].min()

    found = best_within(problem, 0, seed=0, evaluations=200)
    assert told(found[None])[0, 0] == best and told(found[None])[0, 1] <= limit


def test_what_hardly_more_than_a_uniform_choice_meets_is_found():
    """A wider unit costs more than the whole budget; adapters are best taken from one unit and given to another."""
    wide = Space(30, (0.0, 0.5), (4, 16), (0, 8, 64))

    def costs(vectors):
        bits, ranks = vectors[:, 1:31].sum(axis=1), vectors[:, 31:]
        loss = 1000 - 10 * bits - ranks @ np.arange(30) + 500 * vectors[:, 0]
        return np.column_stack([loss, 10 * bits + 0.1 * ranks.sum(axis=1)])

    budget = {"peak_memory_bytes": 3.01}
    problem = SurrogateProblem(wide, ("held_out_loss", "peak_memory_bytes"), costs, budget=budget)
    found = best_within(problem, 0, seed=0, evaluations=200)
    assert found.tolist() == [0] * 31 + [0] * 15 + [2] * 15


def test_nothing_within_the_limits():
    names = ("held_out_loss", "peak_memory_bytes")
    problem = SurrogateProblem(SPACE, names, told, budget={"peak_memory_bytes": 0.5})
    assert best_within(problem, 0, seed=0, evaluations=100) is None


def test_neighbours_differ_in_one_choice_and_adapt_a_unit():
    vector = SPACE.encode([SPACE.decode(np.array([[0, 1, 1, 1, 1, 0, 0]]))[0]])[0]
    around = neighbours(SPACE, vector)
    assert ((around != vector).sum(axis=1) == 1).all()
    assert len(around) == 1 + 3 * 2 + 3 - 1  # the last adapter cannot go
