"""A search among measured configurations alone: in place of what is asked for stands the nearest that is left."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space


@final
class NearestMeasured:
    """Gives each measured configuration once at each share of the training.

    Args:
        space: that the index vectors are of.
        vectors: of the measured configurations, shape ``(n, d)``, each once.
    """

    def __init__(self, space: Space, vectors: NDArray[np.int64]) -> None:
        self._space, self._vectors = space, vectors
        self._columns = self._weighed(vectors)
        self._taken: dict[float, NDArray[np.bool_]] = {}

    def __call__(self, asked: NDArray[np.int64], at: float) -> NDArray[np.int64]:
        """Returns the nearest measured configuration that is left for each one asked for, shape ``(<= c, d)``.

        Near is by the difference of the rates' levels and the mean differences of the bits' and the ranks' levels.

        Args:
            asked: index vectors, shape ``(c, d)``.
            at: share of the full training, above 0, at most 1.
        """
        taken = self._taken.setdefault(at, np.zeros(len(self._vectors), dtype=bool))
        rows = []
        for columns in self._weighed(asked)[: (~taken).sum()]:
            distance = np.abs(self._columns - columns).sum(axis=1)
            rows.append(int(np.where(taken, np.inf, distance).argmin()))
            taken[rows[-1]] = True
        return self._vectors[rows]

    def _weighed(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        columns = self._space.levels(vectors).astype(np.float64)
        columns[:, 1:] /= self._space.units
        return columns
