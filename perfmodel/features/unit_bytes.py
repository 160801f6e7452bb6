"""Parameters and bytes of every unit of a model pruned at one rate."""

from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.memory.resident_bytes import stored_tables
from perfmodel.memory.state_bytes import ADAPTER_BYTES, COMPUTE_BYTES
from perfmodel.model.architecture import Architecture
from perfmodel.space.methods import ADAPTERS, WIDTHS, Methods
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
        pruned, compute = architecture.pruned(rate), COMPUTE_BYTES[device_class]
        shapes = [shape for layer in range(len(pruned.layers)) for shape in pruned.module_shapes(layer).values()]
        rows, columns = np.array(shapes, dtype=np.int64).T

        def by_unit(values: NDArray[np.int64]) -> NDArray[np.float64]:
            return np.asarray(values.reshape(units, -1).sum(axis=1), dtype=np.float64)

        adapter = ADAPTERS[methods.adapter]
        first, second = (by_unit(adapter.parameters(rows, columns, np.full(len(rows), rank))) for rank in (1, 2))
        self.parameters = by_unit(rows * columns)
        self.adapter_per_rank = ADAPTER_BYTES * (second - first)
        self.adapter_fixed = ADAPTER_BYTES * (2 * first - second)
        self.weights = np.full((units, _WIDEST + 1), np.nan)
        stored = stored_tables(pruned, methods, WIDTHS, compute)
        for width in WIDTHS:
            self.weights[:, width] = by_unit((stored["values"] + stored["metadata"])[:, :, width])
        self.rest = compute * pruned.rest_parameters
