"""HAWQ-style allocation: an integer program over errors weighted by curvature."""

from functools import partial
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from search.allocation.additive_costs import width_costs
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
        assert self.knowledge.sensitivities is not None
        fixed = FixedChoices.nearest(self.space, rank=rank, percent=percent)
        self._levels = BudgetLevels(self.space, self.knowledge, rank=fixed.rank, rate=fixed.rate)
        curvature = self.knowledge.sensitivities.gradient_norm**2
        errors = curvature[:, None] * self.knowledge.damage(self.space, "weight_error")
        self._solve = partial(BudgetProgram(self.space, self.knowledge.memory).best, width_costs(fixed, errors))

    def _propose(self, n: int) -> NDArray[np.int64]:
        return new_solutions(self._levels, self._solve, self._visited, n)
