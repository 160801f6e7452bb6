"""Bytes of weights, adapters, gradients and optimiser of one configuration: a view of ``resident_bytes``."""

from dataclasses import dataclass

from perfmodel.memory.distinct_layers import distinct_layers
from perfmodel.memory.resident_bytes import resident
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Optimizer
from perfmodel.space.space import Configuration
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
    """Bytes that one configuration keeps in memory through the whole of training, each 0 or more.

    Args:
        linear: bytes of the layers' linear weights with quantisation metadata.
        rest: bytes of embeddings, head, norms and biases in the compute type.
        adapters: bytes of the adapters' parameters.
        gradients: bytes of the adapters' gradients.
        optimizer: bytes of the optimiser's state.
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
        """Bytes of all of them together."""
        return self.weights + self.adapters + self.gradients + self.optimizer


def adapter_parameters(
    architecture: Architecture, configuration: Configuration, shapes: Architecture | None = None
) -> int:
    """Returns the trainable parameters of all adapters.

    Args:
        architecture: the unpruned base model.
        configuration: its pruning rate, ranks and form of the adapters are read.
        shapes: the pruned model, where pruning over all layers made other shapes than the rate alone tells.
    """
    return state_bytes(architecture, configuration, shapes=shapes).adapters // ADAPTER_BYTES


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
        architecture: the unpruned base model.
        configuration: pruning rate, bits, ranks and methods.
        device_class: ``cpu`` computes in float32, ``cuda`` in bfloat16.
        optimizer: decides the bytes of state per adapter parameter, by ``OPTIMIZER_BYTES``.
        shapes: the pruned model, where pruning over all layers made other shapes than the rate alone tells.

    Raises:
        InvalidConfigurationError: when bits or ranks do not fit the model, or a format does not fit a shape.
    """
    compute = COMPUTE_BYTES[device_class]
    shapes = shapes or architecture.pruned(configuration.pruning_rate)
    distinct = distinct_layers(shapes, [configuration], recomputes=False)
    kept = resident(shapes, distinct, configuration.methods, compute)
    biases = compute * shapes.bias_parameters
    parameters = int(kept.adapters[distinct.number].sum())
    return StateBytes(
        linear=int(kept.weights[0] + kept.metadata[0]) - biases,
        rest=kept.embeddings + kept.norms + biases,
        adapters=ADAPTER_BYTES * parameters,
        gradients=ADAPTER_BYTES * parameters,
        optimizer=OPTIMIZER_BYTES[optimizer] * parameters,
    )
