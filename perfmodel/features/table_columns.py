"""Features of a space's index vectors by table look-up: each column but one is a sum over what the single choices add.

n   configurations
R   pruning rates of the space
U   units
K   choices of bits, or of ranks
q   columns of the table

A row of the table is what one choice adds at one rate: the bits of a unit, the rank of a unit, and the first unit with
an adapter, from which on activations are kept and which also brings what the rate alone decides.
"""

from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.columns import (
    PEAK_COLUMN,
    SUMMARY_COLUMNS,
    THIRDS,
    Featurizer,
    UnitTable,
    relative_error,
    unit_columns,
)
from perfmodel.features.hat_basis import ERROR_HATS, HATS, RANK_HATS, depth_hats
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.memory.peak_tables import PeakTables
from perfmodel.space.methods import DEFAULT_METHODS, WIDTHS
from perfmodel.space.space import Space

_OF_BITS = (*SUMMARY_COLUMNS[1:15], "state_weight_bytes", *ERROR_HATS)
_OF_RANKS = (
    *SUMMARY_COLUMNS[15:18],
    "active_adapted_share",
    "state_adapter_bytes",
    "state_training_bytes",
    *RANK_HATS,
)
_OF_FIRST = ("pruning_rate", "active_share", "active_kept_share", "active_scarcity", "one")

SUM_COLUMNS = (*_OF_BITS, "state_total_bytes", *_OF_RANKS, *_OF_FIRST)
"""Columns of the table: ``SUMMARY_COLUMNS``, the hats, and 1. Those of bits come first, those of ranks after; both add
to the total, which stands between."""

PLACES = {name: place for place, name in enumerate(SUM_COLUMNS)}

_BITS = slice(0, len(_OF_BITS) + 1)
_RANKS = slice(len(_OF_BITS), len(_OF_BITS) + 1 + len(_OF_RANKS))
_TOTAL = len(_OF_BITS)
_SCARCITY = PLACES["active_scarcity"]

CHUNK = 1024
"""Rows worked on at once, some hundred of each rate."""

FEW = 16
"""Below so many rows a gather is faster than a product."""


