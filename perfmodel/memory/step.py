"""The moments of a whole training step, and the terms of the highest one, for many configurations at once."""

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, NamedTuple, Self

import numpy as np

from perfmodel.memory.distinct_layers import DistinctLayers, distinct_layers
from perfmodel.memory.layer_step import highest_moment
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.resident_bytes import Resident, resident
from perfmodel.memory.saved_activations import FLOAT32, Bytes, Layers, Step
from perfmodel.memory.state_bytes import ADAPTER_BYTES, COMPUTE_BYTES, OPTIMIZER_BYTES
from perfmodel.model.architecture import FAMILIES, Architecture
from perfmodel.space.methods import ADAPTERS, Methods
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import DeviceClass

Attention = Literal["sdpa", "eager"]

WRITTEN_OUT = ("gemma2",)
"""Families whose attention transformers writes out whatever is asked: no fused kernel caps its scores."""

MIB = 1024**2

CUBLAS_WORKSPACE = (4096 * 2 + 16 * 8) * 1024
"""Bytes that torch's allocator holds for cuBLAS; 32 MiB on Hopper.

Source: torch's default of ``CUBLAS_WORKSPACE_CONFIG``, ``:4096:2:16:8``.
"""

ROUNDING = 512
"""CUDA's allocator rounds every tensor up to a multiple of this; half of it is lost on average at most."""

TENSORS_OF_A_LAYER = 48
"""Activations that a layer keeps, roughly: for the rounding only."""

SEGMENT = 20 * MIB
"""The allocator takes memory for tensors of 1 to 10 MiB in pieces of this size: one is taken to be half empty."""

SLACK_SHARE = 0.28
"""Share of the activations that fragmentation adds to what is reserved.

Source: the middle of the five published measurements in ``perfmodel/planner/published_peaks.json`` (0.24 to 0.33). They
are of 7B and 70B shapes under Trainer; the allocator's ``expandable_segments`` would lower it.
"""

CONTEXT = 512 * MIB
"""The context and kernels of a process: between 300 and 700 MiB are reported. An estimate, not measured."""


class Moment(NamedTuple):
    """The terms that differ from moment to moment, shape ``(n,)`` each or one number for all."""

    saved_activations: Bytes | int
    attention: Bytes | int
    logits_and_loss: Bytes | int
    dequantization: Bytes | int
    working: Bytes | int
    gradients: Bytes | int


