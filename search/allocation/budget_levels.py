"""Budgets to solve for one after another, so that a method for one budget draws a front."""

from collections.abc import Callable
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.contract.knowledge import Knowledge
from search.contract.visited import Visited

# Levels in a row that bring nothing new before a method has said all it can for now.
_MISSES: Final = 4


@final
class BudgetLevels:
    """An endless sequence of limits in bytes, each far from those before it; the highest comes first, then the lowest.

    Levels are even in the logarithm between the smallest configuration and the budget, or the largest configuration
    where there is no budget. A budget that nothing meets gives the smallest configuration's bytes always.

    Args:
        space: the legal configurations.
        knowledge: holds ``memory``; its budget is kept where there is one.
        rank: index of the only rank that is meant; all when left out.
        rate: index of the only pruning rate that is meant; all when left out.

    Source: van der Corput 1935, by halving.
    """

    def __init__(self, space: Space, knowledge: Knowledge, *, rank: int | None = None, rate: int | None = None) -> None:
        assert knowledge.memory is not None
        self.units = space.units
        few, many = (int(space.ranks[0] == 0), len(space.ranks) - 1) if rank is None else (rank, rank)
        unpruned, pruned = (0, len(space.pruning_rates) - 1) if rate is None else (rate, rate)
        ends = np.asarray(
            [
                [pruned] + [0] * space.units + [few] * space.units,
                [unpruned] + [len(space.bits) - 1] * space.units + [many] * space.units,
            ]
        )
        low, high = knowledge.memory(ends)
        if knowledge.budget is not None:
            high = min(high, knowledge.budget)
        self.low, self.high = float(low), float(max(low, high))
        self._count = 0

    def __next__(self) -> float:
        """Returns the next limit, bytes."""
        if self._count < 2:
            share = 1.0 - self._count
        else:
            digits = f"{self._count - 1:b}"[::-1]
            share = sum(int(digit) / 2 ** (place + 1) for place, digit in enumerate(digits))
        self._count += 1
        return (
            float(self.low * (self.high / self.low) ** share)
            if self.low > 0
            else self.low + share * (self.high - self.low)
        )


def new_solutions(
    levels: BudgetLevels, solve: Callable[[float], NDArray[np.int64] | None], visited: Visited, n: int
) -> NDArray[np.int64]:
    """Returns unvisited solutions for one level after another, shape ``(<= n, d)``.

    Args:
        levels: in the order of the sequence.
        solve: the configuration for a limit in bytes, shape ``(d,)``, None where nothing fits.
        visited: vectors that are not wanted.
        n: number wanted, 1 or more.
    """
    chosen, misses = np.empty((0, 1 + 2 * levels.units), dtype=np.int64), 0
    while len(chosen) < n and misses < _MISSES:
        vector, before = solve(next(levels)), len(chosen)
        if vector is not None:
            chosen = visited.new(np.concatenate([chosen, vector[None]]))
        misses = 0 if len(chosen) > before else misses + 1
    return chosen
