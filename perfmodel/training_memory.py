"""Peak memory of one training step in closed form, as a sum of named terms.

The peak is the highest of a few moments of a step whose optimiser has its state: the loss's backward pass, where the
logits count four times; the norm before it; the backward pass of each layer (``perfmodel.step_moments``); and the
optimiser's update. At each, what lives is what stays resident (``perfmodel.resident``), what layers keep that have not
gone back (``perfmodel.activations``), and the gradients of those that have.

Nothing here is fitted: every term follows from what the operations allocate. On a CPU it agrees with the project's
measured peaks (``benchmarks/memory_error.py``). **On CUDA nothing was measured**: what tensors live follows from the
same accounts, checked against dry runs on the meta device; the four terms that do not (workspaces of libraries, the
allocator's rounding, its slack, the device's context) are estimates from documentation and stand apart.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

import numpy as np

from perfmodel.activations import FLOAT32, Bytes, Layers, Step
from perfmodel.architecture import FAMILIES, Architecture
from perfmodel.memory import ADAPTER_BYTES, COMPUTE_BYTES, OPTIMIZER_BYTES
from perfmodel.recipe import Recipe
from perfmodel.resident import Resident, resident
from perfmodel.space import Configuration
from perfmodel.step_moments import Moment, moments
from perfmodel.trace import DeviceClass

Attention = Literal["sdpa", "eager"]

MIB = 1024**2

CUBLAS_WORKSPACE = (4096 * 2 + 16 * 8) * 1024
"""Bytes that torch's allocator holds for cuBLAS. Source: torch's notes on ``CUBLAS_WORKSPACE_CONFIG``, ``:4096:2:16:8``;
on Hopper it is 32 MiB."""

ROUNDING = 512
"""CUDA's allocator rounds every tensor up to a multiple of this; half of it is lost on average at most."""

TENSORS_OF_A_LAYER = 48
"""Activations that a layer keeps, roughly: for the rounding only."""

SEGMENT = 20 * MIB
"""The allocator takes memory for tensors of 1 to 10 MiB in pieces of this size: one is taken to be half empty."""

SLACK_SHARE = 0.05
"""Share of the activations that fragmentation adds to what is reserved: an estimate, not measured."""

CONTEXT = 512 * MIB
"""The context and kernels of a process: between 300 and 700 MiB are reported. An estimate, not measured."""


@dataclass(frozen=True)
class Load:
    """The batch that peaks.

    Args:
        batch_size: examples.
        length: tokens of each, padding included.
        answer_tokens: scored tokens of the whole batch.
    """

    batch_size: int
    length: int
    answer_tokens: int


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
    load: Load,
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
    terms = _Account(shapes, [configuration], recipe, load, device_class, attention).terms()
    return TrainingMemory(**{name: int(values[0]) for name, values in terms.items()})


