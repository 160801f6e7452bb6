"""Widths bought one step at a time where they save the most divergence per byte."""

from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from search.allocation.budget_levels import BudgetLevels, new_solutions
from search.allocation.byte_tables import byte_tables
from search.allocation.ladder_greedy import WidthLadders
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup
from search.moves.fixed_choices import FixedChoices


@final
class SensitivityGreedy(AbstractSearcher):
    """The one-shot allocator behind most mixed-precision tools: no training, no feedback.

    From the lowest width everywhere, it always buys the step whose fall of KL per byte is largest, until the budget is
    spent; for one budget after another. Rate and rank are fixed. When no budget gives a new allocation, it draws.

    Args:
        setup: its knowledge holds ``sensitivities`` and ``memory``.
        rank: of every unit, 1 or more; the nearest in the space.
        percent: pruning rate in percent, 0 to 99; the nearest in the space.

    Raises:
        UserError: when an option is out of range, or the knowledge holds no sensitivities or no memory.

    Source: ZeroQ, arXiv 2001.00281, for KL as the sensitivity of a layer alone; greedy steps stand in for its dynamic
    programme.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities", "memory")

    def __init__(self, setup: Setup, *, rank: int = 8, percent: int = 0) -> None:
        super().__init__(setup)
        assert self.knowledge.memory is not None
        fixed = FixedChoices.nearest(self.space, rank=rank, percent=percent)
        sizes = byte_tables(self.space, self.knowledge.memory).bits[fixed.rate]
        per_byte = -np.diff(self.knowledge.damage(self.space), axis=1) / np.maximum(np.diff(sizes, axis=1), 1e-300)
        self._ladders = WidthLadders(fixed, self.knowledge.memory, sizes, per_byte)
        self._levels = BudgetLevels(self.space, self.knowledge, rank=fixed.rank, rate=fixed.rate)

    def _propose(self, n: int) -> NDArray[np.int64]:
        return new_solutions(self._levels, self._ladders.within, self._visited, n)
