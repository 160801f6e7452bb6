"""What a searcher was told, kept in order.

Notation:
    n: results kept, all finite.
    d: dimensions of the space, ``1 + 2 * units``.
    m: objectives.
"""

from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.contract.pareto import non_dominated
from search.contract.problem import Evaluation


@final
class Archive:
    """Results in the order they were told; a configuration told twice stands there twice.

    Args:
        space: that the index vectors are of.
        objectives: number ``m`` of objectives, 1 or more.
    """

    def __init__(self, space: Space, objectives: int) -> None:
        empty = np.empty((0, 1 + 2 * space.units), dtype=np.int64)
        self._parts = [(empty, Evaluation(np.empty((0, objectives)), np.empty(0)))]
        self._count = 0

    def __len__(self) -> int:
        """Number ``n`` of results."""
        return self._count

    def add(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        """Keeps more results.

        Args:
            vectors: index vectors, shape ``(any, d)``.
            evaluation: their finite losses ``(any, m)`` and violations ``(any,)``.
        """
        self._parts.append((vectors, evaluation))
        self._count += len(vectors)

    @property
    def vectors(self) -> NDArray[np.int64]:
        """Index vectors, shape ``(n, d)``."""
        return self._joined()[0]

    @property
    def told(self) -> Evaluation:
        """All results: losses ``(n, m)`` and violations ``(n,)``."""
        return self._joined()[1]

    def rows(self, kept: NDArray[np.int64]) -> Evaluation:
        """Returns the results of some rows.

        Args:
            kept: indices of rows, shape ``(any,)``, 0 to ``n - 1``.
        """
        return Evaluation(self.told.objectives[kept], self.told.violations[kept])

    def front(self) -> NDArray[np.int64]:
        """Returns the rows of the front within the budget, those nearest to the budget while none is, ``(any,)``."""
        violations = self.told.violations
        if len(self) and (violations > 0).all():
            return np.argsort(violations, kind="stable")[: max(1, len(self) // 4)]
        return np.flatnonzero(non_dominated(self.told.objectives, violations))

    def remembered(self, most: int) -> NDArray[np.int64]:
        """Returns at most ``most`` rows in order: those of the front, then the latest, shape ``(<= n,)``."""
        front = non_dominated(self.told.objectives, self.told.violations)
        order = np.lexsort((np.arange(len(front)), front))
        return np.sort(order[-most:])

    def _joined(self) -> tuple[NDArray[np.int64], Evaluation]:
        """Returns vectors and results; parts are joined when they are read, so that adding costs no copy of all."""
        if len(self._parts) > 1:
            told = [evaluation for _, evaluation in self._parts]
            objectives = np.concatenate([each.objectives for each in told])
            violations = np.concatenate([each.violations for each in told])
            self._parts = [
                (np.concatenate([vectors for vectors, _ in self._parts]), Evaluation(objectives, violations))
            ]
        return self._parts[0]
