"""Widths bought one step at a time where they save the most divergence per byte."""

from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.allocation.budget_levels import BudgetLevels, fresh_solutions
from search.allocation.byte_tables import byte_tables
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.moves.fixed_choices import rank_index, rate_index, with_bits
from search.moves.ladder_greedy import climb_ladders


@final
class SensitivityGreedy(AbstractSearcher):
    """The one-shot allocator behind most mixed-precision tools: no training, no feedback.

    From the lowest width everywhere, always the step whose fall of KL per byte is largest, until the budget is spent;
    for one budget after another. Rate and rank are fixed. When no budget gives a new allocation, stratified draws.

    Args:
        space: the legal configurations.
        objectives: number of objectives.
        seed: of the draws that are left to the end.
        knowledge: with ``sensitivities`` and ``memory``.
        rank: of every unit; the nearest in the space.
        percent: pruning rate in percent; the nearest in the space.

    Raises:
        UserError: when the knowledge holds no sensitivities or no memory.

    Source: ZeroQ, arXiv 2001.00281, for KL as the sensitivity of a layer alone; greedy steps stand in for its dynamic
    programme.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities", "memory")

    def __init__(
        self,
        space: Space,
        objectives: int,
        seed: int,
        knowledge: Knowledge | None = None,
        *,
        rank: int = 8,
        percent: int = 0,
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        assert self.knowledge.memory is not None
        self._rank, self._rate = rank_index(space, rank), rate_index(space, percent)
        self._levels = BudgetLevels(space, self.knowledge, rank=self._rank, rate=self._rate)
        self._sizes = byte_tables(space, self.knowledge.memory).bits[self._rate]
        damage = self.knowledge.damage(space)
        self._worth = -np.diff(damage, axis=1) / np.maximum(np.diff(self._sizes, axis=1), 1e-300)
        bare = with_bits(space, np.zeros((1, space.units), dtype=np.int64), self._rate, self._rank)
        self._rest = float(self.knowledge.memory(bare)[0]) - float(self._sizes[:, 0].sum())

    def _propose(self, n: int) -> NDArray[np.int64]:
        return fresh_solutions(self._levels, self._bought, self._unseen, n)

    def _bought(self, limit: float) -> NDArray[np.int64] | None:
        levels = climb_ladders(self._worth, self._sizes, limit - self._rest)
        return None if levels is None else with_bits(self.space, levels[None], self._rate, self._rank)[0]

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        """Results change nothing."""
