"""The loop of ask, evaluate and tell, and the history that it leaves."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.space import Configuration, Space
from search.contract.problem import AbstractProblem
from search.contract.searcher import AbstractSearcher

Progress = Callable[[int, int], None]
StandIn = Callable[[NDArray[np.int64], float], NDArray[np.int64]]
"""From what was asked for, and the share of the full training, to what is evaluated in its place."""

# Shares such as 1/3 add up to 1 only nearly.
_ROUNDING: Final = 1e-9


@final
@dataclass(frozen=True)
class History:
    """Everything one search evaluated, in order.

    Args:
        space: that the index vectors are of.
        vectors: index vectors, shape ``(n, d)``.
        objectives: losses, shape ``(n, m)``, minimised; NaN where a trial failed.
        violations: shape ``(n,)``, 0 where the budget is met.
        shares: of the full training after which each was measured, shape ``(n,)``.
    """

    space: Space
    vectors: NDArray[np.int64]
    objectives: NDArray[np.float64]
    violations: NDArray[np.float64]
    shares: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of evaluations."""
        return len(self.vectors)

    @cached_property
    def configurations(self) -> list[Configuration]:
        """The ``n`` configurations, decoded on first use."""
        return self.space.decode(self.vectors)


def run(
    searcher: AbstractSearcher,
    problem: AbstractProblem,
    evaluations: int,
    batch: int,
    on_progress: Progress | None = None,
    stand_in: StandIn | None = None,
) -> History:
    """Returns the history of a search; shorter than asked for when the space holds no more configurations.

    A training cut short counts as its share, so searchers of many fidelities and of one spend alike; the last batch
    may end less than one evaluation late.

    Args:
        searcher: may have been told results before.
        problem: over the searcher's space.
        evaluations: number of full trainings to spend.
        batch: number evaluated between two proposals, 1 or more.
        on_progress: called with evaluations done and evaluations in all after every batch.
        stand_in: what is evaluated in place of what was asked for, where not everything can be; None for itself.

    Raises:
        UserError: when searcher and problem differ in space or objectives, or the batch is empty.
    """
    if searcher.space != problem.space or searcher.objectives != len(problem.objectives) or batch < 1:
        raise UserError(
            f"{searcher.objectives} objectives searched, {len(problem.objectives)} measured, batches of {batch}",
            "the same space and number of objectives for searcher and problem, batches of 1 or more",
            "build the searcher from problem.space and len(problem.objectives)",
        )
    vectors = [np.empty((0, 1 + 2 * problem.space.units), dtype=np.int64)]
    objectives, violations, shares = [np.empty((0, searcher.objectives))], [np.empty(0)], [np.empty(0)]
    done = 0.0
    while (left := evaluations - done) > _ROUNDING:
        asked = searcher.ask_vectors(min(batch, math.ceil(left - _ROUNDING)))
        at = searcher.at
        if stand_in is not None:
            asked = stand_in(asked, at)
        if len(asked) == 0:
            break
        evaluation = problem.evaluate_vectors(asked, at)
        searcher.tell_vectors(asked, evaluation, at)
        vectors.append(asked)
        objectives.append(evaluation.objectives)
        violations.append(evaluation.violations)
        shares.append(np.full(len(asked), at))
        done += at * len(asked)
        if on_progress is not None:
            on_progress(min(math.floor(done + _ROUNDING), evaluations), evaluations)
    return History(
        problem.space,
        np.concatenate(vectors),
        np.concatenate(objectives),
        np.concatenate(violations),
        np.concatenate(shares),
    )
