"""Columns that describe a configuration to a learned model: few, and full of what is already known.

    n   configurations
    L   layers
    e   relative quantisation error ||W - Q(W)|| / ||W|| of a storage width

With some tens of traces a model cannot learn 2 L free columns, so the summary columns say what physics says:
errors rather than bits, log2(1 + rank), and the closed-form bytes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.architecture import Architecture
from perfmodel.configuration_arrays import ConfigurationArrays
from perfmodel.errors import InvalidConfigurationError
from perfmodel.memory import ADAPTER_BYTES, COMPUTE_BYTES, OPTIMIZER_BYTES, quantized_bytes, state_bytes
from perfmodel.recipe import Optimizer
from perfmodel.space import Configuration
from perfmodel.trace import DeviceClass

if TYPE_CHECKING:
    import pandas as pd

RELATIVE_ERROR: dict[int, float] = {2: 0.45, 3: 0.19, 4: 0.094, 8: 0.009, 16: 0.0013}
"""e of each width: HQQ group 64 (2, 3), NF4 (4), int8 with row scales (8), bfloat16 (16).

Source: mean of three matrices of SmolLM2-135M, ``benchmarks/quantizer_error.py``.
"""

THIRDS = ("first", "middle", "last")

BYTE_COLUMNS = ("state_weight_bytes", "state_adapter_bytes", "state_training_bytes", "state_total_bytes")
"""Closed-form bytes of weights; adapters; gradients with optimiser; and all three."""

SUMMARY_COLUMNS: tuple[str, ...] = (
    "pruning_rate",
    "mean_bits",
    *(f"share_bits_{bits}" for bits in RELATIVE_ERROR),
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
    *BYTE_COLUMNS,
)

_WIDEST = max(RELATIVE_ERROR)
_ERROR = np.full(_WIDEST + 1, np.nan)
_ERROR[list(RELATIVE_ERROR)] = list(RELATIVE_ERROR.values())


def relative_error(bits: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns e of each width, same shape as ``bits``.

    Raises:
        InvalidConfigurationError: when a width is not in ``RELATIVE_ERROR``.
    """
    known = np.isin(bits, list(RELATIVE_ERROR))
    if not np.all(known):
        raise InvalidConfigurationError(
            f"bits holds {int(np.asarray(bits)[~known][0])}",
            f"allowed are {', '.join(map(str, RELATIVE_ERROR))}",
            "choose one of these widths",
        )
    return _ERROR[bits]


