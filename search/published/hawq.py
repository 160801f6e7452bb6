"""HAWQ-style allocation: an integer program over errors weighted by curvature."""

from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.allocation.additive_costs import Costs
from search.allocation.budget_levels import BudgetLevels, fresh_solutions
from search.allocation.budget_program import BudgetProgram
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.moves.fixed_choices import rank_index, rate_index


@final
class HAWQ(AbstractSearcher):
    """Widths of each unit at one pruning rate and one rank, without feedback.

    The cost of a width in a unit is curvature times squared error of the stored weights, and an integer program
    minimises the sum within one budget after another.

    Departs from the papers in that the squared norm of the gradient, the trace of the empirical Fisher information,
    stands for the trace of the Hessian, and in that the error is relative to the weights' norm.

    Args:
        space: the legal configurations.
        objectives: number of objectives.
        seed: of the draws that are left to the end.
        knowledge: with ``sensitivities`` and ``memory``.
        rank: of every unit; the nearest in the space.
        percent: pruning rate in percent; the nearest in the space.

    Raises:
        UserError: when the knowledge holds no sensitivities or no memory.

    Source: HAWQ-V2, arXiv 1911.03852, for the trace; HAWQ-V3, arXiv 2011.10680, for the integer program.
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
        chosen_rank, chosen_rate = rank_index(space, rank), rate_index(space, percent)
        self._levels = BudgetLevels(space, self.knowledge, rank=chosen_rank, rate=chosen_rate)
        self._program = BudgetProgram(space, self.knowledge.memory)
        self._costs = self._weighted_errors(chosen_rate, chosen_rank)

    def _weighted_errors(self, rate: int, rank: int) -> Costs:
        assert self.knowledge.sensitivities is not None
        curvature = self.knowledge.sensitivities.gradient_norm**2
        rates = np.full(len(self.space.pruning_rates), np.inf)
        rates[rate] = 0.0
        pairs = np.full((self.space.units, len(self.space.bits), len(self.space.ranks)), np.inf)
        pairs[:, :, rank] = curvature[:, None] * self.knowledge.damage(self.space, "weight_error")
        return Costs(rates, pairs)

    def _propose(self, n: int) -> NDArray[np.int64]:
        return fresh_solutions(self._levels, lambda limit: self._program.best(self._costs, limit), self._unseen, n)

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        """Results change nothing."""
