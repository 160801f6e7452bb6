"""The additive mixed-integer program of LQ-LoRA, over pairs of (bits, rank) and over rates."""

from functools import partial
from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import sample
from search.allocation.additive_costs import Costs, fitted_costs, prior_costs
from search.allocation.budget_levels import BudgetLevels, new_solutions
from search.allocation.budget_program import BudgetProgram
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup
from search.contract.visited import size

# In a space of at most this many configurations the whole front is solved for at once.
_SMALL: Final = 2048


@final
class MixedIntegerProgram(AbstractSearcher):
    """The additive baseline that every search must beat: exact for a loss that is a sum over units.

    Each proposal minimises the summed costs within the next of a sequence of budgets, so that a front appears; in a
    small space the whole front is solved for. Until ``initial`` results are told, the costs are the sensitivities',
    and every second proposal is a stratified draw to learn from; then they are refitted to the results. Where nothing
    fits, or the same solution comes again, it draws.

    Departs from the paper in that a choice is a pair of bits and rank beside one pruning rate, with KL for the
    reconstruction error, and in that the costs are refitted.

    Args:
        setup: its knowledge holds ``memory``; without sensitivities the formats' errors stand in.
        initial: results awaited before the costs are refitted, 4 or more; 0 keeps the sensitivities' for ever.

    Raises:
        UserError: when the knowledge holds no memory.

    Source: LQ-LoRA, arXiv 2311.12023.
    """

    needs: ClassVar[tuple[str, ...]] = ("memory",)
    uses: ClassVar[tuple[str, ...]] = ("sensitivities",)

    def __init__(self, setup: Setup, *, initial: int = 16) -> None:
        super().__init__(setup)
        assert self.knowledge.memory is not None
        self._program = BudgetProgram(self.space, self.knowledge.memory)
        self._levels = BudgetLevels(self.space, self.knowledge)
        self._initial, self._small = initial, size(self.space) <= _SMALL

    def _propose(self, n: int) -> NDArray[np.int64]:
        costs = self._costs()
        draws = n // 2 if len(self._archive) < self._initial else 0
        if self._small:
            chosen = self._visited.new(self._program.front(costs, self._levels.high))[: n - draws]
        else:
            solve = partial(self._program.best, costs)
            chosen = new_solutions(self._levels, solve, self._visited, n - draws)
        return np.concatenate([chosen, sample(self.space, draws, self._rng)])

    def _costs(self) -> Costs:
        if self._initial == 0 or len(self._archive) < self._initial:
            return prior_costs(self.space, self.knowledge)
        return fitted_costs(self.space, self.knowledge, self._archive.vectors, self._losses)
