"""Configurations as feature columns, for index vectors of a space and for traces alike.

n   configurations
U   units: layers, or the linear modules of all layers
L   layers
K   choices of bits, or of ranks
R   pruning rates

Summary columns of bits and ranks are sums over units, so they are products of indicators of the choices (n, U * K) with
tables of what each choice adds at one pruning rate.
"""

from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError
from perfmodel.features.columns import PEAK_COLUMN, SUMMARY_COLUMNS, THIRDS, relative_error, unit_columns
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.unit_bytes import UnitBytes
from perfmodel.memory.peak_tables import PeakTables
from perfmodel.memory.state_bytes import ADAPTER_BYTES, OPTIMIZER_BYTES
from perfmodel.model.architecture import Architecture
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.methods import WIDTHS, Methods
from perfmodel.space.recipe import Optimizer
from perfmodel.space.space import Space
from perfmodel.traces.trace import DeviceClass

CHUNK = 512
"""Rows worked on at once: their arrays stay in the processor's cache."""

_PLACES = {name: place for place, name in enumerate(SUMMARY_COLUMNS)}
_OF_BITS = slice(_PLACES["mean_bits"], _PLACES["mean_rank"])
_OF_RANKS = slice(_PLACES["mean_rank"], _PLACES["active_share"])
_ACTIVE = slice(_PLACES["active_share"], _PLACES["state_weight_bytes"])
_BYTES = slice(_PLACES["state_weight_bytes"], len(SUMMARY_COLUMNS))


@final
class Featurizer:
    """Features of configurations of one model, on one kind of device, trained with one optimiser.

    Shapes follow from the rate as pruning within each layer makes them; pruning over all layers keeps nearly the same
    bytes in total.

    Args:
        architecture: of the unpruned base model.
        device_class: ``cpu`` or ``cuda``; decides the compute type.
        optimizer: decides the bytes of optimiser state for each adapter parameter.
    """

    def __init__(self, architecture: Architecture, *, device_class: DeviceClass, optimizer: Optimizer) -> None:
        self._architecture = architecture
        self._device_class: DeviceClass = device_class
        self._kept: dict[tuple[float, int, Methods], UnitBytes] = {}
        self.layers = len(architecture.layers)
        self.training_factor = 1 + OPTIMIZER_BYTES[optimizer] / ADAPTER_BYTES

    def matrix(self, arrays: ConfigurationArrays) -> FeatureMatrix:
        """Returns ``SUMMARY_COLUMNS`` and then ``unit_columns`` of each configuration, n rows.

        Args:
            arrays: n configurations of the same units and methods, with any pruning rates and ranks.

        Raises:
            InvalidConfigurationError: when a width is unknown, or the units are neither the model's layers nor its
                linear modules.
        """
        units = arrays.bits.shape[1]
        if not len(arrays):
            columns = (*SUMMARY_COLUMNS, *unit_columns(units))
            return FeatureMatrix(columns, np.empty((0, len(columns))))
        allowed = (self.layers, self.layers * len(self._architecture.modules))
        if units not in allowed or arrays.ranks.shape != arrays.bits.shape:
            raise InvalidConfigurationError(
                f"bits has {units} entries and ranks {arrays.ranks.shape[1]}",
                f"the model has {allowed[0]} layers and {allowed[1]} linear modules",
                "give one a layer or one a module",
            )
        relative_error(arrays.bits, arrays.methods)  # names a width that is unknown
        rates, widths, ranks = np.unique(arrays.rates), np.sort(WIDTHS), np.union1d(arrays.ranks, (0, 1))
        space = Space(units, tuple(rates.tolist()), tuple(widths.tolist()), tuple(ranks.tolist()), arrays.methods)
        places = (
            np.searchsorted(rates, arrays.rates)[:, None],
            np.searchsorted(widths, arrays.bits),
            np.searchsorted(ranks, arrays.ranks),
        )
        return SpaceFeatures(space, self).matrix(np.hstack(places))

    def unit_bytes(self, rate: float, units: int, methods: Methods) -> UnitBytes:
        """Returns parameters and bytes of every unit of the model pruned at one rate, kept from call to call.

        Args:
            rate: pruning rate, in [0, 1).
            units: U, the number of layers or of linear modules of all layers.
            methods: how weights are stored and adapted.
        """
        key = rate, units, methods
        if key not in self._kept:
            self._kept[key] = UnitBytes(self._architecture, *key, self._device_class)
        return self._kept[key]


