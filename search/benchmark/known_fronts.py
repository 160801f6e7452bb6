"""A problem whose front is known exactly, to try a searcher on any space in no time.

Notation:
    n: vectors.
    d: dimensions of the space.
    p: points of a front.

It minimises ``held_out_loss`` and ``peak_memory_bytes``, in made-up units.
"""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.metrics import LOSS, PEAK
from perfmodel.space.space import Space
from search.contract.pareto import non_dominated
from search.contract.problem import AbstractProblem

OBJECTIVES: Final = (LOSS, PEAK)

Floats = NDArray[np.float64]


@final
class AdditiveProblem(AbstractProblem):
    """Every dimension adds its own loss and memory: more bits and rank cost memory and lower the loss.

    Layers differ in how much they care, so the front is not uniform.

    Args:
        space: the legal configurations, of any size.
        seed: of the layers' weights.
        memory: limit of the memory, None for no budget.
    """

    def __init__(self, space: Space, seed: int = 0, memory: float | None = None) -> None:
        super().__init__(space, OBJECTIVES, budget=None if memory is None else {OBJECTIVES[1]: memory})
        rng = np.random.default_rng(seed)
        rates = np.asarray(space.pruning_rates)
        bits, ranks = np.asarray(space.bits, dtype=np.float64), np.asarray(space.ranks, dtype=np.float64)
        # One table a dimension, shape (choices, 2): its loss and its memory. Memory is whole, so fronts stay small.
        self._tables = [np.column_stack([1.0 + 3.0 * rates**1.5, np.rint(40.0 * (1 - rates))])]
        self._tables += [np.column_stack([w * 4.0**-bits, bits]) for w in rng.lognormal(2.0, 1.0, space.units)]
        self._tables += [
            np.column_stack([w / (4.0 + ranks), np.rint(ranks / 4)]) for w in rng.lognormal(-1.0, 1.0, space.units)
        ]

    def measure(self, vectors: NDArray[np.int64]) -> Floats:
        """Returns loss and memory, shape ``(n, 2)``."""
        values = np.zeros((len(vectors), 2))
        for dimension, table in enumerate(self._tables):
            values += table[vectors[:, dimension]]
        return values

    def front(self) -> Floats:
        """Returns the exact front, shape ``(p, 2)``, whatever the budget.

        Dimension by dimension: a partial sum that another dominates cannot lie on the front of the sums. Sums over
        ranks that are all 0 so far are kept apart, since one layer needs an adapter.
        """
        first_rank = 1 + self.space.units
        bare = np.zeros((1, 2))
        for table in self._tables[:first_rank]:
            bare = _front(_sums(bare, table))
        if self.space.ranks[0] > 0:
            for table in self._tables[first_rank:]:
                bare = _front(_sums(bare, table))
            return bare
        adapted = np.empty((0, 2))
        for table in self._tables[first_rank:]:
            adapted = _front(np.concatenate([_sums(adapted, table), _sums(bare, table[1:])]))
            bare = _sums(bare, table[:1])
        return adapted


def _sums(points: Floats, table: Floats) -> Floats:
    return (points[:, None, :] + table).reshape(-1, 2)


def _front(points: Floats) -> Floats:
    return points[non_dominated(points)]
