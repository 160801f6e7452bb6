"""The bytes of one training step, moment by moment, for many configurations at once.

Read ``StepAccount`` from top to bottom; it follows a step whose optimiser has its state:

    always     weights, adapters and the optimiser's state stay allocated (``perfmodel.memory.resident_bytes``)
    forward    each layer saves activations for its backward pass; with gradient checkpointing, only its input
    loss       logits, their log-softmax and the gradients of both, then the gradient of the last norm
    backward   from the last layer to the first: within a layer, its working buffers and dequantised weights
               (``perfmodel.memory.layer_step``); beside it, what earlier layers still save and the adapters' gradients
               of later ones
    update     all gradients, and the optimiser's own buffers

The peak is the highest of these moments, and its parts are the terms of ``perfmodel.memory.peak.TrainingMemory``.

    n  configurations;  L  layers;  r  distinct layers, of which every layer is one
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Literal, NamedTuple, Self

import numpy as np

from perfmodel.memory.cuda_allocator import (
    CONTEXT,
    CUBLAS_WORKSPACE,
    ROUNDING,
    SEGMENT,
    SLACK_SHARE,
    TENSORS_OF_A_LAYER,
)
from perfmodel.memory.distinct_layers import DistinctLayers, distinct_layers
from perfmodel.memory.layer_step import follow_layers
from perfmodel.memory.library_settings import OWN_LOOP, LibrarySettings
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.resident_bytes import Resident, all_trained, inputs_kept, resident
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


class Moment(NamedTuple):
    """Bytes of one moment beside what is always allocated, each of shape ``(n,)`` or one number for all.

    Args:
        saved_activations: what autograd saves, attention's part left out.
        attention: what attention saves.
        logits_and_loss: logits, their log-softmax and their gradients.
        dequantization: a weight in the compute type, with what makes it.
        working: gradients of activations, and the optimiser's buffers.
        gradients: gradients of adapters that exist by now.
    """

    saved_activations: Bytes | int
    attention: Bytes | int
    logits_and_loss: Bytes | int
    dequantization: Bytes | int
    working: Bytes | int
    gradients: Bytes | int


class StepAccount:
    """One training step of n configurations that share their shapes and methods.

    Args:
        shapes: the (pruned) model, shared by all configurations.
        distinct: the distinct layers of the configurations.
        methods: formats of the widths and form of the adapters, shared by all configurations.
        recipe: its checkpointing, dropout and optimiser are read.
        load: size of the batch.
        device_class: ``cpu`` computes in float32, ``cuda`` in bfloat16 with its own kernels.
        attention: its implementation in transformers.
        libraries: how PEFT, TRL and transformers carry out the step.

    Raises:
        InvalidConfigurationError: when a format does not fit a shape.
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
        libraries: LibrarySettings = OWN_LOOP,
    ) -> None:
        self.compute = COMPUTE_BYTES[device_class]
        self.shapes, self.recipe, self.load, self.device_class = shapes, recipe, load, device_class
        self.number, self.libraries = distinct.number, libraries
        self.resident: Resident = resident(shapes, distinct, methods, self.compute)
        if libraries.trains_all:
            self.resident = all_trained(self.resident, self.compute)
        elif libraries.keeps_inputs:
            self.resident = inputs_kept(self.resident)
        self.step = Step(
            load.batch_size,
            load.length,
            self.compute,
            dropout=recipe.dropout > 0,
            adapter=ADAPTERS[methods.adapter],
            written_out=attention == "eager" or shapes.family in WRITTEN_OUT,
            capped=shapes.family == "gemma2",
            recomputes=recipe.gradient_checkpointing,
            stream=FLOAT32 if libraries.float32_stream(shapes.family) else self.compute,
            adapting=self.compute if libraries.autocast else ADAPTER_BYTES,
            padded=libraries.padded,
            trains_all=libraries.trains_all,
        )
        self.layers = Layers(shapes, distinct, self.resident.modules, self.step)
        self.within = follow_layers(self.layers)
        self.residual = self.step.tokens * self.step.stream * shapes.hidden
        self.logits = load.logits * shapes.vocabulary
        # Our loop keeps the logits in float32 until the step ends; Trainer frees them when it has the loss.
        self.kept_logits = FLOAT32 * self.logits if load.loop == "own" else 0
        self.kept_logits += self.compute * self.logits if libraries.keeps_logits else 0
        self.rotary = 2 * load.length * shapes.head_dim * self.step.stream
        self.gradients = self.resident.modules.gradient_bytes.sum(-1)[self.number]
        # Where all weights are trained: gradients outside the layers, and the head's, which comes first.
        self.other_gradients = self.compute * shapes.rest_parameters if libraries.trains_all else 0
        self.head_gradient = self.compute * shapes.vocabulary * shapes.hidden if libraries.trains_all else 0
        self.held_to_end = self.layers.held_to_end[self.number]

    @classmethod
    def of(
        cls,
        shapes: Architecture,
        configurations: Sequence[Configuration],
        recipe: Recipe,
        load: BatchLoad,
        device_class: DeviceClass,
        attention: Attention,
        libraries: LibrarySettings = OWN_LOOP,
    ) -> Self:
        """Returns the account of configurations that share their methods; arguments as for the class.

        Args:
            shapes: the (pruned) model, shared by all configurations.
            configurations: n of one pruning rate and one choice of methods.
            recipe: its checkpointing, dropout and optimiser are read.
            load: size of the batch.
            device_class: ``cpu`` or ``cuda``.
            attention: its implementation in transformers.
            libraries: how PEFT, TRL and transformers carry out the step.

        Raises:
            InvalidConfigurationError: when bits or ranks do not fit the model, or a format does not fit a shape.
        """
        flows = recipe.gradient_checkpointing or libraries.trains_all
        distinct = distinct_layers(shapes, configurations, recomputes=flows)
        return cls(shapes, distinct, configurations[0].methods, recipe, load, device_class, attention, libraries)

    def terms(self) -> dict[str, Bytes]:
        """Returns the bytes of every term of ``TrainingMemory`` by name, shape ``(n,)`` each."""
        count = len(self.gradients)
        moments = [*self.loss(), self.backward(), self.update()]
        if self.load.accumulation > 1:
            moments = [moment._replace(gradients=moments[-1].gradients) for moment in moments]
        stacked = np.array([[np.broadcast_to(term, count) for term in each] for each in moments], dtype=np.int64)
        highest = stacked.sum(1).argmax(0)
        at_peak = dict(zip(Moment._fields, stacked[highest, :, np.arange(count)].T, strict=True))
        always = {
            "weights": self.resident.weights,
            "quantization_metadata": self.resident.metadata,
            "embeddings": np.full(count, self._embeddings()),
            "norms": np.full(count, self._norms()),
            "adapters": self._adapters(),
            "optimizer": self._optimizer(),
        }
        return always | at_peak | self._device(at_peak)

    def _adapters(self) -> Bytes:
        """Returns the bytes of the adapters, as many as those of their gradients; shape ``(n,)``."""
        return np.asarray(self.gradients.sum(1) * (not self.libraries.trains_all))

    def _optimizer(self) -> Bytes:
        """Returns the bytes of the optimiser's state, which torch's AdamW keeps in the type of what it trains."""
        trained = self.gradients.sum(1) + self.other_gradients
        smaller = self.libraries.trains_all and self.recipe.optimizer != "adamw"
        each = self.compute if smaller else ADAPTER_BYTES
        return np.asarray(OPTIMIZER_BYTES[self.recipe.optimizer] * trained // each)

    def _norms(self) -> int:
        """Returns the bytes of the norms' parameters."""
        return self.resident.norms * (1 if self.libraries.kbit == "none" else FLOAT32 // self.compute)

    def _embeddings(self) -> int:
        """Returns the bytes of embeddings and head, and of the sines and cosines that layers keep."""
        whole = FLOAT32 if self.libraries.kbit == "peft" else self.compute
        kept = 2 * self.libraries.rotary_positions * self.shapes.head_dim * self.compute * len(self.shapes.layers)
        return self.resident.embeddings * whole // self.compute + kept

    @cached_property
    def saved(self) -> Bytes:
        """Bytes that each layer saves in its forward pass, attention's part left out, shape ``(n, L)``."""
        if self.recipe.gradient_checkpointing:
            saved = self.held_to_end + self.residual
            if self.libraries.kbit == "trl" and self.step.stream > self.compute:
                # The first layer reads the embeddings, which are in the compute type.
                saved[:, 0] -= self.step.tokens * (self.step.stream - self.compute) * self.shapes.hidden
            return saved
        return self.within.kept[self.number]

    @cached_property
    def saved_attention(self) -> Bytes:
        """Bytes that each layer's attention saves in its forward pass, shape ``(n, L)``."""
        if self.recipe.gradient_checkpointing:
            return np.zeros_like(self.held_to_end)
        return self.within.attention[self.number]

    def loss(self) -> tuple[Moment, ...]:
        """Returns the moments of the loss, of its gradient, and of the last norm's gradient."""
        rms = FAMILIES[self.shapes.family].norm_values == 1
        tokens, hidden = self.step.tokens, self.shapes.hidden
        norm = tokens * FLOAT32 * (hidden + 1) if rms else tokens * (self.compute * hidden + 2 * FLOAT32)
        back = 5 * FLOAT32 * tokens * hidden if rms else 3 * self.residual
        # gemma2 caps its logits in the compute type and keeps the hyperbolic tangent.
        cap = self.logits * self.compute if self.shapes.family == "gemma2" else 0
        attention = self.saved_attention.sum(1)
        saved = self.saved.sum(1) + norm + self.rotary
        # The log-softmax, and the gradients of both it and the logits, all in float32.
        gradient = self.kept_logits + 3 * FLOAT32 * self.logits
        return (
            # Trainer's model keeps what its head reads while it makes the loss.
            Moment(saved, attention, self._logits_made() + cap, 0, self.residual + self._cast_weights(), 0),
            Moment(saved, attention, gradient + cap, 0, self._cast_head(), 0),
            Moment(saved, attention, self.kept_logits + cap, 0, back, self.head_gradient),
        )

    def _cast_head(self) -> int:
        """Returns the bytes of a float32 head's copy in the compute type, which autograd saves for the logits."""
        return self.compute * self.shapes.vocabulary * self.shapes.hidden if self.libraries.kbit == "peft" else 0

    def _cast_weights(self) -> Bytes | int:
        """Returns the bytes of what autocast made of weights and keeps to the end of the forward pass."""
        if not self.libraries.autocast or self.libraries.trains_all:
            return self._cast_head()
        return np.asarray(self._cast_head() + self.compute * self.gradients.sum(1) // ADAPTER_BYTES)

    def _logits_made(self) -> int:
        """Returns the bytes of the logits when their log-softmax has been made."""
        converted, shifted = FLOAT32 * (self.compute < FLOAT32), FLOAT32 * self.load.shifts_logits
        made = 0 if self.libraries.float32_logits and not self.libraries.keeps_logits else self.compute
        return self.logits * (made + converted + shifted + FLOAT32)

    def backward(self) -> Moment:
        """Returns the highest moment of the layers' backward passes, and of recomputing them."""
        within, number = self.within, self.number
        # Beside a layer: what those before it have saved, what int8 products behind it hold, and gradients behind it.
        saved, attention = (each.cumsum(1) - each for each in (self.saved, self.saved_attention))
        gradients, held = (each[:, ::-1].cumsum(1)[:, ::-1] - each for each in (self.gradients, self.held_to_end))
        saved += held
        if self.recipe.gradient_checkpointing:
            # Where the first norm makes no copy, it saves the layer's very input.
            saved += self.saved if self.layers.norms_copy else self.saved - self.residual
        total = saved + attention + gradients * (self.load.accumulation == 1) + within.total[number]
        total *= self.layers.active[number]
        every = np.arange(len(total))
        layer = total.argmax(1)
        own = {name: values[number[every, layer]] for name, values in within.terms.items()}
        return Moment(
            saved[every, layer] + own["kept"] + self.rotary,
            attention[every, layer] + own["attention"],
            self.kept_logits,
            own["weight"],
            own["working"],
            gradients[every, layer] + own["gradients"] + self.head_gradient,
        )

    def update(self) -> Moment:
        """Returns the optimiser's update: on CUDA it makes all denominators at once, on a CPU one tensor's twice."""
        gradients = self.gradients.sum(1) + self.other_gradients
        working: Bytes | int = 0
        if self.recipe.optimizer == "adamw":
            largest = 2 * ADAPTER_BYTES * self.resident.largest_adapter
            working = gradients if self.device_class == "cuda" else largest
        return Moment(self.held_to_end.sum(1), 0, self.kept_logits, 0, working, gradients)

    def _device(self, at_peak: dict[str, Bytes]) -> dict[str, Bytes]:
        """Returns the terms that only a CUDA device has, 0 on a CPU, shape ``(n,)`` each."""
        nothing = np.zeros_like(self.resident.weights)
        names = ("library_workspace", "allocator_rounding", "reserved_slack", "device_context")
        if self.device_class == "cpu":
            return dict.fromkeys(names, nothing)
        moving = np.sum(list(at_peak.values()), axis=0)
        tensors = 4 * self.resident.tensors + TENSORS_OF_A_LAYER * self.layers.active[self.number].sum(1)
        slack = (SLACK_SHARE * moving).astype(np.int64) + SEGMENT // 2
        values = (nothing + CUBLAS_WORKSPACE, ROUNDING // 2 * tensors, slack, nothing + CONTEXT)
        return dict(zip(names, values, strict=True))
