"""What a Gaussian process of few results is told of a configuration: where it is damaged, and by how much.

Notation:
    n: configurations.
    d: dimensions of the space.
    U: units.

Sums over units vary little between stratified draws unless they are columns of their own, and a process of 61 equal
dimensions needs hundreds of results to find them. So the columns are the rate, and over each third of the depth the
mean level of the ranks, the share of the possible damage and its logarithm; then every dimension by itself. Damage is
the error of the formats, and beside it the sensitivities where they are known: which of the two tells more of the loss
after a fine-tune is left to the results.
"""

from dataclasses import replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.allocation.additive_costs import damage
from search.contract.knowledge import Knowledge

Floats = NDArray[np.float64]

_THIRDS: Final = 3
# Damage below this share of a third's largest counts as none: the logarithm needs a floor.
_NOTHING: Final = 1e-3


@final
class ShapedInputs:
    """Columns in [0, 1] for index vectors.

    Args:
        space: the legal configurations.
        knowledge: its sensitivities, where there are any.
    """

    def __init__(self, space: Space, knowledge: Knowledge) -> None:
        self._space = space
        tables = [damage(space, replace(knowledge, sensitivities=None))]
        if knowledge.sensitivities is not None:
            tables.append(damage(space, knowledge))
        self._thirds = [part for part in np.array_split(np.arange(space.units), _THIRDS) if len(part)]
        self._damage = [
            [table[part] / max(float(table[part].max(axis=1).sum()), 1e-300) for table in tables]
            for part in self._thirds
        ]

    def __call__(self, vectors: NDArray[np.int64]) -> Floats:
        """Returns the columns of index vectors ``(n, d)``, shape ``(n, 10 + d)``, or 6 more with sensitivities."""
        units = self._space.units
        levels = self._space.levels(vectors)
        bits, ranks = vectors[:, 1 : 1 + units], levels[:, 1 + units :]
        columns = [levels[:, 0]]
        for part, tables in zip(self._thirds, self._damage, strict=True):
            columns.append(ranks[:, part].mean(axis=1))
            for table in tables:
                share = table[np.arange(len(part)), bits[:, part]].sum(axis=1)
                columns += [share, 1.0 - np.log(np.maximum(share, _NOTHING)) / np.log(_NOTHING)]
        return np.column_stack([*columns, levels])
