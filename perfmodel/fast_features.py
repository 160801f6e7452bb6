"""Features of a space's index vectors by table look-up: each column is a sum over units of what one choice adds.

n   configurations
P   pruning rates of the space
U   units
K   choices of bits, or of ranks
"""

from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.feature_matrix import FeatureMatrix
from perfmodel.features import SUMMARY_COLUMNS, THIRDS, Featurizer, relative_error, unit_columns
from perfmodel.methods import WIDTHS
from perfmodel.space import Space

CHUNK = 256
"""Rows worked on at once, so that indicators stay in the cache."""

FEW = 16
"""Below so many rows a gather is faster than a product."""


@final
class SpaceFeatures:
    """The columns of ``Featurizer.matrix`` for index vectors of one space, an order of magnitude faster.

    Args:
        space: of the vectors.
        featurizer: of the space's model.
    """

    def __init__(self, space: Space, featurizer: Featurizer) -> None:
        self._columns = (*SUMMARY_COLUMNS, *unit_columns(space.units))
        self._sizes = space.cardinalities.astype(np.uint64)
        self._units = space.units
        self._rates = np.asarray(space.pruning_rates, dtype=np.float64)
        self._factor = featurizer.training_factor
        self._choices = (np.asarray(space.bits, dtype=np.float64), np.asarray(space.ranks, dtype=np.float64))
        self._layers = featurizer.layers
        tables = [featurizer.unit_table(rate, space.units, space.methods) for rate in space.pruning_rates]
        self._rest = np.array([table.rest for table in tables], dtype=np.float64)
        per_layer = np.array([table.parameters for table in tables]).reshape(len(tables), self._layers, -1).sum(axis=2)
        whole = featurizer.unit_table(0.0, space.units, space.methods).parameters.reshape(self._layers, -1).sum(axis=1)
        from_layer_on = np.cumsum((per_layer / whole)[:, ::-1], axis=1)[:, ::-1] / self._layers
        self._kept = np.hstack((from_layer_on, np.zeros((len(tables), 1))))
        bits = np.asarray(space.bits, dtype=np.int64)
        error = relative_error(bits, space.methods)
        self._bits = np.concatenate([_bits_table(t.parameters, t.linear, bits, error) for t in tables])
        self._ranks = np.concatenate(
            [_ranks_table(t.adapter_bytes_per_rank, t.adapter_bytes_fixed, self._choices[1]) for t in tables]
        )

    def matrix(self, vectors: NDArray[np.int64]) -> FeatureMatrix:
        """Returns the features of index vectors, shape ``(n, 1 + 2 * units)``.

        Raises:
            ValueError: when the shape or an index does not belong to the space.
        """
        vectors = np.asarray(vectors, dtype=np.int64)
        if vectors.shape[1:] != self._sizes.shape:
            raise ValueError(f"vectors must have shape (n, {len(self._sizes)}), got {vectors.shape}")
        if (vectors.astype(np.uint64) >= self._sizes).any():  # a negative index is a huge one without its sign
            raise ValueError("vectors must hold indices from 0 to below the space's cardinalities")
        values = np.empty((len(vectors), len(self._columns)))
        for start in range(0, len(vectors), CHUNK):
            self._fill(values[start : start + CHUNK], vectors[start : start + CHUNK])
        return FeatureMatrix(self._columns, values)

    def _fill(self, values: NDArray[np.float64], vectors: NDArray[np.int64]) -> None:
        units, summary = self._units, len(SUMMARY_COLUMNS)
        rate, bits, ranks = vectors[:, 0], vectors[:, 1 : 1 + units], vectors[:, 1 + units :]
        of_bits = _looked_up(self._bits, rate, bits, len(self._choices[0]))
        of_ranks = _looked_up(self._ranks, rate, ranks, len(self._choices[1]))
        # Indices are checked already; another mode than clip would copy what goes out.
        self._choices[0].take(bits, out=values[:, summary : summary + units], mode="clip")
        self._choices[1].take(ranks, out=values[:, summary + units :], mode="clip")
        adapted: NDArray[np.bool_] = values[:, summary + units :] > 0
        if units != self._layers:
            adapted = np.asarray(adapted.reshape(len(values), self._layers, -1).any(axis=2))
        first = np.where(adapted.any(axis=1), adapted.argmax(axis=1), self._layers)
        values[:, 0] = self._rates.take(rate)
        values[:, 1:15] = of_bits[:, :-1]
        values[:, 15:18] = of_ranks[:, :-1]
        values[:, 18] = (self._layers - first) / self._layers
        values[:, 19] = adapted.sum(axis=1) / self._layers
        values[:, 20] = self._kept[rate, first]
        values[:, 21] = of_bits[:, -1] + self._rest.take(rate)
        values[:, 22] = of_ranks[:, -1]
        values[:, 23] = of_ranks[:, -1] * self._factor
        values[:, 24] = values[:, 21] + values[:, 22] + values[:, 23]


def _looked_up(
    table: NDArray[np.float64], rate: NDArray[np.int64], chosen: NDArray[np.int64], choices: int
) -> NDArray[np.float64]:
    """Returns the sum over units of the chosen rows, shape ``(n, columns)``; rows are by rate, unit and choice.

    Few rows are gathered; many are one product of indicators with the table of their rate.
    """
    count, units = chosen.shape
    within = chosen + np.arange(0, units * choices, choices)
    if count < FEW:
        return np.asarray(table.take(within + (rate * units * choices)[:, None], axis=0).sum(axis=1))
    indicators = np.zeros((count, units * choices))
    indicators.reshape(-1)[within + np.arange(0, indicators.size, units * choices)[:, None]] = 1.0
    by_rate = table.reshape(-1, units * choices, table.shape[1])
    summed = np.empty((count, table.shape[1]))
    for index in np.unique(rate):
        rows = np.flatnonzero(rate == index)
        summed[rows] = indicators[rows] @ by_rate[index]
    return summed


def _bits_table(
    parameters: NDArray[np.float64], linear: NDArray[np.float64], bits: NDArray[np.int64], error: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns what a unit's bits add to the columns 1 to 14 and to the stored bytes, shape ``(U * K, 15)``."""
    units, count = len(parameters), len(bits)
    weights = parameters / max(parameters.sum(), 1)
    table = np.zeros((units, count, 15))
    table[:, :, 0] = weights[:, None] * bits
    for column, width in enumerate(reversed(WIDTHS), start=1):
        table[:, :, column] = weights[:, None] * (bits == width)
    third = np.array_split(np.arange(units), len(THIRDS))
    for column, values in ((6, np.log2(error)), (10, error**2)):
        table[:, :, column] = values / units
        for index, members in enumerate(third, start=1):
            table[members, :, column + index] = values / max(1, len(members))
    table[:, :, 14] = linear[:, bits]
    return table.reshape(units * count, -1)


def _ranks_table(
    per_rank: NDArray[np.float64], fixed: NDArray[np.float64], ranks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns what a unit's rank adds to the columns 15 to 17 and to the adapters' bytes, shape ``(U * K, 4)``."""
    units = len(per_rank)
    shared = np.column_stack((ranks, np.log2(1 + ranks), ranks == 0)) / units
    table = np.empty((units, len(ranks), 4))
    table[:, :, :3] = shared
    table[:, :, 3] = ranks * per_rank[:, None] + (ranks > 0) * fixed[:, None]
    return table.reshape(units * len(ranks), 4)
