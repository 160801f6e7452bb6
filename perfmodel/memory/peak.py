"""Peak memory of one training step in closed form, as a sum of named terms.

The peak is the highest of a few moments of a step whose optimiser has its state; ``perfmodel.memory.step`` follows them
in order. Nothing here is fitted: every term follows from what the operations allocate. On a CPU it agrees with the
project's measured peaks (``benchmarks/memory_error.py``). **On CUDA this project measured nothing**: the tensors follow
from the same accounts, checked against dry runs on the meta device and against five peaks that others published
(``perfmodel.planner.published_peaks``); the four terms that are no tensors of the step (workspaces of libraries, the
allocator's rounding, its slack, the device's context) are estimates and stand apart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from perfmodel.files.json_file import read_json_object
from perfmodel.memory.library_settings import OWN_LOOP, LibrarySettings
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
    """Bytes at the peak of a training step, term by term, each 0 or more.

    Args:
        weights: bytes of the linear weights' values, and of biases.
        quantization_metadata: bytes of the formats' scales, zeros and tables.
        embeddings: bytes of embeddings and head.
        norms: bytes of the norms' parameters.
        adapters: bytes of the adapters' parameters.
        gradients: bytes of the adapters' gradients, as far as they exist at the peak.
        optimizer: bytes of the optimiser's state.
        saved_activations: bytes that autograd saves, attention's part left out.
        attention: bytes that attention saves.
        logits_and_loss: bytes of logits, their log-softmax and their gradients.
        dequantization: bytes of a weight in the compute type, with what makes it.
        working: bytes of gradients of activations, and of the optimiser's own buffers.
        library_workspace: bytes that cuBLAS holds; 0 on a CPU.
        allocator_rounding: bytes by which the allocator rounds tensors up; 0 on a CPU.
        reserved_slack: bytes that the allocator has reserved beyond tensors; 0 on a CPU.
        device_context: bytes that the process takes beside the allocator; 0 on a CPU.
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
        """Bytes of tensors alone, as a dry run counts them."""
        return self.allocated - self.library_workspace - self.allocator_rounding

    @property
    def allocated(self) -> int:
        """The allocator's peak in bytes: tensors as it rounds them, and what libraries hold."""
        return self.reserved - self.reserved_slack - self.device_context

    @property
    def reserved(self) -> int:
        """Bytes that the device shows as taken."""
        return sum(self.terms().values())

    def terms(self) -> dict[str, int]:
        """Returns the bytes of every term by name, in the order of the arguments."""
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
    libraries: LibrarySettings = OWN_LOOP,
) -> TrainingMemory:
    """Returns the peak of one training step.

    Attention takes no mask: a batch longer than a model's sliding window is not modelled.

    Args:
        architecture: the unpruned base model.
        configuration: pruning rate, bits, ranks and methods.
        recipe: its checkpointing, dropout and optimiser are read.
        load: size of the batch.
        device_class: ``cpu`` computes in float32, ``cuda`` in bfloat16 with its own kernels.
        attention: its implementation in transformers, ``sdpa`` or ``eager``.
        shapes: the pruned model, where pruning over all layers made other shapes than the rate alone tells.
        libraries: how PEFT, TRL and transformers carry out the step; this project's own loop by default.

    Raises:
        InvalidConfigurationError: when the configuration does not fit the model.
    """
    shapes = shapes or architecture.pruned(configuration.pruning_rate)
    terms = StepAccount.of(shapes, [configuration], recipe, load, device_class, attention, libraries).terms()
    return TrainingMemory(**{name: int(values[0]) for name, values in terms.items()})


def training_memory_terms(
    architecture: Architecture,
    configurations: Sequence[Configuration],
    recipe: Recipe,
    load: BatchLoad,
    *,
    device_class: DeviceClass,
    attention: Attention = "sdpa",
    libraries: LibrarySettings = OWN_LOOP,
) -> dict[str, Bytes]:
    """Returns the bytes of each term of ``TrainingMemory`` for many configurations, shape ``(n,)`` each.

    Args:
        architecture: the unpruned base model.
        configurations: n configurations of any rates and methods.
        recipe: of all configurations; its checkpointing, dropout and optimiser are read.
        load: size of the batch, the same for all configurations.
        device_class: ``cpu`` or ``cuda``, the same for all configurations.
        attention: its implementation in transformers, ``sdpa`` or ``eager``.
        libraries: how PEFT, TRL and transformers carry out the step, the same for all configurations.

    Raises:
        InvalidConfigurationError: when a configuration does not fit the model.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, each in enumerate(configurations):
        groups.setdefault((each.pruning_rate, each.methods, len(each.bits), len(each.ranks)), []).append(place)
    result = {field.name: np.zeros(len(configurations), dtype=np.int64) for field in fields(TrainingMemory)}
    for places in groups.values():
        chosen = [configurations[place] for place in places]
        shapes = architecture.pruned(chosen[0].pruning_rate)
        account = StepAccount.of(shapes, chosen, recipe, load, device_class, attention, libraries)
        for name, values in account.terms().items():
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
    """Returns the allocator's peak of many configurations in bytes, shape ``(n,)``.

    Args:
        architecture: the unpruned base model.
        configurations: n configurations of any rates and methods.
        recipe: of all configurations; its checkpointing, dropout and optimiser are read.
        load: size of the batch, the same for all configurations.
        device_class: ``cpu`` or ``cuda``, the same for all configurations.

    Raises:
        InvalidConfigurationError: when a configuration does not fit the model.
    """
    terms = training_memory_terms(architecture, configurations, recipe, load, device_class=device_class)
    outside = ("reserved_slack", "device_context")
    return np.asarray(sum(values for name, values in terms.items() if name not in outside))


def peak_interval(memory: TrainingMemory, *, level: float = 0.9, device_class: DeviceClass) -> tuple[int, int]:
    """Returns the least and the most bytes between which the allocator's peak lies, for a batch that is known.

    On a CPU from the relative errors of measured peaks, as a split conformal interval; on CUDA, where nothing was
    measured, from bounds that are assumed, whatever the level.

    Args:
        memory: the closed form's peak.
        level: share of peaks that the interval should hold, in (0, 1).
        device_class: ``cpu`` or ``cuda``, where the step runs.

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
    found: dict[str, dict[str, list[float]]] = read_json_object(
        Path(str(files("perfmodel.memory"))) / "memory_errors.json"
    )
    return found