@final
class SpaceFeatures:
    """Features of index vectors of one space, from tables that are made once.

    Args:
        space: whose index vectors will be given; its units are the model's layers or linear modules.
        featurizer: of the space's model.
        peaks: closed form of the peak of memory; with it ``PEAK_COLUMN`` is the last column.
    """

    def __init__(self, space: Space, featurizer: Featurizer, peaks: PeakTables | None = None) -> None:
        self._peaks = peaks
        self._units, self._layers = space.units, featurizer.layers
        self._columns = (*SUMMARY_COLUMNS, *unit_columns(space.units), *(() if peaks is None else (PEAK_COLUMN,)))
        self._sizes = space.cardinalities.astype(np.uint64)[None]
        self._rates = np.asarray(space.pruning_rates)
        self._bits, self._ranks = np.asarray(space.bits, dtype=np.float64), np.asarray(space.ranks, dtype=np.float64)
        self._training_factor = featurizer.training_factor
        known = [featurizer.unit_bytes(rate, space.units, space.methods) for rate in space.pruning_rates]
        whole = featurizer.unit_bytes(0.0, space.units, space.methods).parameters.reshape(self._layers, -1).sum(axis=1)
        self._of_bits = [_bits_table(each, space) for each in known]
        self._of_ranks = [_ranks_table(each, self._ranks) for each in known]
        self._rest = np.array([each.rest for each in known], dtype=np.float64)
        shares = np.array([each.parameters.reshape(self._layers, -1).sum(axis=1) for each in known]) / whole
        kept = shares[:, ::-1].cumsum(axis=1)[:, ::-1] / self._layers
        self._kept = np.hstack((kept, np.zeros((len(known), 1))))

    def checked(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the index vectors as an array of integers, shape ``(n, 1 + 2 * U)``.

        Args:
            vectors: indices into the space's choices, shape ``(n, 1 + 2 * U)``.

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
        """Returns ``SUMMARY_COLUMNS``, ``unit_columns`` and, where it is known, ``PEAK_COLUMN``, n rows.

        Args:
            vectors: index vectors of the space, shape ``(n, 1 + 2 * U)``.

        Raises:
            ValueError: when the shape or an index does not belong to the space.
        """
        vectors = self.checked(vectors)
        values = np.empty((len(vectors), len(self._columns)))
        for start in range(0, len(vectors), CHUNK):
            self._fill(values[start : start + CHUNK], vectors[start : start + CHUNK])
        if self._peaks is not None:
            values[:, -1] = self._peaks(vectors)
        return FeatureMatrix(self._columns, values)

    def _fill(self, values: NDArray[np.float64], vectors: NDArray[np.int64]) -> None:
        """Writes every column but that of the peak, for vectors that were checked."""
        rate, bits, ranks = vectors[:, 0], vectors[:, 1 : 1 + self._units], vectors[:, 1 + self._units :]
        first = len(SUMMARY_COLUMNS)
        self._bits.take(bits, out=values[:, first : first + self._units], mode="clip")
        adapter = values[:, first + self._units : first + 2 * self._units]
        self._ranks.take(ranks, out=adapter, mode="clip")
        self._rates.take(rate, out=values[:, 0], mode="clip")
        self._fill_active(values[:, _ACTIVE], adapter > 0, rate)
        stored = values[:, _BYTES]
        self._rest.take(rate, out=stored[:, 0], mode="clip")
        chosen = _indicators(bits, len(self._bits)), _indicators(ranks, len(self._ranks))
        rates = np.flatnonzero(np.bincount(rate)).tolist()
        for place in rates:
            rows = slice(None) if len(rates) == 1 else np.flatnonzero(rate == place)
            of_bits, of_ranks = chosen[0][rows] @ self._of_bits[place], chosen[1][rows] @ self._of_ranks[place]
            values[rows, _OF_BITS], values[rows, _OF_RANKS] = of_bits[:, :-1], of_ranks[:, :-1]
            stored[rows, 0] += of_bits[:, -1]
            stored[rows, 1] = of_ranks[:, -1]
        np.multiply(stored[:, 1], self._training_factor, out=stored[:, 2])
        stored[:, 3] = stored[:, 0] + stored[:, 1] + stored[:, 2]

    def _fill_active(self, values: NDArray[np.float64], adapted: NDArray[np.bool_], rate: NDArray[np.int64]) -> None:
        """Writes shares of layers that keep activations, with an adapter, of the parameters; and adapters' scarcity.

        The backward pass ends at the first layer with an adapter: layers before it keep no activations. What a layer
        does wrong can be put right by the adapters of it and of those behind it: with k of them its scarcity is
        1 / (1 + k), and the column is the mean over layers.
        """
        layers = self._layers
        if self._units != layers:
            adapted = np.asarray(adapted.reshape(len(adapted), layers, -1).any(axis=2))
        behind = adapted[:, ::-1].cumsum(axis=1, dtype=np.float64)
        count = behind[:, -1]
        first = np.where(count > 0, adapted.argmax(axis=1), layers)
        values[:, 0] = (layers - first) / layers
        values[:, 1] = count / layers
        values[:, 2] = self._kept[rate, first]
        values[:, 3] = (1 / (1 + behind)).sum(axis=1) / layers


def _bits_table(known: UnitBytes, space: Space) -> NDArray[np.float64]:
    """Returns what a unit's bits add to the columns of bits and to the bytes of weights, shape ``(U * K, 15)``."""
    units, bits = space.units, np.asarray(space.bits, dtype=np.int64)
    weights = (known.parameters / max(known.parameters.sum(), 1))[:, None]
    error = relative_error(bits, space.methods)
    parts = [weights * bits, *(weights * (bits == width) for width in reversed(WIDTHS))]
    for values in (np.log2(error), error**2):
        parts.append(np.broadcast_to(values / units, weights.shape[:1] + bits.shape))
        for members in np.array_split(np.arange(units), len(THIRDS)):
            # A model of one or two layers has an empty third: its columns are 0 everywhere and carry nothing.
            inside = np.isin(np.arange(units), members)[:, None]
            parts.append(inside * values / max(1, len(members)))
    return np.stack([*parts, known.weights[:, bits]], axis=-1).reshape(units * len(bits), -1)


def _ranks_table(known: UnitBytes, ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns what a unit's rank adds to the columns of ranks and to the bytes of adapters, shape ``(U * K, 4)``."""
    units = len(known.parameters)
    stored = ranks * known.adapter_per_rank[:, None] + (ranks > 0) * known.adapter_fixed[:, None]
    means = [np.broadcast_to(each / units, stored.shape) for each in (ranks, np.log2(1 + ranks), ranks == 0)]
    return np.stack([*means, stored], axis=-1).reshape(units * len(ranks), -1)


def _indicators(chosen: NDArray[np.int64], choices: int) -> NDArray[np.float64]:
    """Returns 1 where a unit has a choice and 0 elsewhere, shape ``(n, U * K)``."""
    count, units = chosen.shape
    made = np.zeros((count, units * choices))
    made.reshape(-1)[chosen + np.arange(0, made.size, choices).reshape(count, units)] = 1.0
    return made
