"""Which vectors of a space were asked for or told, and draws of others where a searcher has none left.

Notation:
    n: vectors.
    d: dimensions of the space, ``1 + 2 * units``.
"""

import math
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import repair_ranks, sample
from perfmodel.space.space import Space

# Up to this many points a space is listed; beyond it random draws find a new point soon.
_LISTED: Final = 1 << 16
_STRATIFIED_ROUNDS: Final = 2
_UNIFORM_ROUNDS: Final = 50


@final
class Visited:
    """The part of a space that a searcher knows already.

    Args:
        space: that the index vectors are of.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._marked: set[bytes] = set()
        self._size = size(space)

    @property
    def remaining(self) -> int:
        """Number of legal vectors not visited yet."""
        return self._size - len(self._marked)

    def mark(self, vectors: NDArray[np.int64]) -> None:
        """Counts vectors, shape ``(n, d)``, as visited."""
        self._marked.update(_keys(vectors))

    def with_marked(self, vectors: NDArray[np.int64]) -> "Visited":
        """Returns a copy that counts vectors, shape ``(n, d)``, as visited too."""
        copy = Visited(self._space)
        copy._marked = self._marked | set(_keys(vectors))
        return copy

    def new(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the vectors, shape ``(n, d)``, that were not visited, each once, in order. Does not mark them."""
        kept, found = [], set()
        for row, key in enumerate(_keys(vectors)):
            if key not in self._marked and key not in found:
                kept.append(row)
                found.add(key)
        return vectors[kept]

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Returns ``min(n, remaining)`` vectors not visited yet and marks them, shape ``(<= n, d)``.

        Stratified while that gives new ones, then uniform, then by listing the space if it is small.

        Args:
            n: number wanted; 0 or less gives none.
            rng: source of everything random here.
        """
        drawn = np.empty((0, 1 + 2 * self._space.units), dtype=np.int64)
        for attempt in range(_STRATIFIED_ROUNDS + _UNIFORM_ROUNDS):
            wanted = min(n - len(drawn), self.remaining)
            if wanted <= 0:
                return drawn
            if attempt < _STRATIFIED_ROUNDS:
                candidates = sample(self._space, wanted, rng)
            elif self._size <= _LISTED:
                candidates = rng.permutation(every(self._space))
            else:
                cardinalities = self._space.cardinalities
                uniform = rng.integers(cardinalities, size=(wanted + 64, len(cardinalities)))
                candidates = repair_ranks(self._space, uniform, rng)
            candidates = self.new(candidates)[:wanted]
            self.mark(candidates)
            drawn = np.concatenate([drawn, candidates])
        return drawn


def size(space: Space) -> int:
    """Returns the number of legal configurations of a space."""
    bits, ranks = (math.prod([len(choices)] * space.units) for choices in (space.bits, space.ranks))
    return len(space.pruning_rates) * bits * (ranks - int(space.ranks[0] == 0))


def every(space: Space) -> NDArray[np.int64]:
    """Returns all legal vectors of a small space, shape ``(size, d)``."""
    cardinalities = space.cardinalities
    rows = np.stack(np.unravel_index(np.arange(math.prod(cardinalities.tolist())), cardinalities.tolist()), axis=1)
    if space.ranks[0] == 0:
        rows = rows[(rows[:, 1 + space.units :] > 0).any(axis=1)]
    return rows.astype(np.int64)


def _keys(vectors: NDArray[np.int64]) -> list[bytes]:
    return [row.tobytes() for row in np.ascontiguousarray(vectors, dtype=np.uint8)]
