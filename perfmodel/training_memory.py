"""Peak memory of one training step in closed form, as a sum of named terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perfmodel.architecture import Architecture
from perfmodel.formats import FORMATS
from perfmodel.layer_memory import FLOAT32, LayerMemory, Moment, Step, layer_memory
from perfmodel.memory import ADAPTER_BYTES, COMPUTE_BYTES, OPTIMIZER_BYTES
from perfmodel.recipe import Recipe
from perfmodel.resident import Resident, modules_of, resident
from perfmodel.space import Configuration
from perfmodel.trace import DeviceClass

Attention = Literal["sdpa", "eager"]


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
    """Bytes at the peak of a step whose optimiser has its state."""

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
    allocator_rounding: int
    reserved_slack: int
    device_context: int

    @property
    def allocated(self) -> int:
        return self.reserved - self.reserved_slack - self.device_context

    @property
    def reserved(self) -> int:
        return sum(self.terms().values())

    def terms(self) -> dict[str, int]:
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
    shapes = shapes or architecture.pruned(configuration.pruning_rate)
    terms = _terms(shapes, [configuration], recipe, load, device_class, attention)
    return TrainingMemory(**{name: int(values[0]) for name, values in terms.items()})


def _terms(shapes, configurations, recipe, load, device_class, attention):
    c = COMPUTE_BYTES[device_class]
    methods = configurations[0].methods
    found = resident(shapes, configurations, c)
    modules = modules_of(shapes, configurations, c)
    step = Step(load.batch_size, load.length, c, recipe.dropout > 0, methods.adapter, attention == "eager", shapes.family == "gemma2")
    layers = layer_memory(shapes, modules, step)
    t, n, v, h = step.tokens, load.answer_tokens, shapes.vocabulary, shapes.hidden
    grads = found.adapters * ADAPTER_BYTES
    after = grads[:, ::-1].cumsum(1)[:, ::-1] - grads
    ck = recipe.gradient_checkpointing
    whole = layers.kept + layers.attention
    between = (t * h * c * layers.active + layers.escaped) if ck else whole
    before = between.cumsum(1) - between
    norm_final = t * (FLOAT32 * h + FLOAT32) if c else 0
    rotary = 2 * load.length * shapes.head_dim * c
    logits = FLOAT32 * n * v
    zero = np.zeros_like(layers.kept)
    total_between = between.sum(1)
    cands = []
    # loss
    z = np.zeros(len(configurations), dtype=np.int64)
    def cand(saved, att, logit, deq, work, grad):
        b = lambda x: np.broadcast_to(np.asarray(x, dtype=np.int64), z.shape)
        cands.append((b(saved), b(att), b(logit), b(deq), b(work), b(grad)))
    att_all = z if ck else layers.attention.sum(1)
    sav_all = total_between - att_all + norm_final + rotary
    cap = c * n * v if shapes.family == "gemma2" else 0
    cand(sav_all, att_all, 4 * logits + cap, 0, 0, 0)
    cand(sav_all, att_all, logits, 0, 5 * FLOAT32 * t * h, 0)
    own = (t * h * c + layers.escaped - layers.entry) if ck else 0
    att_before = z[:, None] if ck else layers.attention.cumsum(1) - layers.attention
    for m in layers.moments:
        total = np.where(layers.active, before + own + after + m.total, 0)
        i = total.argmax(1)[:, None]
        p = lambda x: np.take_along_axis(np.broadcast_to(x, total.shape), i, 1)[:, 0]
        cand(p(before - att_before + own + m.kept) + rotary, p(att_before + m.attention), logits, p(m.dequantization), p(m.working), p(after))
    P = grads.sum(1)
    largest = found.largest_adapter
    cand(rotary*0, 0, logits, 0, P if device_class == "cuda" else 2 * largest * 4, P)
    stack = np.stack([np.stack(x) for x in cands])  # (cands, 6, n)
    best = stack.sum(1).argmax(0)
    s = stack[best, :, np.arange(len(z))]
    return dict(
        weights=found.weights, quantization_metadata=found.metadata, embeddings=found.embeddings+z, norms=found.norms+z,
        adapters=P, gradients=s[:, 5], optimizer=found.adapters.sum(1) * OPTIMIZER_BYTES[recipe.optimizer],
        saved_activations=s[:, 0], attention=s[:, 1], logits_and_loss=s[:, 2], dequantization=s[:, 3], working=s[:, 4],
        allocator_rounding=z, reserved_slack=z, device_context=z, **({"_best": best} if DEBUG else {}))
DEBUG = False
