"""Closed-form bytes of weights, adapters, gradients and optimiser for any configuration."""

from dataclasses import dataclass

from perfmodel.architecture import Architecture
from perfmodel.recipe import Optimizer
from perfmodel.space import Configuration
from perfmodel.trace import DeviceClass

COMPUTE_BYTES: dict[DeviceClass, int] = {"cpu": 4, "cuda": 2}
"""Bytes of a compute value: float32 on the CPU, bfloat16 on CUDA."""

ADAPTER_BYTES = 4
"""Adapters and their gradients are float32 on every device (PEFT's ``autocast_adapter_dtype``)."""

OPTIMIZER_BYTES: dict[Optimizer, int] = {"adamw": 8, "adamw_8bit": 2}
"""Bytes of state per adapter parameter: two moments of float32, or of 8 bits.

The 8-bit figure is a lower bound: block statistics are left out, and tensors below 4,096 values keep float32 moments.
"""

GROUP = 64
"""Weights that share a scale in NF4 and HQQ."""

HQQ3_PER_WORD = 10
"""Three-bit values that HQQ packs into one 32-bit word."""

NF4_TABLE = 16 * 4
"""Bytes of the sixteen float32 levels that bitsandbytes keeps with every NF4 matrix."""


def quantized_bytes(rows: int, columns: int, bits: int, compute_bytes: int) -> int:
    """Returns the bytes of one linear weight as stored, its metadata included.

    16 bits: bfloat16. 8: bitsandbytes int8 with a float32 scale per row. 4: bitsandbytes NF4 with a float32 scale
    per 64 weights and its table of levels. 3 and 2: HQQ with a scale and a zero in the compute type per 64 weights;
    3-bit values lie ten in a 32-bit word, in columns of groups padded to a multiple of ten.

    Args:
        rows: output features.
        columns: input features.
        bits: 16, 8, 4, 3 or 2.
        compute_bytes: bytes of a compute value.
    """
    weights = rows * columns
    groups = -(-weights // GROUP)
    if bits == 16:
        return 2 * weights
    if bits == 8:
        return weights + 4 * rows
    if bits == 4:
        return -(-weights // 2) + 4 * groups + NF4_TABLE
    metadata = 2 * compute_bytes * groups
    if bits == 3:
        return -(-groups // HQQ3_PER_WORD) * GROUP * 4 + metadata
    if bits == 2:
        return weights // 4 + metadata
    raise ValueError(f"bits must be 16, 8, 4, 3 or 2, got {bits}")


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


def adapter_parameters(architecture: Architecture, configuration: Configuration) -> int:
    """Returns the parameters of LoRA's A and B over all seven linear modules of every layer."""
    shapes = architecture.pruned(configuration.pruning_rate)
    return sum(
        rank * sum(rows + columns for rows, columns in shapes.module_shapes(layer).values())
        for layer, rank in enumerate(configuration.ranks)
    )


def state_bytes(
    architecture: Architecture,
    configuration: Configuration,
    *,
    device_class: DeviceClass = "cuda",
    optimizer: Optimizer = "adamw",
) -> StateBytes:
    """Returns the bytes that a configuration keeps resident while it trains.

    Args:
        architecture: of the unpruned base model.
        configuration: pruning rate, bits and ranks.
        device_class: decides the compute type.
        optimizer: decides the state per adapter parameter.
    """
    compute = COMPUTE_BYTES[device_class]
    shapes = architecture.pruned(configuration.pruning_rate)
    linear = sum(
        quantized_bytes(rows, columns, bits, compute)
        for layer, bits in enumerate(configuration.bits)
        for rows, columns in shapes.module_shapes(layer).values()
    )
    adapters = adapter_parameters(architecture, configuration)
    return StateBytes(
        linear=linear,
        rest=compute * _unquantized_parameters(shapes),
        adapters=ADAPTER_BYTES * adapters,
        gradients=ADAPTER_BYTES * adapters,
        optimizer=OPTIMIZER_BYTES[optimizer] * adapters,
    )


def _unquantized_parameters(shapes: Architecture) -> int:
    embeddings = shapes.vocabulary * shapes.hidden * (1 if shapes.tied_embeddings else 2)
    biases = 0
    if shapes.attention_bias:
        for layer in range(len(shapes.layers)):
            biases += sum(shapes.module_shapes(layer)[name][0] for name in ("q_proj", "k_proj", "v_proj"))
    return embeddings + shapes.norm_parameters + biases
