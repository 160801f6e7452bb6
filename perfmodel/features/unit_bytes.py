"""Parameters and bytes of every unit of a model pruned at one rate."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.memory.state_bytes import ADAPTER_BYTES, COMPUTE_BYTES, state_bytes
from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import WIDTHS, Methods, adapter_parameters
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import DeviceClass

_WIDEST = max(WIDTHS)


@final
class UnitBytes:
    """What each unit holds; sums of these are exact, being integers far below 2**53.

    Args:
        architecture: of the unpruned base model.
        rate: pruning rate, in [0, 1).
        units: U, the number of layers or of linear modules of all layers.
        methods: how weights are stored and adapted.
        device_class: ``cpu`` or ``cuda``; decides the compute type.

    Attributes:
        parameters: of the linear modules, shape ``(U,)``.
        adapter_per_rank: bytes of adapters for each rank, shape ``(U,)``.
        adapter_fixed: bytes of an adapter whatever its rank, shape ``(U,)``.
        weights: stored bytes by unit and width, shape ``(U, 17)``, NaN where there is no such width.
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
        self.adapter_per_rank = ADAPTER_BYTES * slope
        self.adapter_fixed = ADAPTER_BYTES * (by_unit(first) - slope)
        self.weights = np.full((units, _WIDEST + 1), np.nan)
        for width in WIDTHS:
            stored = FORMATS[methods.format_of(width)].stored_bytes
            self.weights[:, width] = by_unit([stored(*shape, compute) for shape in shapes])
        bare = Configuration.uniform(layers, bits=_WIDEST, rank=0, pruning_rate=rate)
        self.rest = state_bytes(architecture, bare, device_class=device_class).rest
