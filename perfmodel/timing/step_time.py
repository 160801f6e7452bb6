"""Seconds of a training step and of a fine-tune, from counts of operations and bytes and a device's profile.

    T   padded tokens of the batch            A   scored tokens of the batch
    r   rank                                  L   length of an example

One pass of T tokens through a weight of (rows, columns) is a product of ``2 T rows columns`` operations. A step has one
forward pass a module, one backward pass (the gradient of its input; the weight is frozen) from the first adapted layer
on, and with checkpointing a second forward pass there. Each pass of a stored weight brings it back to the compute type
first. Evaluation, loading and quantising are left out.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfmodel.memory.state_bytes import ADAPTER_BYTES, COMPUTE_BYTES, OPTIMIZER_BYTES, adapter_parameters
from perfmodel.model.architecture import Architecture
from perfmodel.model.families import FAMILIES
from perfmodel.model.formats import FORMATS
from perfmodel.space.arrays import by_module
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.timing.correction import PARTS
from perfmodel.timing.device_profiles import DeviceProfile, format_family
from perfmodel.traces.trace import DeviceClass

if TYPE_CHECKING:
    from perfmodel.memory.load import BatchLoad

NORM_VALUES = 8
"""Values that one norm reads and writes for each one of its input: float32 copy, square, scale, product, cast."""

RESIDUAL_VALUES = 6
"""Two residual additions of a layer, three values each."""

ROTARY_VALUES = 8
"""Values moved for each one of queries and keys by their rotation: halves swapped, two products, a sum."""

GATE_VALUES = 5
"""Values moved for each MLP channel: activation in and out, and a product of two."""

ADAPTER_VALUES = 4
"""Values moved for each output of an adapter: its own, scaled, and the sum with the base's."""

LOSS_VALUES = 6
"""Values moved for each logit: float32 copy, log-softmax and its gradient."""

BACKWARD_VALUES = 2
"""The backward pass of such operations moves twice what the forward pass moves."""

ATTENTION_BACKWARD = 2.5
"""Five products of the scores' size in the backward pass of fused attention for two in the forward.

Source: FlashAttention-2, arXiv 2307.08691, section 3.1.
"""


@dataclass(frozen=True)
class Work:
    """What one optimiser step does.

    Args:
        products: how many matrix products there are of (operations, bytes read and written, rank); the rank is 0 but
            for an adapter's.
        dequantized: weights brought back to the compute type, over all passes, by ``format_family``.
        dequantized_bytes: read and written by that, by ``format_family``.
        moved_bytes: read and written by operations that do little else.
        passes: number of passes through linear modules.
        adapter_passes: number of passes through adapters.
    """

    products: Mapping[tuple[float, float, int], int]
    dequantized: Mapping[str, int]
    dequantized_bytes: Mapping[str, int]
    moved_bytes: float
    passes: int
    adapter_passes: int

    @property
    def operations(self) -> float:
        """Operations of all matrix products."""
        return sum(operations * count for (operations, _, _), count in self.products.items())


@dataclass(frozen=True)
class StepTime:
    """Seconds of one optimiser step, by where they go.

    Args:
        products: seconds in matrix products.
        dequantization: seconds in bringing weights back to the compute type.
        moving: seconds in operations that are bound by memory.
        overhead: seconds in starting all of these operations.
        lower_bound: whether the profile holds a vendor's peaks, which no real step reaches.
    """

    products: float
    dequantization: float
    moving: float
    overhead: float
    lower_bound: bool

    @property
    def seconds(self) -> float:
        """All of them."""
        return self.products + self.dequantization + self.moving + self.overhead


def step_work(
    architecture: Architecture,
    configuration: Configuration,
    recipe: Recipe,
    load: "BatchLoad",
    *,
    device_class: DeviceClass,
    shapes: Architecture | None = None,
) -> Work:
    """Returns what one optimiser step does.

    Args:
        architecture: the unpruned base model.
        configuration: pruning rate, bits, ranks and methods.
        recipe: its checkpointing and optimiser are read.
        load: size of the batch.
        device_class: ``cpu`` computes in float32, ``cuda`` in bfloat16.
        shapes: the pruned model, where pruning over all layers made other shapes than the rate alone tells.

    Raises:
        InvalidConfigurationError: when bits and ranks do not fit the layers.
    """
    shapes = shapes or architecture.pruned(configuration.pruning_rate)
    count = _Counts(shapes, load, COMPUTE_BYTES[device_class])
    layers, modules = len(shapes.layers), len(shapes.modules)
    bits = by_module(configuration.bits, layers, modules)
    ranks = by_module(configuration.ranks, layers, modules)
    first = next((layer for layer, each in enumerate(ranks) if any(each)), layers)
    # Layers of one shape, one choice of bits and ranks and one number of passes are counted once.
    kinds = Counter((shapes.layers[layer], bits[layer], ranks[layer], int(layer >= first)) for layer in range(layers))
    for (shape, widths, of_layer, backward), times in kinds.items():
        forward = 1 + backward * int(recipe.gradient_checkpointing)
        formats = [configuration.methods.format_of(width) for width in widths]
        count.layers(times, shapes.layers.index(shape), formats, of_layer, forward, backward)
    count.head()
    parameters = adapter_parameters(architecture, configuration, shapes)
    # Gradients are read, moments and parameters read and written.
    count.moved += parameters * (3 * ADAPTER_BYTES + 2 * OPTIMIZER_BYTES[recipe.optimizer])
    return count.work()


