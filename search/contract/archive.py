"""What a searcher was told, kept in order.

Notation:
    n: results kept, all finite.
    d: dimensions of the space.
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
        space: of the vectors.
        objectives: number ``m``.
    """

    def __init__(self, space: Space, objectives: int) -> None:
        self.vectors: NDArray[np.int64] = np.empty((0, 1 + 2 * space.units), dtype=np.int64)
        self.objectives: NDArray[np.float64] = np.empty((0, objectives))
        self.violations: NDArray[np.float64] = np.empty(0)

    def __len__(self) -> int:
        """Number ``n`` of results."""
        return len(self.vectors)

    def add(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        """Keeps results, vectors of shape ``(any, d)``."""
        self.vectors = np.concatenate([self.vectors, vectors])
        self.objectives = np.concatenate([self.objectives, evaluation.objectives])
        self.violations = np.concatenate([self.violations, evaluation.violations])

    def rows(self, kept: NDArray[np.int64]) -> Evaluation:
        """Returns the results of some rows."""
        return Evaluation(self.objectives[kept], self.violations[kept])

    def front(self) -> NDArray[np.int64]:
        """Returns the rows of the front within the budget, those nearest to the budget while none is, ``(any,)``."""
        if len(self) and (self.violations > 0).all():
            return np.argsort(self.violations, kind="stable")[: max(1, len(self) // 4)]
        return np.flatnonzero(non_dominated(self.objectives, self.violations))

    def remembered(self, most: int) -> NDArray[np.int64]:
        """Returns at most ``most`` rows in order: the front's, then the latest, shape ``(<= n,)``."""
        front = non_dominated(self.objectives, self.violations)
        order = np.lexsort((np.arange(len(front)), front))
        return np.sort(order[-most:])
