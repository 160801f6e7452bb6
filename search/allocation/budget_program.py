"""The best configuration of an additive loss within a limit of bytes, over rates and over choices of every unit.

Notation:
    U, B, K: units, widths and ranks of the space.
    d: dimensions of the space.
"""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.allocation.additive_bound import lower_bound
from search.allocation.additive_costs import Costs
from search.allocation.additive_program import cheapest
from search.allocation.byte_tables import byte_tables
from search.contract.knowledge import Memory

# Where the bytes are no exact sum, the limit is lowered by what the solution exceeds it, so many times.
_TIGHTENED: Final = 4


@final
class BudgetProgram:
    """Solves the additive program at any limit.

    Args:
        space: the legal configurations.
        memory: from index vectors to exact bytes.
    """

    def __init__(self, space: Space, memory: Memory) -> None:
        self._space, self._memory = space, memory
        self._tables = byte_tables(space, memory)
        self._adapted = np.tile(np.asarray(space.ranks) > 0, len(space.bits))

    def best(self, costs: Costs, limit: float) -> NDArray[np.int64] | None:
        """Returns the configuration of least cost within the limit, shape ``(d,)``; None where none fits.

        A rate, a width or a rank is excluded by a cost of infinity.

        Args:
            costs: of each rate and of each pair of width and rank in each unit, in any unit, infinite where excluded.
            limit: most bytes of the whole configuration.
        """
        flat = self._flat(costs)
        bounds = [lower_bound(flat, self._sizes(rate), limit - base) for rate, base in enumerate(self._tables.rates)]
        # Infinite where a rate is excluded, and where nothing fits its tables.
        least = costs.rates + np.asarray(bounds)
        best, lowest = None, np.inf
        for rate in np.argsort(least, kind="stable"):
            if least[rate] >= lowest or not np.isfinite(least[rate]):
                break
            vector = self._at(int(rate), costs, limit)
            if vector is not None and (cost := float(costs.total(vector[None])[0])) < lowest:
                best, lowest = vector, cost
        return best

    def _at(self, rate: int, costs: Costs, limit: float) -> NDArray[np.int64] | None:
        allowed = limit - float(self._tables.rates[rate])
        flat = self._flat(costs)
        for _ in range(_TIGHTENED):
            chosen = cheapest(flat, self._sizes(rate), allowed, self._adapted)
            if chosen is None:
                return None
            vector = self._vector(rate, chosen)
            excess = float(self._memory(vector[None])[0]) - limit
            if excess <= 0:
                return vector
            allowed -= excess
        return None

    def _flat(self, costs: Costs) -> NDArray[np.float64]:
        return np.asarray(costs.pairs.reshape(self._space.units, -1))

    def _sizes(self, rate: int) -> NDArray[np.float64]:
        """Returns bytes of every pair of every unit, shape ``(U, B K)``."""
        pairs = self._tables.bits[rate][:, :, None] + self._tables.ranks[rate][:, None, :]
        return np.asarray(pairs.reshape(self._space.units, -1))

    def _vector(self, rate: int, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        bits, ranks = np.divmod(chosen, len(self._space.ranks))
        return np.concatenate([[rate], bits, ranks]).astype(np.int64)
