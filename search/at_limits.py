"""The best configuration of a cheap problem within its budgets: an evolutionary search, then every single change.

Single changes end where a choice could only be bettered by giving up another, so the best few of the search are tried.

Notation:
    n: configurations.
    d: dimensions of the space.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from perfmodel.space import Space
from search.loop import run
from search.problem import AbstractProblem
from search.searchers import searcher

Say = Callable[[int, int], None]

POPULATION = 100
STARTS = 4


def best_within(
    problem: AbstractProblem, objective: int, seed: int, evaluations: int, say: Say | None = None
) -> NDArray[np.int64] | None:
    """Returns the index vector of least objective that meets every budget, shape ``(d,)``; None where none was found.

    Args:
        problem: cheap to ask, of two objectives or more.
        objective: column to be least.
        seed: of the search.
        evaluations: of the evolutionary search.
        say: told evaluations done and in all.
    """
    made = searcher("nsga2", problem.space, len(problem.objectives), seed, population=POPULATION)
    history = run(made, problem, evaluations, POPULATION, say)
    values = np.where(history.violations == 0, history.objectives[:, objective], np.inf)
    best = [place for place in values.argsort(kind="stable")[:STARTS].tolist() if np.isfinite(values[place])]
    ends = [_polished(problem, objective, history.vectors[place], float(values[place])) for place in best]
    return min(ends, key=lambda end: end[1])[0] if ends else None


def _polished(
    problem: AbstractProblem, objective: int, vector: NDArray[np.int64], value: float
) -> tuple[NDArray[np.int64], float]:
    """Returns the vector after the best single change, again and again, until none helps; and its value."""
    while True:
        around = neighbours(problem.space, vector)
        told = problem.evaluate_vectors(around)
        values = np.where(told.violations == 0, told.objectives[:, objective], np.inf)
        best = int(values.argmin())
        if not values[best] < value:
            return vector, value
        vector, value = np.asarray(around[best]), float(values[best])


def neighbours(space: Space, vector: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns every vector that differs in one choice and adapts some unit, shape ``(n, d)``."""
    rows = []
    for place, count in enumerate(space.cardinalities):
        others = [choice for choice in range(count) if choice != vector[place]]
        changed = np.repeat(vector[None], len(others), axis=0)
        changed[:, place] = others
        rows.append(changed)
    around = np.concatenate(rows)
    bare = (np.asarray(space.ranks)[around[:, 1 + space.units :]] == 0).all(axis=1)
    return np.asarray(around[~bare])
