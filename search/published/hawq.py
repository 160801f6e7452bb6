"""HAWQ-style allocation: an integer program over errors weighted by curvature.

Notation:
    R, U, B, K: pruning rates, units, widths and ranks of the space.
"""

from functools import partial
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from search.allocation.additive_costs import Costs
from search.allocation.budget_levels import BudgetLevels, new_solutions
from search.allocation.budget_program import BudgetProgram
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup
from search.moves.fixed_choices import FixedChoices


@final
class HAWQ(AbstractSearcher):
    """Widths of each unit at one pruning rate and one rank, without feedback.

    The cost of a width in a unit is curvature times squared error of the stored weights, and an integer program
    minimises the sum within one budget after another. When no budget gives a new allocation, it draws.

    Departs from the papers in that the squared norm of the gradient, the trace of the empirical Fisher information,
    stands for the trace of the Hessian, and in that the error is relative to the weights' norm.

    Args:
        setup: its knowledge holds ``sensitivities`` and ``memory``.
        rank: of every unit, 1 or more; the nearest in the space.
        percent: pruning rate in percent, 0 to 99; the nearest in the space.

    Raises:
        UserError: when an option is out of range, or the knowledge holds no sensitivities or no memory.

    Source: HAWQ-V2, arXiv 1911.03852, for the trace; HAWQ-V3, arXiv 2011.10680, for the integer program.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities", "memory")

    def __init__(self, setup: Setup, *, rank: int = 8, percent: int = 0) -> None:
        super().__init__(setup)
        assert self.knowledge.memory is not None
        fixed = FixedChoices.nearest(self.space, rank=rank, percent=percent)
        self._levels = BudgetLevels(self.space, self.knowledge, rank=fixed.rank, rate=fixed.rate)
        self._solve = partial(BudgetProgram(self.space, self.knowledge.memory).best, self._weighted_errors(fixed))

    def _weighted_errors(self, fixed: FixedChoices) -> Costs:
        """Returns the costs, infinite at other rates and ranks than the fixed ones."""
        assert self.knowledge.sensitivities is not None
        curvature = self.knowledge.sensitivities.gradient_norm**2
        rates = np.full(len(self.space.pruning_rates), np.inf)
        rates[fixed.rate] = 0.0
        pairs = np.full((self.space.units, len(self.space.bits), len(self.space.ranks)), np.inf)
        pairs[:, :, fixed.rank] = curvature[:, None] * self.knowledge.damage(self.space, "weight_error")
        return Costs(rates, pairs)

    def _propose(self, n: int) -> NDArray[np.int64]:
        return new_solutions(self._levels, self._solve, self._visited, n)