@final
class SpaceFeatures:
    """The columns of ``Featurizer.matrix`` for index vectors of one space, an order of magnitude faster.

    Args:
        space: of the vectors.
        featurizer: of the space's model.
        peaks: closed form of the peak; with it ``PEAK_COLUMN`` is one of the columns.
    """

    def __init__(self, space: Space, featurizer: Featurizer, peaks: PeakTables | None = None) -> None:
        self.peaks = peaks
        self._columns = (*SUMMARY_COLUMNS, *unit_columns(space.units), *([] if peaks is None else [PEAK_COLUMN]))
        self._summary = np.array([PLACES[name] for name in SUMMARY_COLUMNS], dtype=np.intp)
        self._sizes = space.cardinalities.astype(np.uint64)[None]
        self.units, self._layers = space.units, featurizer.layers
        self._choices = (np.asarray(space.bits, dtype=np.float64), np.asarray(space.ranks, dtype=np.float64))
        errors = relative_error(np.asarray(space.bits, dtype=np.int64), DEFAULT_METHODS) ** 2
        self._terms = np.append(errors, np.log2(1 + self._choices[1]))
        self._term_starts = np.repeat([[0, len(errors)]], space.units, axis=1)
        self._adapts = self._choices[1] > 0
        tables = [_rate_table(space, featurizer, rate) for rate in space.pruning_rates]
        self._rows = len(tables[0])
        self._table = np.concatenate(tables)
        self._starts = _starts(space, self._rows)
        self._ones = np.ones(1 + 2 * space.units)
        self._means = np.full(self._layers, 1 / self._layers)

    def checked(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the index vectors as an array, shape ``(n, 1 + 2 * units)``.

        Raises:
            ValueError: when the shape or an index does not belong to the space.
        """
        vectors = np.asarray(vectors, dtype=np.int64)
        if vectors.shape[1:] != self._sizes.shape[1:]:
            raise ValueError(f"vectors must have shape (n, {self._sizes.size}), got {vectors.shape}")
        if np.count_nonzero(vectors.view(np.uint64) >= self._sizes):  # a negative index is a huge one without its sign
            raise ValueError("vectors must hold indices from 0 to below the space's cardinalities")
        return vectors

    def matrix(self, vectors: NDArray[np.int64]) -> FeatureMatrix:
        """Returns the features of index vectors, shape ``(n, 1 + 2 * units)``.

        Raises:
            ValueError: when the shape or an index does not belong to the space.
        """
        vectors = self.checked(vectors)
        values = np.empty((len(vectors), len(self._columns)))
        sums = np.empty((len(vectors), len(SUM_COLUMNS)))
        self.fill(sums, vectors)
        ends = len(SUMMARY_COLUMNS), len(SUMMARY_COLUMNS) + self.units
        values[:, : ends[0]] = sums.take(self._summary, axis=1)
        values[:, ends[0] : ends[1]] = self._choices[0].take(vectors[:, 1 : 1 + self.units])
        values[:, ends[1] : ends[1] + self.units] = self._choices[1].take(vectors[:, 1 + self.units :])
        if self.peaks is not None:
            values[:, -1] = self.peaks(vectors)
        return FeatureMatrix(self._columns, values)

    def unit_terms(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns each unit's squared error in the default formats, then its log2(1 + rank), shape ``(n, 2 * units)``.

        Args:
            vectors: index vectors that were checked, shape ``(n, 1 + 2 * units)``.
        """
        return np.asarray(self._terms.take(vectors[:, 1:] + self._term_starts))

    def fill(self, sums: NDArray[np.float64], vectors: NDArray[np.int64]) -> None:
        """Writes the sums of index vectors that were checked.

        Args:
            sums: columns ``SUM_COLUMNS``, shape ``(n, q)``.
            vectors: shape ``(n, 1 + 2 * units)``.
        """
        for start in range(0, len(vectors), CHUNK):
            self._fill(sums[start : start + CHUNK], vectors[start : start + CHUNK])

    def _fill(self, sums: NDArray[np.float64], vectors: NDArray[np.int64]) -> None:
        rate, ranks = vectors[:, 0], vectors[:, 1 + self.units :]
        adapted = np.empty((len(vectors), self.units + 1), dtype=bool)
        self._adapts.take(ranks, out=adapted[:, :-1], mode="clip")  # checked; another mode would copy what goes out
        adapted[:, -1] = True  # stands for: none has an adapter
        first = adapted.argmax(axis=1)
        if len(vectors) < FEW:
            rows = self._starts.take(rate, axis=0)
            rows += vectors
            of_first = rows[:, 0]
            of_first += first
            np.matmul(self._ones, self._table.take(rows, axis=0), out=sums)
        else:
            self._table.take(rate * self._rows + first, axis=0, out=sums, mode="clip")
            self._add_products(sums, vectors)
        layers = adapted[:, :-1]
        if self.units != self._layers:
            layers = np.asarray(layers.reshape(len(vectors), self._layers, -1).any(axis=2))
            sums[:, PLACES["active_adapted_share"]] = layers.sum(axis=1) / self._layers
        behind = layers[:, ::-1].cumsum(axis=1, dtype=np.float64)
        behind += 1
        np.reciprocal(behind, out=behind)
        sums[:, _SCARCITY] = behind @ self._means

    def _add_products(self, sums: NDArray[np.float64], vectors: NDArray[np.int64]) -> None:
        """Adds what bits and ranks do: products of indicators with the tables of the rates."""
        units, widths = self.units, len(self._choices[0])
        tables = self._table.reshape(-1, self._rows, len(SUM_COLUMNS))[:, units + 1 :]
        for index, table in enumerate(tables):
            at = np.flatnonzero(vectors[:, 0] == index)
            if len(at):
                own, added = vectors.take(at, axis=0), sums.take(at, axis=0)
                bits = _indicators(own[:, 1 : 1 + units], widths)
                ranks = _indicators(own[:, 1 + units :], len(self._choices[1]))
                added[:, _BITS] += bits @ table[: units * widths, _BITS]
                added[:, _RANKS] += ranks @ table[units * widths :, _RANKS]
                sums[at] = added


def _starts(space: Space, rows: int) -> NDArray[np.intp]:
    """Returns what makes rows of the table of an index vector, shape ``(R, 1 + 2 * U)``.

    In the column of the rate that is the row of the first unit with an adapter, less the rate's own index.
    """
    counts = np.repeat([len(space.bits), len(space.ranks)], space.units)
    within = np.concatenate(([0], space.units + 1 + np.cumsum(counts) - counts))
    rates = np.arange(len(space.pruning_rates))
    starts = rates[:, None] * rows + within
    starts[:, 0] -= rates
    return np.asarray(starts, dtype=np.intp)


def _indicators(chosen: NDArray[np.int64], choices: int) -> NDArray[np.float64]:
    """Returns 1 where a unit has a choice, shape ``(n, U * K)``."""
    count, units = chosen.shape
    made = np.zeros((count, units * choices))
    made.reshape(-1)[chosen + np.arange(0, made.size, choices).reshape(count, units)] = 1.0
    return made


def _rate_table(space: Space, featurizer: Featurizer, rate: float) -> NDArray[np.float64]:
    """Returns what each choice adds at one rate, shape ``(U + 1 + U * K bits + U * K ranks, q)``."""
    table = featurizer.unit_table(rate, space.units, space.methods)
    whole = featurizer.unit_table(0.0, space.units, space.methods)
    bits = _bits_table(table, np.asarray(space.bits, dtype=np.int64), space)
    ranks = _ranks_table(table, np.asarray(space.ranks, dtype=np.float64), featurizer.training_factor)
    first = np.zeros((space.units + 1, len(SUM_COLUMNS)))
    layers = featurizer.layers
    layer = np.arange(space.units + 1) // (space.units // layers)
    share = _by_layer(table, layers) / _by_layer(whole, layers)
    kept = np.append(np.cumsum(share[::-1])[::-1], 0.0) / layers
    first[:, PLACES["one"]] = 1.0
    first[:, PLACES["pruning_rate"]] = rate
    first[:, PLACES["active_share"]] = (layers - layer) / layers
    first[:, PLACES["active_kept_share"]] = kept[layer]
    first[:, PLACES["state_weight_bytes"]] = first[:, _TOTAL] = table.rest
    return np.concatenate((first, bits, ranks))


def _by_layer(table: UnitTable, layers: int) -> NDArray[np.float64]:
    return np.asarray(table.parameters.reshape(layers, -1).sum(axis=1))


def _bits_table(table: UnitTable, bits: NDArray[np.int64], space: Space) -> NDArray[np.float64]:
    """Returns what a unit's bits add, shape ``(U * K, q)``."""
    units = len(table.parameters)
    weights = table.parameters / max(table.parameters.sum(), 1)
    error = relative_error(bits, space.methods)
    made = np.zeros((units, len(bits), len(SUM_COLUMNS)))
    made[:, :, PLACES["mean_bits"]] = weights[:, None] * bits
    for width in WIDTHS:
        made[:, :, PLACES[f"share_bits_{width}"]] = weights[:, None] * (bits == width)
    third = np.array_split(np.arange(units), len(THIRDS))
    for name, values in (("mean_log2_error", np.log2(error)), ("mean_squared_error", error**2)):
        made[:, :, PLACES[name]] = values / units
        for where, members in zip(THIRDS, third, strict=True):
            made[members, :, PLACES[f"{name}_{where}"]] = values / max(1, len(members))
    made[:, :, PLACES["state_weight_bytes"]] = made[:, :, _TOTAL] = table.linear[:, bits]
    default = relative_error(bits, DEFAULT_METHODS) ** 2
    start = PLACES[ERROR_HATS[0]]
    made[:, :, start : start + HATS] = default[:, None] * depth_hats(units)[:, None]
    return made.reshape(units * len(bits), -1)


def _ranks_table(table: UnitTable, ranks: NDArray[np.float64], training_factor: float) -> NDArray[np.float64]:
    """Returns what a unit's rank adds, shape ``(U * K, q)``."""
    units = len(table.parameters)
    made = np.zeros((units, len(ranks), len(SUM_COLUMNS)))
    stored = ranks * table.adapter_bytes_per_rank[:, None] + (ranks > 0) * table.adapter_bytes_fixed[:, None]
    for name, values in (
        ("mean_rank", ranks / units),
        ("mean_log2_rank", np.log2(1 + ranks) / units),
        ("share_rank_0", (ranks == 0) / units),
        ("active_adapted_share", (ranks > 0) / units),
        ("state_adapter_bytes", stored),
        ("state_training_bytes", stored * training_factor),
        ("state_total_bytes", stored * (1 + training_factor)),
    ):
        made[:, :, PLACES[name]] = values
    start = PLACES[RANK_HATS[0]]
    made[:, :, start : start + HATS] = np.log2(1 + ranks)[:, None] * depth_hats(units)[:, None]
    return made.reshape(units * len(ranks), -1)