def unit_columns(layers: int) -> tuple[str, ...]:
    """Returns the names of the raw columns: ``bits_<i>`` of every layer, then ``rank_<i>``."""
    return (*(f"bits_{index}" for index in range(layers)), *(f"rank_{index}" for index in range(layers)))


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
        configurations: shape ``(n,)``, with as many layers as the architecture.
        device_class: decides the compute type.
        optimizer: decides the state per adapter parameter.

    Raises:
        InvalidConfigurationError: when a width is unknown or the number of layers differs.
    """
    featurizer = Featurizer(architecture, device_class=device_class, optimizer=optimizer)
    return featurizer.table(ConfigurationArrays.from_configurations(configurations))[list(SUMMARY_COLUMNS)]


def unit_table(configurations: Sequence[Configuration]) -> "pd.DataFrame":
    """Returns the raw columns ``bits_<i>`` and ``rank_<i>`` of each configuration, n rows of 2 L."""
    import pandas as pd

    arrays = ConfigurationArrays.from_configurations(configurations)
    values = np.hstack((arrays.bits, arrays.ranks)).astype(np.float64)
    return pd.DataFrame(values, columns=list(unit_columns(arrays.bits.shape[1])))


@final
class Featurizer:
    """Features of many configurations of one model; byte tables are made once per pruning rate and kept.

    Args:
        architecture: of the unpruned base model.
        device_class: decides the compute type.
        optimizer: decides the state per adapter parameter.
    """

    def __init__(self, architecture: Architecture, *, device_class: DeviceClass, optimizer: Optimizer) -> None:
        self._architecture = architecture
        self._device_class: DeviceClass = device_class
        self._training_factor = 1 + OPTIMIZER_BYTES[optimizer] / ADAPTER_BYTES
        self._rates: dict[float, _RateTable] = {}

    def table(self, arrays: ConfigurationArrays) -> "pd.DataFrame":
        """Returns ``SUMMARY_COLUMNS`` and then ``unit_columns`` of each configuration, n rows.

        Raises:
            InvalidConfigurationError: when a width is unknown or the number of layers differs.
        """
        import pandas as pd

        layers = len(self._architecture.layers)
        if not len(arrays):
            return pd.DataFrame(columns=[*SUMMARY_COLUMNS, *unit_columns(layers)], dtype=np.float64)
        for name, values in (("bits", arrays.bits), ("ranks", arrays.ranks)):
            if values.shape[1] != layers:
                raise InvalidConfigurationError(
                    f"{name} has {values.shape[1]} entries", f"the model has {layers} layers", "give one a layer"
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
        values = np.hstack((summary, arrays.bits, arrays.ranks))
        return pd.DataFrame(values, columns=[*SUMMARY_COLUMNS, *unit_columns(layers)])

    def _bits_columns(self, arrays: ConfigurationArrays) -> list[NDArray[np.float64]]:
        parameters = self._per_rate(arrays, "parameters")
        weights = parameters / np.maximum(parameters.sum(axis=1, keepdims=True), 1)
        error = relative_error(arrays.bits)
        columns = [(weights * arrays.bits).sum(axis=1)]
        columns += [(weights * (arrays.bits == bits)).sum(axis=1) for bits in RELATIVE_ERROR]
        for unit in (np.log2(error), error**2):
            columns.append(_mean(unit))
            columns += [_mean(third) for third in np.array_split(unit, len(THIRDS), axis=1)]
        return columns

    def _active_columns(self, arrays: ConfigurationArrays) -> list[NDArray[np.float64]]:
        """Returns the shares of layers that keep activations, of those with an adapter, and of their parameters.

        The backward pass ends at the first layer with an adapter: layers before it keep no activations.
        """
        adapted = arrays.ranks > 0
        active = np.maximum.accumulate(adapted, axis=1)
        whole = self._rate_table(0.0).parameters
        kept = self._per_rate(arrays, "parameters") / whole
        return [_mean(columns.astype(np.float64)) for columns in (active, active & adapted, active * kept)]

    def _byte_columns(self, arrays: ConfigurationArrays) -> list[NDArray[np.float64]]:
        linear = np.zeros(len(arrays))
        for rate in np.unique(arrays.rates):
            rows = arrays.rates == rate
            table = self._rate_table(float(rate))
            linear[rows] = table.linear[np.arange(len(table.linear)), arrays.bits[rows]].sum(axis=1) + table.rest
        adapters = (arrays.ranks * self._per_rate(arrays, "adapter_bytes_per_rank")).sum(axis=1)
        training = adapters * self._training_factor
        return [linear, adapters, training, linear + adapters + training]

    def _per_rate(self, arrays: ConfigurationArrays, name: str) -> NDArray[np.float64]:
        rates, inverse = np.unique(arrays.rates, return_inverse=True)
        return np.array([getattr(self._rate_table(float(rate)), name) for rate in rates])[inverse]

    def _rate_table(self, rate: float) -> "_RateTable":
        if rate not in self._rates:
            self._rates[rate] = _RateTable(self._architecture, float(rate), self._device_class)
        return self._rates[rate]


@final
class _RateTable:
    """Bytes of every layer of the model pruned at one rate; sums are exact, being integers far below 2**53.

    Attributes:
        parameters: linear parameters, shape ``(L,)``.
        adapter_bytes_per_rank: shape ``(L,)``.
        linear: stored bytes by layer and width, shape ``(L, 17)``, NaN where the width is unknown.
        rest: bytes outside the linear modules.
    """

    def __init__(self, architecture: Architecture, rate: float, device_class: DeviceClass) -> None:
        pruned, layers = architecture.pruned(rate), len(architecture.layers)
        compute = COMPUTE_BYTES[device_class]
        self.parameters = np.zeros(layers)
        self.adapter_bytes_per_rank = np.zeros(layers)
        self.linear = np.full((layers, _WIDEST + 1), np.nan)
        for layer in range(layers):
            shapes = pruned.module_shapes(layer).values()
            self.parameters[layer] = pruned.layer_parameters(layer)
            self.adapter_bytes_per_rank[layer] = ADAPTER_BYTES * sum(rows + columns for rows, columns in shapes)
            for bits in RELATIVE_ERROR:
                self.linear[layer, bits] = sum(quantized_bytes(*shape, bits, compute) for shape in shapes)
        bare = Configuration.uniform(layers, bits=_WIDEST, rank=0, pruning_rate=rate)
        self.rest = state_bytes(architecture, bare, device_class=device_class).rest


def _rank_columns(arrays: ConfigurationArrays) -> list[NDArray[np.float64]]:
    ranks = arrays.ranks
    return [_mean(ranks.astype(np.float64)), _mean(np.log2(1.0 + ranks)), _mean((ranks == 0).astype(np.float64))]


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # A model of one or two layers has an empty third: its columns are 0 everywhere and carry nothing.
    return np.asarray(values.sum(axis=1) / max(1, values.shape[1]))