def step_time(work: Work, profile: DeviceProfile) -> StepTime:
    """Returns the seconds of one step on a device.

    A product takes its operations at the device's rate, or its bytes at the memory's, whichever is longer. Each part is
    multiplied by the factor of the profile's correction, where it has one.

    Args:
        work: what the step does, from ``step_work`` for the profile's device class.
        profile: what the device can do.
    """
    products = sum(
        times * max(operations / profile.matrix_rate(operations, rank), moved / profile.bytes_per_s)
        for (operations, moved, rank), times in work.products.items()
    )
    dequantization = sum(
        weights / profile.dequantized_per_s[family]
        if family in profile.dequantized_per_s
        else work.dequantized_bytes[family] / profile.bytes_per_s
        for family, weights in work.dequantized.items()
    )
    overhead = work.passes * profile.seconds_per_pass + work.adapter_passes * profile.seconds_per_adapter
    closed_form = StepTime(
        products=products,
        dequantization=dequantization,
        moving=work.moved_bytes * profile.moving_factor / profile.bytes_per_s,
        overhead=overhead + profile.seconds_per_step,
        lower_bound=not profile.measured,
    )
    if profile.correction is None:
        return closed_form
    factors = {name: getattr(closed_form, name) * getattr(profile.correction, name) for name in PARTS}
    return replace(closed_form, **factors)


def finetune_seconds(step: StepTime, recipe: Recipe) -> float:
    """Returns the seconds of all steps of a fine-tune, evaluation left out."""
    return recipe.steps * step.seconds


class _Counts:
    """Adds up the work of a step, module by module."""

    def __init__(self, shapes: Architecture, load: "BatchLoad", compute: int) -> None:
        self.moved = 0.0
        self._shapes = shapes
        self._family = FAMILIES[shapes.family]
        self._load = load
        self._tokens = load.batch_size * load.length
        self._compute = compute
        self._products: Counter[tuple[float, float, int]] = Counter()
        self._dequantized: Counter[str] = Counter()
        self._dequantized_bytes: Counter[str] = Counter()
        self._passes = 0
        self._adapter_passes = 0
        self._times = 1

    def layers(
        self, times: int, layer: int, formats: list[str], ranks: tuple[int, ...], forward: int, backward: int
    ) -> None:
        """Adds layers of one kind: modules, their adapters, attention, norms, rotation and activation.

        Args:
            times: how many such layers there are, 1 or more.
            layer: index of one of these layers.
            formats: name of the format of each module's weight.
            ranks: rank of each module's adapter, 0 for none.
            forward: number of forward passes, 1 or 2.
            backward: number of backward passes, 0 or 1.
        """
        self._times = times
        for (rows, columns), name, rank in zip(self._shapes.module_shapes(layer).values(), formats, ranks, strict=True):
            self._module(rows, columns, name, forward + backward)
            if rank:
                self._adapter(rows, columns, rank, forward, backward)
        widths = self._shapes.block_widths(layer)
        turns = forward + BACKWARD_VALUES * backward
        norms, rotated = self._family.norms * NORM_VALUES, widths["queries"] + widths["keys"]
        head_norms = NORM_VALUES if self._family.head_norms else 0
        values = (norms + RESIDUAL_VALUES) * self._shapes.hidden + (ROTARY_VALUES + head_norms) * rotated
        values += GATE_VALUES * widths["channels"]
        self.moved += times * values * self._tokens * self._compute * turns
        self._attention(widths["queries"], widths["keys"], forward, backward)

    def head(self) -> None:
        """Adds the logits of the scored tokens and the loss over them, forward and backward."""
        scored, vocabulary = self._load.logits, self._shapes.vocabulary
        self._times = 1
        self._product(scored, vocabulary, self._shapes.hidden, 2)
        self.moved += LOSS_VALUES * scored * vocabulary * 4

    def work(self) -> Work:
        """Returns the sums."""
        return Work(
            self._products,
            self._dequantized,
            self._dequantized_bytes,
            self.moved,
            self._passes,
            self._adapter_passes,
        )

    def _module(self, rows: int, columns: int, name: str, passes: int) -> None:
        family, weights = format_family(name), rows * columns
        if not (name == "bf16" and self._compute == COMPUTE_BYTES["cuda"]):  # there it is the compute type
            stored = FORMATS[name].layout.stored_bytes(rows, columns, self._compute)
            self._dequantized[family] += self._times * passes * weights
            self._dequantized_bytes[family] += self._times * passes * (stored + self._compute * weights)
        self._product(self._tokens, rows, columns, passes)
        self._passes += self._times * passes

    def _adapter(self, rows: int, columns: int, rank: int, forward: int, backward: int) -> None:
        # Backward: one product for the gradient of the weight, one for that of the input.
        self._product(self._tokens, rank, columns, forward + 2 * backward, rank)
        self._product(self._tokens, rows, rank, forward + 2 * backward, rank)
        self._adapter_passes += self._times * (forward + backward)
        turns = forward + BACKWARD_VALUES * backward
        self.moved += self._times * ADAPTER_VALUES * rows * self._tokens * ADAPTER_BYTES * turns

    def _attention(self, queries: int, keys: int, forward: int, backward: int) -> None:
        batch, length = self._load.batch_size, self._load.length
        operations = 4.0 * length * length * queries
        moved = float(self._compute * length * 2 * (queries + keys))
        passes = forward + backward * ATTENTION_BACKWARD
        self._products[operations * passes, moved * passes, 0] += self._times * batch

    def _product(self, tokens: int, rows: int, columns: int, times: int, rank: int = 0) -> None:
        if tokens and times:
            moved = self._compute * (rows * columns + tokens * (rows + columns))
            self._products[2.0 * tokens * rows * columns, float(moved), rank] += self._times * times
