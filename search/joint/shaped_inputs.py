"""What a Gaussian process of few results is told of a configuration: where it is damaged, and by how much.

Notation:
    n: configurations.
    d: dimensions of the space.

Sums over units vary little between stratified draws unless they are columns of their own, and a process of 61 equal
dimensions needs hundreds of results to find them. So the columns are the rate, and over each third of the depth the
mean level of the ranks, the share of the possible damage by the error of the formats, and its logarithm; then every
dimension by itself.
"""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.columns import relative_error
from perfmodel.space.space import Space

_THIRDS: Final = 3
# Damage below this share of a third's largest counts as none: the logarithm needs a floor.
_NOTHING: Final = 1e-3


@final
class ShapedInputs:
    """Columns in [0, 1] for index vectors.

    Args:
        space: the legal configurations.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        errors = relative_error(np.asarray(space.bits), space.methods) ** 2
        self._damage = errors / max(float(errors.max()), 1e-300)
        self._thirds = [part for part in np.array_split(np.arange(space.units), _THIRDS) if len(part)]

    def __call__(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the columns of index vectors ``(n, d)``, shape ``(n, 10 + d)`` from three units on."""
        units = self._space.units
        levels = self._space.levels(vectors)
        damage, ranks = self._damage[vectors[:, 1 : 1 + units]], levels[:, 1 + units :]
        columns = [levels[:, 0]]
        for part in self._thirds:
            share = damage[:, part].mean(axis=1)
            columns += [ranks[:, part].mean(axis=1), share]
            columns.append(1.0 - np.log(np.maximum(share, _NOTHING)) / np.log(_NOTHING))
        return np.column_stack([*columns, levels])
