"""The front of an additive loss over rates, bits and ranks: where a search starts, and candidates while it goes on.

Notation:
    d: dimensions of the space.

Before any result the cost of a width is the error of its format, alike in all units; with results, what they teach.
"""

from dataclasses import replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import repair_ranks
from perfmodel.space.space import Space
from search.allocation.additive_costs import Costs, fitted_costs, prior_costs
from search.allocation.additive_path import additive_path
from search.allocation.byte_tables import byte_tables
from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.pareto import non_dominated, spread
from search.contract.start_points import AbstractStart

# Enough points to span the memory axis; the rest of a first batch is left to draws.
_START: Final = 8
# Results that the sums are fitted to: below this a ridge of rates, damage and ranks says nothing.
_FITTED: Final = 12


@final
class AdditiveFront(AbstractStart):
    """Solutions of the additive program at budgets along the whole range of memory.

    Args:
        space: the legal configurations.
        knowledge: holds ``memory``; its budget is kept where there is one, and its sensitivities are not used.
    """

    def __init__(self, space: Space, knowledge: Knowledge) -> None:
        assert knowledge.memory is not None
        self._space, self._knowledge = space, replace(knowledge, sensitivities=None)
        self._memory = knowledge.memory
        self._tables = byte_tables(space, knowledge.memory)
        self._prior = prior_costs(space, self._knowledge)

    def _found(self) -> NDArray[np.int64]:
        front = self.front(self._prior)
        return front[spread(self._memory(front)[:, None], _START, 0)] if len(front) else front

    def refitted(self, archive: Archive) -> NDArray[np.int64]:
        """Returns the front of the loss that results teach, shape ``(any, d)``.

        Args:
            archive: full trainings; with too few of them what was known before still decides.
        """
        losses = archive.told.objectives[:, self._knowledge.loss_objective]
        if (losses > 0).all():
            losses = np.log(losses)
        if len(archive) < _FITTED:
            return self.front(self._prior)
        return self.front(fitted_costs(self._space, self._knowledge, archive.vectors, losses))

    def front(self, costs: Costs) -> NDArray[np.int64]:
        """Returns the best compromises of cost and bytes within the budget, shape ``(any, d)``.

        Args:
            costs: of each rate and of each pair of width and rank in each unit, in any unit, infinite where excluded.
        """
        flat, ranks = costs.pairs.reshape(self._space.units, -1), len(self._space.ranks)
        parts = []
        for rate in range(len(self._space.pruning_rates)):
            pairs = self._tables.bits[rate][:, :, None] + self._tables.ranks[rate][:, None, :]
            bits, rank = np.divmod(additive_path(flat, pairs.reshape(self._space.units, -1)), ranks)
            parts.append(np.column_stack([np.full(len(bits), rate), bits, rank]))
        # The one path without any adapter is the lowest of each rate: its first unit gets one.
        vectors = repair_ranks(self._space, np.concatenate(parts), np.random.default_rng(0))
        vectors = vectors[non_dominated(np.column_stack([costs.total(vectors), self._tables.total(vectors)]))]
        if self._knowledge.budget is None:
            return vectors
        return vectors[self._memory(vectors) <= self._knowledge.budget]
