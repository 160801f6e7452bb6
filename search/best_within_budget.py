"""The best configuration of a cheap problem within its budgets: where to start, then every single and double change.

Starts are what an evolutionary search found and the best uniform choice of each rate: where a budget leaves room for
hardly more than one choice everywhere, random draws do not meet it. Single changes end where a choice could only be
bettered by giving up another, so pairs of them follow.

Notation:
    n: configurations.
    d: dimensions of the space.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.contract.loop import run
from search.contract.problem import AbstractProblem
from search.moves.fixed_choices import FixedChoices
from search.registry import searcher

Say = Callable[[int, int], None]
Around = Callable[[Space, NDArray[np.int64]], NDArray[np.int64]]

POPULATION = 100
STARTS = 4


def best_within(
    problem: AbstractProblem, objective: int, seed: int, evaluations: int, say: Say | None = None
) -> NDArray[np.int64] | None:
    """Returns the index vector of least objective that meets every budget, shape ``(d,)``; None where none was found.

    Args:
        problem: cheap to ask, of two objectives or more.
        objective: index of the objective to be least, 0 to ``m - 1``.
        seed: of the evolutionary search, 0 or more.
        evaluations: of the evolutionary search.
        say: told evaluations done and in all.
    """
    made = searcher("nsga2", problem.space, len(problem.objectives), seed, population=POPULATION)
    history = run(made, problem, evaluations, POPULATION, say)
    values = np.where(history.violations == 0, history.objectives[:, objective], np.inf)
    starts = list(history.vectors[values.argsort(kind="stable")[:STARTS]])
    for rate in range(len(problem.space.pruning_rates)):
        grid = uniform_vectors(problem.space, rate)
        starts.append(grid[_values(problem, objective, grid).argmin()])
    ends = [_polished(problem, objective, each, neighbours) for each in starts]
    best, value = min(ends, key=lambda end: end[1])
    return _polished(problem, objective, best, _pairs)[0] if np.isfinite(value) else None


def best_uniform(problem: AbstractProblem, objective: int) -> NDArray[np.int64] | None:
    """Returns the same of the choices of one width and one rank for all units.

    Args:
        problem: answers thousands of configurations in seconds.
        objective: index of the objective to be least, 0 to ``m - 1``.
    """
    space = problem.space
    grid = np.concatenate([uniform_vectors(space, rate) for rate in range(len(space.pruning_rates))])
    values = _values(problem, objective, grid)
    return np.asarray(grid[values.argmin()]) if np.isfinite(values).any() else None


def _polished(
    problem: AbstractProblem, objective: int, vector: NDArray[np.int64], around: Around
) -> tuple[NDArray[np.int64], float]:
    """Returns the vector after the best change, again and again until none helps; and its value, inf beyond budgets."""
    value = float(_values(problem, objective, vector[None])[0])
    while True:
        changed = around(problem.space, vector)
        values = _values(problem, objective, changed)
        best = int(values.argmin())
        if not values[best] < value:
            return vector, value
        vector, value = np.asarray(changed[best]), float(values[best])


def _values(problem: AbstractProblem, objective: int, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
    told = problem.evaluate_vectors(vectors)
    return np.where(told.violations == 0, told.objectives[:, objective], np.inf)


def uniform_vectors(space: Space, rate: int) -> NDArray[np.int64]:
    """Returns every choice of one width and one rank for all units at a rate, by its index, shape ``(n, d)``."""
    ranks = [place for place, rank in enumerate(space.ranks) if rank]
    bits = np.repeat(np.arange(len(space.bits))[:, None], space.units, axis=1)
    return np.concatenate([FixedChoices(space, rate, rank).with_bits(bits) for rank in ranks])


def _pairs(space: Space, vector: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns every vector one or two steps of a unit's choice away that adapts some unit, shape ``(n, d)``."""
    steps = np.concatenate([-np.eye(len(vector), dtype=np.int64), np.eye(len(vector), dtype=np.int64)])
    changes = steps[steps[:, 0] == 0]
    first, second = np.triu_indices(len(changes))
    around = vector + changes[first] + changes[second] * (first != second)[:, None]
    legal = ((around >= 0) & (around < space.cardinalities)).all(axis=1)
    return adapting(space, around[legal])


def neighbours(space: Space, vector: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns every vector that differs in one choice and adapts some unit, shape ``(n, d)``."""
    rows = []
    for place, count in enumerate(space.cardinalities):
        others = [choice for choice in range(count) if choice != vector[place]]
        changed = np.repeat(vector[None], len(others), axis=0)
        changed[:, place] = others
        rows.append(changed)
    return adapting(space, np.concatenate(rows))


def adapting(space: Space, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns those of index vectors that adapt some unit, shape ``(n, d)``."""
    bare = (np.asarray(space.ranks)[vectors[:, 1 + space.units :]] == 0).all(axis=1)
    return np.asarray(vectors[~bare])
