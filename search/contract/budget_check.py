"""Whether a budget can be met at all, asked before a search starts."""

import itertools

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InfeasibleBudgetError
from perfmodel.space.metrics import metric
from perfmodel.space.sampling import repair_ranks, sample
from perfmodel.space.space import Space
from search.contract.problem import AbstractProblem

_RANDOM = 256


def require_feasible(problem: AbstractProblem, seed: int) -> None:
    """Checks that some configuration meets the budget.

    Looks at every rate with the fewest and the most bits and the lowest, the lowest above 0 and the highest rank,
    then at stratified draws. Costs about 300 evaluations: meant for tables and surrogates.

    Args:
        problem: its space is searched, its budget checked.
        seed: of the random draws, 0 or more.

    Raises:
        InfeasibleBudgetError: with the budget and the best value found of each budgeted metric.
    """
    if not problem.budget:
        return
    rng = np.random.default_rng(seed)
    vectors = np.concatenate([corners(problem.space, rng), sample(problem.space, _RANDOM, rng)])
    if (problem.evaluate_vectors(vectors).violations == 0).any():
        return
    values = problem.measure(vectors)
    best = {}
    for name in problem.budget:
        column = values[:, problem.metrics.index(name)]
        best[name] = np.nanmin(column) if metric(name).minimize else np.nanmax(column)
    raise InfeasibleBudgetError(
        "no configuration meets the budget " + ", ".join(f"{name} {limit:g}" for name, limit in problem.budget.items()),
        f"the best found among {len(vectors)} are " + ", ".join(f"{name} {value:g}" for name, value in best.items()),
        "relax the budget, or allow fewer bits, lower ranks or more pruning in the space",
    )


def corners(space: Space, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns the uniform extremes of a space at every rate, shape ``(n, d)``.

    Where rank 0 everywhere is the lowest, one random layer keeps an adapter.
    """
    levels = itertools.product(
        range(len(space.pruning_rates)),
        sorted({0, len(space.bits) - 1}),
        sorted({0, min(1, len(space.ranks) - 1), len(space.ranks) - 1}),
    )
    rows = [[rate] + [bits] * space.units + [rank] * space.units for rate, bits, rank in levels]
    return repair_ranks(space, np.asarray(rows, dtype=np.int64), rng)
