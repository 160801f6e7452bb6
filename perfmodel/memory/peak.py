"""Peak memory of one training step in closed form, as a sum of named terms.

The peak is the highest of a few moments of a step whose optimiser has its state: the loss's backward pass, where the
logits count four times; the norm before it; the backward pass of each layer (``perfmodel.memory.layer_step``); and the
optimiser's update. At each, what lives is what stays resident (``perfmodel.memory.resident_bytes``), what layers keep
that have not gone back (``perfmodel.memory.saved_activations``), and the gradients of those that have.

Nothing here is fitted: every term follows from what the operations allocate. On a CPU it agrees with the project's
measured peaks (``benchmarks/memory_error.py``). **On CUDA this project measured nothing**: what tensors live follows
from the same accounts, checked against dry runs on the meta device and against five peaks that others published
(``perfmodel.planner.published_peaks``); the four terms that do not (workspaces of libraries, the allocator's rounding,
its slack, the device's context) are estimates and stand apart.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files

import numpy as np

from perfmodel.memory.load import BatchLoad
from perfmodel.memory.saved_activations import Bytes
from perfmodel.memory.step import Attention, StepAccount
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.statistics.conformal_quantile import conformal_quantile
from perfmodel.traces.trace import DeviceClass

__all__ = [
    "Attention",
    "TrainingMemory",
    "allocated_peaks",
    "peak_interval",
    "training_memory",
    "training_memory_terms",
]


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes at the peak of a training step, term by term.

    Args:
        weights: values of the linear weights, and biases.
        quantization_metadata: scales, zeros and tables.
        embeddings: embeddings and head.
        norms: their parameters.
        adapters: their parameters.
        gradients: of the adapters, as far as they exist at the peak.
        optimizer: its state.
        saved_activations: what autograd keeps, attention's part left out.
        attention: what attention keeps.
        logits_and_loss: logits, their log-softmax and gradients.
        dequantization: a weight in the compute type, and what makes it.
        working: gradients of activations, and the optimiser's own buffers.
        library_workspace: what cuBLAS holds (CUDA).
        allocator_rounding: of every tensor's size (CUDA).
        reserved_slack: what the allocator holds beyond live tensors (CUDA).
        device_context: what the process takes beside the allocator (CUDA).
    """

    weights: int
    quantization_metadata: int
    embeddings: int
    norms: int
    adapters: int
    gradients: int
    optimizer: int
    saved_activations: int
    attention: int
    logits_and_loss: int
    dequantization: int
    working: int
    library_workspace: int
    allocator_rounding: int
    reserved_slack: int
    device_context: int

    @property
    def live(self) -> int:
        """Bytes of live tensors, as a dry run counts them."""
        return self.allocated - self.library_workspace - self.allocator_rounding

    @property
    def allocated(self) -> int:
        """The allocator's peak: live tensors as it rounds them, and what libraries hold."""
        return self.reserved - self.reserved_slack - self.device_context

    @property
    def reserved(self) -> int:
        """What the device shows as taken."""
        return sum(self.terms().values())

    def terms(self) -> dict[str, int]:
        """Returns every term by name, in the order of the arguments."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def training_memory(
    architecture: Architecture,
    configuration: Configuration,
    recipe: Recipe,
    load: BatchLoad,
    *,
    device_class: DeviceClass,
    attention: Attention = "sdpa",
    shapes: Architecture | None = None,
) -> TrainingMemory:
    """Returns the peak of one step.

    Attention takes no mask: a batch longer than a model's sliding window is not modelled.

    Args:
        architecture: of the unpruned base model.
        configuration: rate, bits, ranks and methods.
        recipe: checkpointing, dropout and optimiser.
        load: the batch.
        device_class: decides the compute type and kernels.
        attention: its implementation in transformers.
        shapes: of the pruned model, where pruning over all layers made other shapes than the rate alone tells.

    Raises:
        InvalidConfigurationError: when the configuration does not fit the model.
    """
    shapes = shapes or architecture.pruned(configuration.pruning_rate)
    terms = StepAccount.of(shapes, [configuration], recipe, load, device_class, attention).terms()
    return TrainingMemory(**{name: int(values[0]) for name, values in terms.items()})


def training_memory_terms(
    architecture: Architecture,
    configurations: Sequence[Configuration],
    recipe: Recipe,
    load: BatchLoad,
    *,
    device_class: DeviceClass,
    attention: Attention = "sdpa",
) -> dict[str, Bytes]:
    """Returns each term of ``TrainingMemory`` for many configurations, shape ``(n,)``.

    Args:
        architecture: as for ``training_memory``, and so the others.
        configurations: of any rates and methods.
        recipe: for all.
        load: for all.
        device_class: for all.
        attention: for all.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, each in enumerate(configurations):
        groups.setdefault((each.pruning_rate, each.methods, len(each.bits), len(each.ranks)), []).append(place)
    result = {field.name: np.zeros(len(configurations), dtype=np.int64) for field in fields(TrainingMemory)}
    for places in groups.values():
        chosen = [configurations[place] for place in places]
        shapes = architecture.pruned(chosen[0].pruning_rate)
        for name, values in StepAccount.of(shapes, chosen, recipe, load, device_class, attention).terms().items():
            result[name][places] = values
    return result


def allocated_peaks(
    architecture: Architecture,
    configurations: Sequence[Configuration],
    recipe: Recipe,
    load: BatchLoad,
    *,
    device_class: DeviceClass,
) -> Bytes:
    """Returns the allocator's peak of many configurations, shape ``(n,)``; args as for ``training_memory_terms``."""
    terms = training_memory_terms(architecture, configurations, recipe, load, device_class=device_class)
    outside = ("reserved_slack", "device_context")
    return np.asarray(sum(values for name, values in terms.items() if name not in outside))


def peak_interval(memory: TrainingMemory, *, level: float = 0.9, device_class: DeviceClass) -> tuple[int, int]:
    """Returns the bytes between which the allocator's peak lies, for a batch that is known.

    On a CPU from the relative errors of measured peaks, as a split conformal interval; on CUDA, where nothing was
    measured, from bounds that are assumed, whatever the level.

    Args:
        memory: the estimate.
        level: share of peaks that the interval should hold, in (0, 1).
        device_class: whose errors.

    Raises:
        ValueError: when the level is outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    record = _measured_errors()[device_class]
    if not record["traces"]:
        low, high = record["assumed"]
    else:
        errors = np.asarray(record["relative_errors"])
        low, high = -conformal_quantile(-errors, (1 + level) / 2), conformal_quantile(errors, (1 + level) / 2)
    return max(0, math.floor(memory.allocated * (1 + low))), math.ceil(memory.allocated * (1 + high))


@cache
def _measured_errors() -> dict[str, dict[str, list[float]]]:
    text = files("perfmodel.memory").joinpath("memory_errors.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[float]]] = json.loads(text)
    return found
