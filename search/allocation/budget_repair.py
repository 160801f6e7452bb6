"""Repair of what is over the budget, by the choice that matters least per byte it saves.

Notation:
    n: vectors.
    U: units of the space; ``d = 1 + 2 * U``.
"""

from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.allocation.byte_tables import byte_tables
from search.contract.knowledge import Knowledge


@final
class BudgetRepair:
    """Lowers one (unit, bits or rank) at a time until a configuration fits.

    Args:
        space: the legal configurations.
        knowledge: with ``memory`` and ``budget``; without them nothing is repaired.
        importance: of each unit, shape ``(U,)``.

    Source: AutoQRA, arXiv 2602.22268.
    """

    def __init__(self, space: Space, knowledge: Knowledge, importance: NDArray[np.float64]) -> None:
        self._memory, self._budget = knowledge.memory, knowledge.budget
        if self._memory is None or self._budget is None:
            return
        self._lowest = np.concatenate([np.zeros(space.units), np.full(space.units, int(space.ranks[0] == 0))])
        self._importance = np.tile(importance, 2)
        tables = byte_tables(space, self._memory)
        widest = max(tables.bits.shape[2], tables.ranks.shape[2])
        self._sizes = np.zeros((len(space.pruning_rates), 2 * space.units, widest))
        self._sizes[:, : space.units, : tables.bits.shape[2]] = tables.bits
        self._sizes[:, space.units :, : tables.ranks.shape[2]] = tables.ranks

    def __call__(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the vectors, shape ``(n, d)``, lowered until they fit or every choice is the lowest; rates stay."""
        if self._memory is None or self._budget is None:
            return vectors
        repaired = vectors.copy()
        over = np.flatnonzero(self._memory(repaired) > self._budget)
        while len(over):
            lowered = [self._lower(repaired[row]) for row in over]
            over = over[np.asarray(lowered, dtype=bool)]
            over = over[self._memory(repaired[over]) > self._budget]
        return repaired

    def _lower(self, vector: NDArray[np.int64]) -> bool:
        """Lowers the cheapest choice of one vector, shape ``(d,)``, in place; tells whether there was one."""
        levels = vector[1:]
        lowerable = np.flatnonzero(levels > self._lowest)
        if len(lowerable) == 0:
            return False
        sizes = self._sizes[vector[0], lowerable]
        rows, at = np.arange(len(lowerable)), levels[lowerable]
        saved = np.maximum(sizes[rows, at] - sizes[rows, at - 1], 1e-300)
        vector[1 + lowerable[np.argmin(self._importance[lowerable] / saved)]] -= 1
        return True