def training_memory_terms(
    architecture: Architecture,
    configurations: Sequence[Configuration],
    recipe: Recipe,
    load: Load,
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
        for name, values in _Account(shapes, chosen, recipe, load, device_class, attention).terms().items():
            result[name][places] = values
    return result


class _Peak(NamedTuple):
    """The terms that differ from moment to moment, shape ``(n,)`` each or one number for all."""

    saved_activations: Bytes | int
    attention: Bytes | int
    logits_and_loss: Bytes | int
    dequantization: Bytes | int
    working: Bytes | int
    gradients: Bytes | int


class _Account:
    """The step of configurations that share their shapes and methods."""

    def __init__(
        self,
        shapes: Architecture,
        configurations: Sequence[Configuration],
        recipe: Recipe,
        load: Load,
        device_class: DeviceClass,
        attention: Attention,
    ) -> None:
        methods = configurations[0].methods
        self.compute = COMPUTE_BYTES[device_class]
        self.shapes, self.recipe, self.load, self.device_class = shapes, recipe, load, device_class
        self.resident: Resident = resident(shapes, configurations, methods, self.compute)
        self.step = Step(
            load.batch_size,
            load.length,
            self.compute,
            dropout=recipe.dropout > 0,
            adapter=methods.adapter,
            written_out=attention == "eager",
            capped=shapes.family == "gemma2",
            recomputes=recipe.gradient_checkpointing,
        )
        self.layers = Layers(shapes, self.resident.modules, self.step)
        self.residual = self.step.tokens * self.compute * shapes.hidden
        self.logits = FLOAT32 * load.answer_tokens * shapes.vocabulary
        self.rotary = 2 * load.length * shapes.head_dim * self.compute
        self.gradients = ADAPTER_BYTES * self.resident.adapters

    def terms(self) -> dict[str, Bytes]:
        """Returns every term of ``TrainingMemory``, shape ``(n,)``."""
        count = len(self.gradients)
        candidates = [*self._loss(), *(self._at(moment) for moment in moments(self.layers)), self._update()]
        stacked = np.array([[np.broadcast_to(term, count) for term in each] for each in candidates], dtype=np.int64)
        highest = stacked.sum(1).argmax(0)
        chosen = dict(zip(_Peak._fields, stacked[highest, :, np.arange(count)].T, strict=True))
        fixed = {
            "weights": self.resident.weights,
            "quantization_metadata": self.resident.metadata,
            "embeddings": np.full(count, self.resident.embeddings),
            "norms": np.full(count, self.resident.norms),
            "adapters": self.gradients.sum(1),
            "optimizer": OPTIMIZER_BYTES[self.recipe.optimizer] * self.resident.adapters.sum(1),
        }
        terms = fixed | chosen | self._device(chosen)
        return {field.name: terms[field.name] for field in fields(TrainingMemory)}

    @property
    def _between(self) -> Bytes:
        """What each layer keeps from its forward to its backward pass, shape ``(n, L)``."""
        layers = self.layers
        if self.recipe.gradient_checkpointing:
            return layers.escaped + self.residual
        return layers.kept + layers.attention

    @property
    def _attention_between(self) -> Bytes:
        """Attention's part of it."""
        attention = self.layers.attention
        return np.zeros_like(attention) if self.recipe.gradient_checkpointing else attention

    def _loss(self) -> tuple[_Peak, _Peak]:
        """Returns the moment of the loss's gradient, and that of the last norm's."""
        rms = FAMILIES[self.shapes.family].norm_values == 1
        tokens, hidden = self.step.tokens, self.shapes.hidden
        norm = tokens * FLOAT32 * (hidden + 1) if rms else tokens * (self.compute * hidden + 2 * FLOAT32)
        back = 5 * FLOAT32 * tokens * hidden if rms else 3 * self.residual
        # gemma2 caps its logits in the compute type and keeps the hyperbolic tangent.
        cap = self.logits * self.compute // FLOAT32 if self.shapes.family == "gemma2" else 0
        attention = self._attention_between.sum(1)
        saved = self._between.sum(1) - attention + norm + self.rotary
        return (
            _Peak(saved, attention, 4 * self.logits + cap, 0, 0, 0),
            _Peak(saved, attention, self.logits + cap, 0, back, 0),
        )

    def _at(self, moment: Moment) -> _Peak:
        """Returns one kind of moment in the layer in which most lives at it."""
        layers, between, attention = self.layers, self._between, self._attention_between
        before, attention_before = (each.cumsum(1) - each for each in (between, attention))
        after = self.gradients[:, ::-1].cumsum(1)[:, ::-1] - self.gradients
        if self.recipe.gradient_checkpointing:
            # On the CPU the first norm keeps the layer's very input.
            same = np.where(layers.flow & (self.compute == FLOAT32), self.residual, 0)
            before = before + between - same
        total = np.where(layers.active, before + after + moment.total, 0)
        place = total.argmax(1)[:, None]

        def there(values: Bytes) -> Bytes:
            return np.take_along_axis(np.broadcast_to(values, total.shape), place, 1)[:, 0]

        return _Peak(
            there(before - attention_before + moment.kept) + self.rotary,
            there(attention_before + moment.attention),
            self.logits,
            there(moment.dequantization),
            there(moment.working),
            there(after),
        )

    def _update(self) -> _Peak:
        """Returns the optimiser's update: on CUDA it makes all denominators at once, on a CPU one tensor's twice."""
        gradients = self.gradients.sum(1)
        working: Bytes | int = 0
        if self.recipe.optimizer == "adamw":
            largest = 2 * ADAPTER_BYTES * self.resident.largest_adapter
            working = gradients if self.device_class == "cuda" else largest
        return _Peak(0, 0, self.logits, 0, working, gradients)

    def _device(self, chosen: dict[str, Bytes]) -> dict[str, Bytes]:
        """Returns the terms that only a CUDA device has."""
        nothing = np.zeros_like(self.resident.weights)
        names = ("library_workspace", "allocator_rounding", "reserved_slack", "device_context")
        if self.device_class == "cpu":
            return dict.fromkeys(names, nothing)
        moving = np.sum(list(chosen.values()), axis=0)
        tensors = 4 * self.resident.tensors + TENSORS_OF_A_LAYER * self.layers.active.sum(1)
        slack = (SLACK_SHARE * moving).astype(np.int64) + SEGMENT // 2
        values = (nothing + CUBLAS_WORKSPACE, ROUNDING // 2 * tensors, slack, nothing + CONTEXT)
        return dict(zip(names, values, strict=True))


def peak_interval(
    memory: TrainingMemory, *, level: float = 0.9, device_class: DeviceClass
) -> tuple[int, int]:
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
        errors = sorted(record["relative_errors"])
        # The k-th of n errors bounds the next one with probability k / (n + 1).
        above = min(len(errors), math.ceil((len(errors) + 1) * (1 + level) / 2))
        low, high = errors[len(errors) - above], errors[above - 1]
    return max(0, math.floor(memory.allocated * (1 + low))), math.ceil(memory.allocated * (1 + high))


@cache
def _measured_errors() -> dict[str, dict[str, list[float]]]:
    text = files("perfmodel").joinpath("memory_errors.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[float]]] = json.loads(text)
    return found
