"""Where a search starts: points that are found when the first is asked for, and handed out a few at a time."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray


class AbstractStart(ABC):
    """Points to start from. Implementations say how they are found."""

    _left: NDArray[np.int64] | None = None

    @property
    def started(self) -> bool:
        """Whether the start was handed out as a whole."""
        return self._left is not None and len(self._left) == 0

    def start(self, n: int) -> NDArray[np.int64]:
        """Returns the next configurations of the start, before any result, shape ``(<= n, d)``."""
        if self._left is None:
            self._left = self._found()
        given, self._left = self._left[:n], self._left[n:]
        return given

    @abstractmethod
    def _found(self) -> NDArray[np.int64]:
        """Returns all points, shape ``(any, d)``."""
