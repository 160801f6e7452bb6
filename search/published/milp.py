"""LQ-LoRA's mixed-integer program: the widths of least summed reconstruction error within a budget."""

from functools import partial
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from search.allocation.additive_costs import prior_costs, width_costs
from search.allocation.budget_levels import BudgetLevels, new_solutions
from search.allocation.budget_program import BudgetProgram
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup
from search.moves.fixed_choices import FixedChoices


@final
class MixedIntegerProgram(AbstractSearcher):
    """Widths of each unit at one pruning rate and one rank, solved for without feedback.

    The cost of a width in a unit is the squared error of its stored weights, and an integer program minimises the sum
    within one budget after another, so that a front appears; with one budget the method has one answer. When no budget
    gives a new allocation, it draws.

    Departs from the paper in that the error is of the quantised weights alone, relative to their norm: the low-rank
    part that the paper takes out before is not measured. Weighted by the Fisher information of a unit as a whole, the
    costs are those of ``hawq``.

    Args:
        setup: its knowledge holds ``sensitivities`` and ``memory``.
        rank: of every unit, 1 or more; the nearest in the space.
        percent: pruning rate in percent, 0 to 99; the nearest in the space.
        with_fisher: 1, or 0 for errors that are not weighted by the Fisher information.
        with_pairs: our addition. 1 chooses a pair of width and rank in every unit and a pruning rate, by KL; or 0.

    Raises:
        UserError: when an option is out of range, or the knowledge holds no sensitivities or no memory.

    Source: LQ-LoRA, arXiv 2311.12023, section 3.2, and section 3.3 for the Fisher weights.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities", "memory")

    def __init__(
        self,
        setup: Setup,
        *,
        rank: int = 64,
        percent: int = 0,
        with_fisher: int = 0,
        with_pairs: int = 0,
    ) -> None:
        super().__init__(setup)
        memory, known = self.knowledge.memory, self.knowledge.sensitivities
        assert memory is not None
        assert known is not None
        best = BudgetProgram(self.space, memory).best
        if with_pairs:
            self._solve = partial(best, prior_costs(self.space, self.knowledge))
            self._levels = BudgetLevels(self.space, self.knowledge)
            return
        fixed = FixedChoices.nearest(self.space, rank=rank, percent=percent)
        errors = self.knowledge.damage(self.space, "weight_error")
        if with_fisher:
            errors = known.gradient_norm[:, None] ** 2 * errors
        self._solve = partial(best, width_costs(fixed, errors))
        self._levels = BudgetLevels(self.space, self.knowledge, rank=fixed.rank, rate=fixed.rate)

    def _propose(self, n: int) -> NDArray[np.int64]:
        return new_solutions(self._levels, self._solve, self._visited, n)