class StepAccount:
    """One step of configurations that share their shapes and methods.

    Args:
        shapes: of the (pruned) model.
        distinct: the layers of the configurations.
        methods: of all.
        recipe: checkpointing, dropout and optimiser.
        load: the batch.
        device_class: decides the compute type and kernels.
        attention: its implementation in transformers.
    """

    def __init__(
        self,
        shapes: Architecture,
        distinct: DistinctLayers,
        methods: Methods,
        recipe: Recipe,
        load: BatchLoad,
        device_class: DeviceClass,
        attention: Attention = "sdpa",
    ) -> None:
        self.compute = COMPUTE_BYTES[device_class]
        self.shapes, self.recipe, self.load, self.device_class = shapes, recipe, load, device_class
        self.number = distinct.number
        self.resident: Resident = resident(shapes, distinct, methods, self.compute)
        self.step = Step(
            load.batch_size,
            load.length,
            self.compute,
            dropout=recipe.dropout > 0,
            adapter=ADAPTERS[methods.adapter],
            written_out=attention == "eager" or shapes.family in WRITTEN_OUT,
            capped=shapes.family == "gemma2",
            recomputes=recipe.gradient_checkpointing,
        )
        self.layers = Layers(shapes, distinct, self.resident.modules, self.step)
        self.highest = highest_moment(self.layers)
        self.residual = self.step.tokens * self.compute * shapes.hidden
        self.logits = load.logits * shapes.vocabulary
        # Our loop holds them in float32 until the step ends; Trainer gives them up when it has the loss.
        self.held_logits = FLOAT32 * self.logits if load.loop == "own" else 0
        self.rotary = 2 * load.length * shapes.head_dim * self.compute
        self.gradients = (ADAPTER_BYTES * self.resident.adapters)[self.number]
        self.escaped = self.layers.escaped[self.number]

    @classmethod
    def of(
        cls,
        shapes: Architecture,
        configurations: Sequence[Configuration],
        recipe: Recipe,
        load: BatchLoad,
        device_class: DeviceClass,
        attention: Attention,
    ) -> Self:
        """Returns the account of configurations that share their methods."""
        distinct = distinct_layers(shapes, configurations, recomputes=recipe.gradient_checkpointing)
        return cls(shapes, distinct, configurations[0].methods, recipe, load, device_class, attention)

    def terms(self) -> dict[str, Bytes]:
        """Returns every term of ``TrainingMemory`` by name, shape ``(n,)``."""
        count = len(self.gradients)
        candidates = [*self.loss(), self.within_layers(), self.update()]
        stacked = np.array([[np.broadcast_to(term, count) for term in each] for each in candidates], dtype=np.int64)
        highest = stacked.sum(1).argmax(0)
        chosen = dict(zip(Moment._fields, stacked[highest, :, np.arange(count)].T, strict=True))
        fixed = {
            "weights": self.resident.weights,
            "quantization_metadata": self.resident.metadata,
            "embeddings": np.full(count, self.resident.embeddings),
            "norms": np.full(count, self.resident.norms),
            "adapters": self.gradients.sum(1),
            "optimizer": OPTIMIZER_BYTES[self.recipe.optimizer] * self.gradients.sum(1) // ADAPTER_BYTES,
        }
        return fixed | chosen | self._device(chosen)

    @cached_property
    def between(self) -> Bytes:
        """What each layer keeps from its forward to its backward pass, attention's part left out, shape ``(n, L)``."""
        if self.recipe.gradient_checkpointing:
            return self.escaped + self.residual
        return self.highest.kept[self.number]

    @cached_property
    def attention_between(self) -> Bytes:
        """Attention's part of it."""
        if self.recipe.gradient_checkpointing:
            return np.zeros_like(self.escaped)
        return self.highest.attention[self.number]

    def loss(self) -> tuple[Moment, ...]:
        """Returns the moments of the loss and of its gradient, and that of the last norm's."""
        rms = FAMILIES[self.shapes.family].norm_values == 1
        tokens, hidden = self.step.tokens, self.shapes.hidden
        norm = tokens * FLOAT32 * (hidden + 1) if rms else tokens * (self.compute * hidden + 2 * FLOAT32)
        back = 5 * FLOAT32 * tokens * hidden if rms else 3 * self.residual
        # gemma2 caps its logits in the compute type and keeps the hyperbolic tangent.
        cap = self.logits * self.compute if self.shapes.family == "gemma2" else 0
        attention = self.attention_between.sum(1)
        saved = self.between.sum(1) + norm + self.rotary
        # The log-softmax, and the gradients of both it and the logits, all in float32.
        gradient = self.held_logits + 3 * FLOAT32 * self.logits
        return (
            # Trainer's model holds what its head reads while it makes the loss.
            Moment(saved, attention, self._logits_made() + cap, 0, self.residual, 0),
            Moment(saved, attention, gradient + cap, 0, 0, 0),
            Moment(saved, attention, self.held_logits + cap, 0, back, 0),
        )

    def _logits_made(self) -> int:
        """Returns the bytes of the logits when their log-softmax has been made."""
        converted = FLOAT32 if self.compute < FLOAT32 else 0
        shifted = FLOAT32 if self.load.shifts_logits else 0
        return self.logits * (self.compute + converted + shifted + FLOAT32)

    def within_layers(self) -> Moment:
        """Returns the highest moment of the layer in which most lives at it."""
        highest, number = self.highest, self.number
        between, attention, gradients, escaped = (
            self.between,
            self.attention_between,
            self.gradients,
            self.escaped,
        )
        before, attention_before = (each.cumsum(1) - each for each in (between, attention))
        after, later = (each[:, ::-1].cumsum(1)[:, ::-1] - each for each in (gradients, escaped))
        before += later
        if self.recipe.gradient_checkpointing:
            # Where the first norm makes no copy, it keeps the layer's very input.
            before += between if self.layers.norms_copy else between - self.residual
        total = before + attention_before + after + highest.total[number]
        total *= self.layers.active[number]
        every = np.arange(len(total))
        place = total.argmax(1)
        kind = number[every, place]
        there = {name: values[kind] for name, values in highest.terms.items()}
        return Moment(
            before[every, place] + there["kept"] + self.rotary,
            attention_before[every, place] + there["attention"],
            self.held_logits,
            there["weight"],
            there["working"],
            after[every, place] + there["gradients"],
        )

    def update(self) -> Moment:
        """Returns the optimiser's update: on CUDA it makes all denominators at once, on a CPU one tensor's twice."""
        gradients = self.gradients.sum(1)
        working: Bytes | int = 0
        if self.recipe.optimizer == "adamw":
            largest = 2 * ADAPTER_BYTES * self.resident.largest_adapter
            working = gradients if self.device_class == "cuda" else largest
        return Moment(self.escaped.sum(1), 0, self.held_logits, 0, working, gradients)

    def _device(self, chosen: dict[str, Bytes]) -> dict[str, Bytes]:
        """Returns the terms that only a CUDA device has."""
        nothing = np.zeros_like(self.resident.weights)
        names = ("library_workspace", "allocator_rounding", "reserved_slack", "device_context")
        if self.device_class == "cpu":
            return dict.fromkeys(names, nothing)
        moving = np.sum(list(chosen.values()), axis=0)
        tensors = 4 * self.resident.tensors + TENSORS_OF_A_LAYER * self.layers.active[self.number].sum(1)
        slack = (SLACK_SHARE * moving).astype(np.int64) + SEGMENT // 2
        values = (nothing + CUBLAS_WORKSPACE, ROUNDING // 2 * tensors, slack, nothing + CONTEXT)
        return dict(zip(names, values, strict=True))
