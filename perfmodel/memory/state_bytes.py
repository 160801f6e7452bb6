"""Closed-form bytes of weights, adapters, gradients and optimiser for any configuration."""

from dataclasses import dataclass

from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import FORMATS
from perfmodel.space.methods import adapter_parameters as parameters_of_one
from perfmodel.space.recipe import Optimizer
from perfmodel.space.space import Configuration, by_module
from perfmodel.traces.trace import DeviceClass

COMPUTE_BYTES: dict[DeviceClass, int] = {"cpu": 4, "cuda": 2}
"""Bytes of a compute value: float32 on the CPU, bfloat16 on CUDA."""

ADAPTER_BYTES = 4
"""Adapters and their gradients are float32 on every device (PEFT's ``autocast_adapter_dtype``)."""

OPTIMIZER_BYTES: dict[Optimizer, int] = {"adamw": 8, "adamw_8bit": 2, "paged_adamw_8bit": 2}
"""Bytes of state per adapter parameter: two moments of float32, or of 8 bits.

The 8-bit figure is a lower bound: block statistics are left out, and tensors below 4,096 values keep float32 moments.
"""


@dataclass(frozen=True)
class StateBytes:
    """Bytes that live through the whole of training.

    Args:
        linear: weights of the layers' linear modules with quantisation metadata.
        rest: embeddings, head, norms and biases in the compute type.
        adapters: LoRA's parameters.
        gradients: of the adapters.
        optimizer: state of the optimiser.
    """

    linear: int
    rest: int
    adapters: int
    gradients: int
    optimizer: int

    @property
    def weights(self) -> int:
        """Resident bytes of the base model."""
        return self.linear + self.rest

    @property
    def total(self) -> int:
        """All of them."""
        return self.weights + self.adapters + self.gradients + self.optimizer


def adapter_parameters(
    architecture: Architecture, configuration: Configuration, shapes: Architecture | None = None
) -> int:
    """Returns the trainable parameters of all adapters.

    Args:
        architecture: of the unpruned base model.
        configuration: rate, ranks and the form of the adapters.
        shapes: of the pruned model, where pruning over all layers made other shapes than the rate alone tells.
    """
    shapes = shapes or architecture.pruned(configuration.pruning_rate)
    ranks = by_module(configuration.ranks, len(shapes.layers), len(shapes.modules))
    return sum(
        parameters_of_one(configuration.methods.adapter, rows, columns, rank)
        for layer, of_layer in enumerate(ranks)
        for (rows, columns), rank in zip(shapes.module_shapes(layer).values(), of_layer, strict=True)
    )


def state_bytes(
    architecture: Architecture,
    configuration: Configuration,
    *,
    device_class: DeviceClass = "cuda",
    optimizer: Optimizer = "adamw",
    shapes: Architecture | None = None,
) -> StateBytes:
    """Returns the bytes that a configuration keeps resident while it trains.

    Args:
        architecture: of the unpruned base model.
        configuration: pruning rate, bits, ranks and methods.
        device_class: decides the compute type.
        optimizer: decides the state per adapter parameter.
        shapes: of the pruned model, where pruning over all layers made other shapes than the rate alone tells.
    """
    compute = COMPUTE_BYTES[device_class]
    shapes = shapes or architecture.pruned(configuration.pruning_rate)
    bits = by_module(configuration.bits, len(shapes.layers), len(shapes.modules))
    formats = {width: FORMATS[configuration.methods.format_of(width)] for width in set(configuration.bits)}
    linear = sum(
        formats[width].stored_bytes(rows, columns, compute)
        for layer, of_layer in enumerate(bits)
        for (rows, columns), width in zip(shapes.module_shapes(layer).values(), of_layer, strict=True)
    )
    adapters = adapter_parameters(architecture, configuration, shapes)
    return StateBytes(
        linear=linear,
        rest=compute * shapes.rest_parameters,
        adapters=ADAPTER_BYTES * adapters,
        gradients=ADAPTER_BYTES * adapters,
        optimizer=OPTIMIZER_BYTES[optimizer] * adapters,
    )
