"""Trust regions around the front: how far proposals may go from a point of it, learnt from what they brought.

Notation:
    n: vectors.
    d: dimensions of the space.

Source: the lengths follow TuRBO, Eriksson et al. 2019, and MORBO, Daulton et al. 2022, which hold one around points of
a front; here a length is the share of the dimensions that may differ from the centre, which suits choices.
"""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

_FIRST: Final = 0.5
_LARGEST: Final = 1.0
_FEWEST: Final = 2
# Batches without a better front before the region is halved.
_PATIENCE: Final = 2


@final
class TrustRegion:
    """The reach of proposals.

    Args:
        dimensions: number ``d`` of dimensions of the space.
    """

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self._length = _FIRST
        self._failures = 0

    @property
    def reach(self) -> int:
        """Most dimensions in which a proposal may differ from its centre."""
        return max(_FEWEST, round(self._length * self._dimensions))

    def update(self, *, better: bool) -> None:
        """Doubles the length after a batch that made the front better, halves it after two that did not.

        A region at its smallest opens again: what lies near has been tried.
        """
        if better:
            self._failures = 0
            self._length = min(2 * self._length, _LARGEST)
            return
        self._failures += 1
        if self._failures < _PATIENCE:
            return
        self._failures = 0
        self._length = self._length / 2 if self.reach > _FEWEST else _FIRST

    def hold(self, centres: NDArray[np.int64], moved: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Returns the moved vectors, with random changes taken back where there are more than ``reach``, ``(n, d)``.

        Args:
            centres: index vectors that the moves started from, shape ``(n, d)``.
            moved: shape ``(n, d)``, each from its centre.
            rng: decides which changes stay.
        """
        changed = centres != moved
        order = np.where(changed, rng.random(changed.shape), np.inf).argsort(axis=1).argsort(axis=1)
        return np.where(changed & (order < self.reach), moved, centres)
