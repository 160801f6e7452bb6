"""Columns that describe a configuration to a learned model: few, and full of what is already known.

    n   configurations
    L   layers
    U   units: layers, or the linear modules of all layers
    e   relative quantisation error ||W - Q(W)|| / ||W|| of a storage width

With some tens of traces a model cannot learn 2 U free columns, so the summary columns say what physics says:
errors rather than bits, log2(1 + rank), and the closed-form bytes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.memory.state_bytes import ADAPTER_BYTES, COMPUTE_BYTES, OPTIMIZER_BYTES, state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import FORMATS
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.methods import WIDTHS, Methods, adapter_parameters
from perfmodel.space.recipe import Optimizer
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import DeviceClass

if TYPE_CHECKING:
    import pandas as pd

THIRDS = ("first", "middle", "last")

BYTE_COLUMNS = ("state_weight_bytes", "state_adapter_bytes", "state_training_bytes", "state_total_bytes")
"""Closed-form bytes of weights; adapters; gradients with optimiser; and all three."""

START_COLUMN = "log_step_0_loss"
"""Logarithm of the loss before fine-tuning. No choice tells it: ``perfmodel.evaluation.step_0_losses`` adds it where it
is known."""

PEAK_COLUMN = "closed_form_peak_bytes"
"""The closed form of the peak, for the batch that peaks. No choice tells that batch:
``perfmodel.surrogates.closed_form`` adds the column where it is known."""

SUMMARY_COLUMNS: tuple[str, ...] = (
    "pruning_rate",
    "mean_bits",
    *(f"share_bits_{bits}" for bits in reversed(WIDTHS)),
    "mean_log2_error",
    *(f"mean_log2_error_{third}" for third in THIRDS),
    "mean_squared_error",
    *(f"mean_squared_error_{third}" for third in THIRDS),
    "mean_rank",
    "mean_log2_rank",
    "share_rank_0",
    "active_share",
    "active_adapted_share",
    "active_kept_share",
    "active_scarcity",
    *BYTE_COLUMNS,
)

_WIDEST = max(WIDTHS)


def relative_error(bits: NDArray[np.int64], methods: Methods) -> NDArray[np.float64]:
    """Returns e of each width in the format that the methods store it in, same shape as ``bits``.

    Raises:
        InvalidConfigurationError: when a width is unknown.
    """
    known = np.isin(bits, WIDTHS)
    if not np.all(known):
        raise InvalidConfigurationError(
            f"bits holds {int(np.asarray(bits)[~known][0])}",
            f"allowed are {', '.join(map(str, reversed(WIDTHS)))}",
            "choose one of these widths",
        )
    errors = np.full(_WIDEST + 1, np.nan)
    errors[list(WIDTHS)] = [FORMATS[methods.format_of(width)].relative_error for width in WIDTHS]
    return errors[bits]


def unit_columns(units: int) -> tuple[str, ...]:
    """Returns the names of the raw columns: ``bits_<i>`` of every unit, then ``rank_<i>``."""
    return (*(f"bits_{index}" for index in range(units)), *(f"rank_{index}" for index in range(units)))


def feature_table(
    architecture: Architecture,
    configurations: Sequence[Configuration],
    *,
    device_class: DeviceClass,
    optimizer: Optimizer,
) -> "pd.DataFrame":
    """Returns ``SUMMARY_COLUMNS`` of each configuration, n rows.

    Args:
        architecture: of the unpruned base model.
        configurations: shape ``(n,)``, over the layers or the linear modules of the architecture.
        device_class: decides the compute type.
        optimizer: decides the state per adapter parameter.

    Raises:
        InvalidConfigurationError: when a width is unknown or the number of units is neither.
    """
    featurizer = Featurizer(architecture, device_class=device_class, optimizer=optimizer)
    return featurizer.table(ConfigurationArrays.from_configurations(configurations))[list(SUMMARY_COLUMNS)]


def unit_table(configurations: Sequence[Configuration]) -> "pd.DataFrame":
    """Returns the raw columns ``bits_<i>`` and ``rank_<i>`` of each configuration, n rows of 2 U."""
    import pandas as pd

    arrays = ConfigurationArrays.from_configurations(configurations)
    values = np.hstack((arrays.bits, arrays.ranks)).astype(np.float64)
    return pd.DataFrame(values, columns=list(unit_columns(arrays.bits.shape[1])))


@final
class Featurizer:
    """Features of many configurations of one model; byte tables are made once per rate, unit and methods, and kept.

    Shapes follow from the rate as pruning within each layer makes them; pruning over all layers keeps nearly the same
    bytes in total.

    Args:
        architecture: of the unpruned base model.
        device_class: decides the compute type.
        optimizer: decides the state per adapter parameter.
    """

    def __init__(self, architecture: Architecture, *, device_class: DeviceClass, optimizer: Optimizer) -> None:
        self._architecture = architecture
        self._device_class: DeviceClass = device_class
        self._training_factor = 1 + OPTIMIZER_BYTES[optimizer] / ADAPTER_BYTES
        self._tables: dict[tuple[float, int, Methods], UnitTable] = {}

    def table(self, arrays: ConfigurationArrays) -> "pd.DataFrame":
        """Returns the data frame of ``matrix``."""
        return self.matrix(arrays).frame()

    def matrix(self, arrays: ConfigurationArrays) -> FeatureMatrix:
        """Returns ``SUMMARY_COLUMNS`` and then ``unit_columns`` of each configuration, n rows.

        Raises:
            InvalidConfigurationError: when a width is unknown or the number of units is neither.
        """
        units = arrays.bits.shape[1]
        columns = (*SUMMARY_COLUMNS, *unit_columns(units))
        if not len(arrays):
            return FeatureMatrix(columns, np.empty((0, len(columns))))
        layers = len(self._architecture.layers)
        allowed = (layers, layers * len(self._architecture.modules))
        if units not in allowed or arrays.ranks.shape != arrays.bits.shape:
            raise InvalidConfigurationError(
                f"bits has {units} entries and ranks {arrays.ranks.shape[1]}",
                f"the model has {allowed[0]} layers and {allowed[1]} linear modules",
                "give one a layer or one a module",
            )
        summary = np.column_stack(
            (
                arrays.rates,
                *self._bits_columns(arrays),
                *_rank_columns(arrays),
                *self._active_columns(arrays),
                *self._byte_columns(arrays),
            )
        )
        return FeatureMatrix(columns, np.hstack((summary, arrays.bits, arrays.ranks)))

    def unit_table(self, rate: float, units: int, methods: Methods) -> "UnitTable":
        """Returns what is known of every unit of the model pruned at one rate, kept from call to call."""
        key = rate, units, methods
        if key not in self._tables:
            self._tables[key] = UnitTable(self._architecture, *key, self._device_class)
        return self._tables[key]

    @property
    def layers(self) -> int:
        """Layers of the model."""
        return len(self._architecture.layers)

    @property
    def training_factor(self) -> float:
        """Bytes of gradients and optimiser over those of the adapters."""
        return self._training_factor

    def _bits_columns(self, arrays: ConfigurationArrays) -> list[NDArray[np.float64]]:
        parameters = self._per_unit(arrays, "parameters")
        weights = parameters / np.maximum(parameters.sum(axis=1, keepdims=True), 1)
        error = relative_error(arrays.bits, arrays.methods)
        columns = [(weights * arrays.bits).sum(axis=1)]
        columns += [(weights * (arrays.bits == bits)).sum(axis=1) for bits in reversed(WIDTHS)]
        for unit in (np.log2(error), error**2):
            columns.append(_mean(unit))
            columns += [_mean(third) for third in np.array_split(unit, len(THIRDS), axis=1)]
        return columns

    def _active_columns(self, arrays: ConfigurationArrays) -> list[NDArray[np.float64]]:
        """Returns shares of layers: that keep activations, with an adapter, of the parameters; and adapters' scarcity.

        The backward pass ends at the first layer with an adapter: layers before it keep no activations. What a layer
        does wrong can be put right by the adapters of it and of those behind it: with k of them its scarcity is
        1 / (1 + k), and the column is the mean over layers.
        """
        layers = len(self._architecture.layers)
        adapted = np.asarray((arrays.ranks > 0).reshape(len(arrays), layers, -1).any(axis=2))
        active = np.maximum.accumulate(adapted, axis=1)
        left = self._per_unit(arrays, "parameters").reshape(len(arrays), layers, -1).sum(axis=2)
        whole = self._table(0.0, arrays).parameters.reshape(layers, -1).sum(axis=1)
        scarcity = 1 / (1 + adapted[:, ::-1].cumsum(axis=1))
        columns = (active, active & adapted, active * left / whole, scarcity)
        return [_mean(each.astype(np.float64)) for each in columns]

    def _byte_columns(self, arrays: ConfigurationArrays) -> list[NDArray[np.float64]]:
        linear = np.zeros(len(arrays))
        for rate in np.unique(arrays.rates):
            rows = arrays.rates == rate
            table = self._table(float(rate), arrays)
            linear[rows] = table.linear[np.arange(len(table.linear)), arrays.bits[rows]].sum(axis=1) + table.rest
        per_rank, fixed = (self._per_unit(arrays, name) for name in ("adapter_bytes_per_rank", "adapter_bytes_fixed"))
        adapters = (arrays.ranks * per_rank + (arrays.ranks > 0) * fixed).sum(axis=1)
        training = adapters * self._training_factor
        return [linear, adapters, training, linear + adapters + training]

    def _per_unit(self, arrays: ConfigurationArrays, name: str) -> NDArray[np.float64]:
        rates, inverse = np.unique(arrays.rates, return_inverse=True)
        return np.array([getattr(self._table(float(rate), arrays), name) for rate in rates])[inverse]

    def _table(self, rate: float, arrays: ConfigurationArrays) -> "UnitTable":
        return self.unit_table(rate, arrays.bits.shape[1], arrays.methods)


@final
class UnitTable:
    """Bytes of every unit of the model pruned at one rate; sums are exact, being integers far below 2**53.

    Attributes:
        parameters: linear parameters, shape ``(U,)``.
        adapter_bytes_per_rank: shape ``(U,)``.
        adapter_bytes_fixed: of an adapter, whatever its rank, shape ``(U,)``.
        linear: stored bytes by unit and width, shape ``(U, 17)``, NaN where the width is unknown.
        rest: bytes outside the linear modules.
    """

    def __init__(
        self, architecture: Architecture, rate: float, units: int, methods: Methods, device_class: DeviceClass
    ) -> None:
        pruned, layers = architecture.pruned(rate), len(architecture.layers)
        compute = COMPUTE_BYTES[device_class]
        shapes = [shape for layer in range(layers) for shape in pruned.module_shapes(layer).values()]

        def by_unit(values: list[int]) -> NDArray[np.float64]:
            return np.asarray(np.reshape(np.asarray(values, dtype=np.float64), (units, -1)).sum(axis=1))

        first, second = ([adapter_parameters(methods.adapter, *shape, rank) for shape in shapes] for rank in (1, 2))
        slope = by_unit(second) - by_unit(first)
        self.parameters = by_unit([rows * columns for rows, columns in shapes])
        self.adapter_bytes_per_rank = ADAPTER_BYTES * slope
        self.adapter_bytes_fixed = ADAPTER_BYTES * (by_unit(first) - slope)
        self.linear = np.full((units, _WIDEST + 1), np.nan)
        for width in WIDTHS:
            stored = FORMATS[methods.format_of(width)].stored_bytes
            self.linear[:, width] = by_unit([stored(*shape, compute) for shape in shapes])
        bare = Configuration.uniform(layers, bits=_WIDEST, rank=0, pruning_rate=rate)
        self.rest = state_bytes(architecture, bare, device_class=device_class).rest


def _rank_columns(arrays: ConfigurationArrays) -> list[NDArray[np.float64]]:
    ranks = arrays.ranks
    return [_mean(ranks.astype(np.float64)), _mean(np.log2(1.0 + ranks)), _mean((ranks == 0).astype(np.float64))]


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # A model of one or two layers has an empty third: its columns are 0 everywhere and carry nothing.
    return np.asarray(values.sum(axis=1) / max(1, values.shape[1]))
