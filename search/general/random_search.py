"""Random search: stratified draws over rate, mean bits, mean rank and depth, whatever the results."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import sample
from search.contract.searcher import AbstractSearcher


@final
class RandomSearch(AbstractSearcher):
    """The baseline that every searcher must beat.

    Each ask is stratified in itself: ask for many at once for an even cover.
    """

    def _propose(self, n: int) -> NDArray[np.int64]:
        return sample(self.space, n, self._rng)
