"""The program against enumeration."""

import numpy as np
import pytest

from perfmodel.space.space import Space
from search.allocation.additive_costs import Costs
from search.allocation.additive_program import cheapest
from search.allocation.budget_program import BudgetProgram
from search.allocation.byte_tables import byte_tables
from search.benchmark.known_fronts import AdditiveProblem
from search.contract.visited import every

SPACE = Space(2, pruning_rates=(0.0, 0.3, 0.5), bits=(2, 4, 16), ranks=(0, 4, 8))


def memory_of(problem: AdditiveProblem):
    return lambda vectors: problem.measure(vectors)[:, 1]


def costs_of(problem: AdditiveProblem) -> Costs:
    """Returns the problem's own losses, split into rates and pairs."""
    bits, ranks = len(problem.space.bits), len(problem.space.ranks)
    units = problem.space.units
    loss = [table[:, 0] for table in problem._tables]
    pairs = [np.add.outer(loss[1 + unit], loss[1 + units + unit]) for unit in range(units)]
    return Costs(loss[0], np.asarray(pairs).reshape(units, bits, ranks))


@pytest.mark.parametrize("seed", range(4))
def test_the_best_within_any_limit_is_that_of_enumeration(seed: int) -> None:
    problem = AdditiveProblem(SPACE, seed)
    program, losses = BudgetProgram(SPACE, memory_of(problem)), problem.measure(every(SPACE))
    for limit in range(int(losses[:, 1].min()) - 1, int(losses[:, 1].max()) + 2, 5):
        best = program.best(costs_of(problem), limit)
        within = losses[losses[:, 1] <= limit]
        if len(within) == 0:
            assert best is None
        else:
            loss, size = problem.measure(best[None])[0]
            assert size <= limit
            assert loss == pytest.approx(within[:, 0].min())


def test_one_unit_keeps_an_adapter_though_none_is_cheaper() -> None:
    adapted = np.array([False, True])
    costs, sizes = np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([[1.0, 2.0], [1.0, 2.0]])
    assert cheapest(costs, sizes, 10.0, adapted).tolist() == [1, 0]
    assert cheapest(costs, sizes, 2.5, adapted) is None


def test_excluded_choices_are_never_taken() -> None:
    costs = np.array([[np.inf, 5.0, np.inf]] * 2)
    assert cheapest(costs, np.ones((2, 3)), 2.0, np.ones(3, dtype=bool)).tolist() == [1, 1]


def test_tables_repeat_the_closed_form_where_it_is_a_sum() -> None:
    for space in (SPACE, Space(1, ranks=(0, 2, 4)), Space(3, ranks=(2, 4))):
        problem = AdditiveProblem(space, 5)
        vectors = every(space)[:5000]
        tables = byte_tables(space, memory_of(problem))
        np.testing.assert_allclose(tables.total(vectors), problem.measure(vectors)[:, 1])


def test_a_peak_that_is_no_sum_is_still_kept_within_the_limit() -> None:
    problem = AdditiveProblem(SPACE)

    def peak(vectors):
        sums = problem.measure(vectors)[:, 1]
        return sums + 3.0 * (vectors[:, 1:3].max(axis=1) == 2) * (vectors[:, 3:].min(axis=1) > 0)

    for limit in (40.0, 50.0, 60.0, 70.0):
        best = BudgetProgram(SPACE, peak).best(costs_of(problem), limit)
        assert peak(best[None])[0] <= limit
