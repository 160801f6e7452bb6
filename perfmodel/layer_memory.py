"""What one decoder layer keeps for its backward pass, and the moments of that pass at which most lives at once.

    t           tokens of the batch with padding
    c           bytes of a compute value: 4 on the CPU, 2 on CUDA
    H Q K C     widths of the residual, the query heads, the key (or value) heads and the MLP
    (n, L)      shape of every array: configurations, layers
    (n, L, M)   and of those by linear module

What autograd keeps follows from the modeling files of transformers 5.23 and PEFT 0.21, operation by operation:

    RMSNorm             its input in float32 (on the CPU the residual itself, on CUDA a copy) and a scale a token
    LayerNorm           its input, mean and scale
    rotary embedding    nothing of its own: sine and cosine have no gradient
    attention           queries, keys, values, output and the log-sum-exp; written out: the softmax too
    gated MLP           gate, up and the activation of gate; phi's written-out GELU keeps four tensors
    LoRA                the input of A in float32 and A's output; where that is the compute type, modules that read the
                        same tensor share one copy, and on CUDA each makes its own
    DoRA                the outputs of the base and of B too
    int8, HQQ           their input, though its gradient does not need it; int8 so that checkpointing cannot free it
    bf16, NF4, FP4      nothing
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.architecture import FAMILIES, Architecture

Bytes = NDArray[np.int64]
Flags = NDArray[np.bool_]

FLOAT32 = 4


@dataclass(frozen=True)
class Modules:
    """The linear modules of all layers, as arrays.

    Args:
        ranks: shape ``(n, L, M)``.
        keeps_input: whether the format's product keeps its input, ``(n, L, M)``.
        held: bytes of the weight in the compute type during a product, 0 where it is stored so, ``(n, L, M)``.
        building: most bytes that live while that weight is made, ``(n, L, M)``.
        leaks: whether what the product keeps escapes checkpointing, ``(n, L, M)``.
    """

    ranks: Bytes
    keeps_input: Flags
    held: Bytes
    building: Bytes
    leaks: Flags


@dataclass(frozen=True)
class Step:
    """What else decides a step's activations.

    Args:
        batch_size: examples.
        length: tokens of each, padding included.
        compute: bytes of a compute value.
        dropout: whether adapters have dropout.
        adapter: their form, of ``perfmodel.methods.ADAPTERS``.
        written_out: whether attention is written out (``eager``) rather than a fused kernel.
        capped: whether attention scores are capped, as in gemma2.
    """

    batch_size: int
    length: int
    compute: int
    dropout: bool
    adapter: str
    written_out: bool
    capped: bool

    @property
    def tokens(self) -> int:
        """Tokens of the batch."""
        return self.batch_size * self.length


@dataclass(frozen=True)
class Moment:
    """A point of a layer's backward pass, shape ``(n, L)`` each.

    Args:
        kept: of the layer's activations, what still lives.
        attention: of what attention kept, what still lives.
        dequantization: the weight in the compute type.
        working: gradients of activations.
    """

    kept: Bytes
    attention: Bytes
    dequantization: Bytes
    working: Bytes

    @property
    def total(self) -> Bytes:
        """All of it."""
        return self.kept + self.attention + self.dequantization + self.working


@dataclass(frozen=True)
class LayerMemory:
    """One layer's part of a step, shape ``(n, L)`` each.

    Args:
        kept: activations from forward to backward, without attention's.
        attention: what attention keeps.
        escaped: of what is kept, what checkpointing cannot free.
        entry: bytes of the layer's input that ``kept`` counts and that checkpointing keeps anyway.
        moments: of its backward pass.
        active: whether the layer has a backward pass.
    """

    kept: Bytes
    attention: Bytes
    escaped: Bytes
    entry: Bytes
    moments: tuple[Moment, ...]
    active: Flags


def layer_memory(shapes: Architecture, modules: Modules, step: Step) -> LayerMemory:
    """Returns the bytes of every layer.

    Args:
        shapes: of the (pruned) model.
        modules: formats and ranks.
        step: the batch and how it is computed.
    """
    return _Layers(shapes, modules, step).memory()


class _Layers:
    """The widths, flags and groups of modules that the accounts below share."""

    def __init__(self, shapes: Architecture, modules: Modules, step: Step) -> None:
        widths = [shapes.block_widths(layer) for layer in range(len(shapes.layers))]
        self.family = FAMILIES[shapes.family]
        self.name = shapes.family
        self.modules, self.step = modules, step
        self.t, self.c = step.tokens, step.compute
        self.h = shapes.hidden
        self.q, self.k, self.ch = (
            np.array([width[block] for width in widths], dtype=np.int64) for block in ("queries", "keys", "channels")
        )
        self.heads, self.groups = self.q // shapes.head_dim, self.k // shapes.head_dim
        places = list(enumerate(shapes.modules))
        self.into_attention = [i for i, each in places if each.parent == "self_attn" and each.columns == "hidden"]
        self.out_of_attention = [i for i, each in places if each.columns == "queries"]
        self.into_mlp = [i for i, each in places if each.parent == "mlp" and each.columns == "hidden"]
        self.out_of_mlp = [i for i, each in places if each.columns == "channels"]
        self.rows = np.array([[shape[0] for shape in shapes.module_shapes(i).values()] for i in range(len(widths))])
        self.adapted: Flags = modules.ranks > 0
        any_adapter = self.adapted.any(-1)
        before = np.cumsum(any_adapter, axis=1) > 0
        self.flow: Flags = np.concatenate([np.zeros_like(before[:, :1]), before[:, :-1]], axis=1)
        self.active: Flags = self.flow | any_adapter
        self.attended = self.flow | self._any(self.into_attention)
        self.middle = self.attended | self._any(self.out_of_attention)
        self.mlp_flow = self.flow if self.parallel else self.middle
        self.gated = self.mlp_flow | self._any(self.into_mlp)

    @property
    def parallel(self) -> bool:
        """Whether attention and MLP read one norm's output, as in phi."""
        return self.family.norms == 1

    def _any(self, group: list[int]) -> Flags:
        found: Flags = self.adapted[..., group].any(-1)
        return found

    def memory(self) -> LayerMemory:
        attention = self._attention()
        norms, lora = self._norms(), self._adapters()
        first = self._inputs([*self.into_attention, *(self.into_mlp if self.parallel else [])], self.h, self.flow)
        output = self._inputs(self.out_of_attention, self.q, self.attended, shared=self.attended)
        second = np.zeros_like(first) if self.parallel else self._inputs(self.into_mlp, self.h, self.mlp_flow)
        last = self._inputs(self.out_of_mlp, self.ch, self.gated)
        mlp = self._mlp()
        kept = norms + lora + first + output + second + last + mlp
        entry = np.where(self.flow & (self.c == FLOAT32), self.t * self.h * self.c, 0)
        escaped = self._escaped()
        before_mlp = kept - last - mlp - second - self._adapter_part([*self.into_mlp, *self.out_of_mlp])
        moments = (
            *self._product(self.out_of_mlp[0], kept, attention, last, self.h, self.ch),
            self._gate(kept - last, attention),
            self._product(self.out_of_attention[0], before_mlp, attention, output, self.h, self.q)[1],
            self._attend(before_mlp - output, attention),
            self._into(before_mlp - output),
            self._norm(kept, attention),
        )
        return LayerMemory(kept, attention, escaped, entry, moments, self.active)

    def _norms(self) -> Bytes:
        plain = self.family.norm_values == 1
        one = self.t * (FLOAT32 * self.h + FLOAT32) if plain else self.t * (self.c * self.h + 8)
        offset = FLOAT32 * self.h if self.name.startswith("gemma") else 0
        post, inner = (one + offset) * self.middle, (one + offset) * self.mlp_flow
        kept = (one + offset) * self.flow
        if self.family.norms >= 2:
            kept = kept + inner
        if self.family.norms == 4:
            kept = kept + post + (one + offset) * (self.gated | self._any(self.out_of_mlp))
        if self.family.head_norms:
            heads = FLOAT32 * self.t * (self.q + self.k + self.heads + self.groups)
            kept = kept + heads * self.attended
        return np.asarray(kept, dtype=np.int64)

    def _attention(self) -> Bytes:
        """Returns queries, keys, values, output and the softmax's part."""
        step, scores = self.step, self.step.batch_size * self.heads * self.step.length
        # phi3's values are a view of all that its fused module returned.
        values = self.q + 2 * self.k if self.name == "phi3" else self.k
        if step.written_out:
            squares = scores * step.length
            softmax = squares * (FLOAT32 + (self.c if self.c < FLOAT32 else 0) + (self.c if step.capped else 0))
            kept = self.t * self.c * 3 * self.q + softmax
        else:
            kept = self.t * self.c * (2 * self.q + self.k + values) + FLOAT32 * scores
        return np.asarray(kept * self.attended, dtype=np.int64)

    def _mlp(self) -> Bytes:
        one = self.t * self.c * self.ch
        if not any(module.name.startswith(("gate", "up")) for module in self.family.modules):
            return np.asarray(4 * one * self.gated)
        if len(self.into_mlp) == 1:
            return np.asarray(3 * one * self.gated)
        gate, up = (self.mlp_flow | self.adapted[..., index] for index in self.into_mlp)
        return np.asarray(one * (2 * gate.astype(np.int64) + up))

    def _adapters(self) -> Bytes:
        return self._adapter_part(list(range(self.adapted.shape[-1])))

    def _adapter_part(self, group: list[int]) -> Bytes:
        """Returns what adapters keep beside their inputs."""
        ranks = self.modules.ranks[..., group]
        doubled = 2 if self.step.adapter == "qblora" else 1
        kept = FLOAT32 * self.t * doubled * ranks.sum(-1)
        if self.step.adapter == "dora":
            outputs = (self.rows[:, group] * self.adapted[..., group]).sum(-1)
            kept = kept + (self.t * (FLOAT32 + self.c) + 3 * FLOAT32) * outputs
        return np.asarray(kept)

    def _own_input(self, width: Bytes | int) -> Bytes:
        """Returns the bytes of the input that one adapter keeps for itself."""
        if self.step.adapter == "qblora":
            return np.asarray(self.t * width * FLOAT32 // 2 + self.step.dropout * self.t * width // 2)
        return np.asarray(self.t * width * (FLOAT32 + self.step.dropout))

    @property
    def _shares(self) -> bool:
        """Whether adapters keep the very tensor that their modules read."""
        return self.c == FLOAT32 and not self.step.dropout and self.step.adapter != "qblora"

    def _inputs(self, group: list[int], width: Bytes | int, flow: Flags, shared: Flags | None = None) -> Bytes:
        """Returns what modules that read one tensor keep of it; ``shared`` where attention keeps that tensor anyway."""
        by_format = (self.modules.keeps_input[..., group] & flow[..., None]).any(-1)
        plain = self.t * width * self.c
        if self.step.written_out:
            shared = None
        there = np.zeros_like(flow) if shared is None else shared
        if self._shares:
            return np.asarray(plain * ((by_format | self._any(group)) & ~there))
        own = self._own_input(width) * self.adapted[..., group].sum(-1)
        return np.asarray(own + plain * (by_format & ~there))

    def _escaped(self) -> Bytes:
        total = np.zeros_like(self.modules.ranks[..., 0])
        into_mlp = [] if self.parallel else self.into_mlp
        first = [*self.into_attention, *(self.into_mlp if self.parallel else [])]
        for group, width, flow in (
            (first, self.h, self.flow),
            (self.out_of_attention, self.q, self.attended),
            (into_mlp, self.h, self.mlp_flow),
            (self.out_of_mlp, self.ch, self.gated),
        ):
            leaks = (self.modules.leaks[..., group] & flow[..., None]).any(-1)
            total = total + self.t * self.c * width * leaks
        return total

    def _product(
        self, index: int, kept: Bytes, attention: Bytes, inputs: Bytes, out: int, width: Bytes
    ) -> tuple[Moment, Moment, Moment]:
        """Returns the moments of a product's backward: in the adapter, while its weight is made, and in the product."""
        adapted = self.adapted[..., index]
        residual = self.t * self.c * out * (2 if self.family.norms == 4 else 1)
        scaled = self.t * out * (FLOAT32 if self.c == FLOAT32 else 2 * FLOAT32) * adapted
        held = (self.modules.keeps_input[..., index]) & self._shares
        freed = np.where(held, 0, self._own_input(width) * adapted if not self._shares else inputs)
        left = kept - freed - FLOAT32 * self.t * self.modules.ranks[..., index]
        through = self.t * self.c * width * adapted
        nothing = np.zeros_like(kept)
        return (
            Moment(kept, attention, nothing, residual + scaled),
            Moment(left, attention, self.modules.building[..., index], residual + through),
            Moment(left, attention, self.modules.held[..., index], residual + through + self.t * self.c * width),
        )

    def _gate(self, kept: Bytes, attention: Bytes) -> Moment:
        """Returns the moment at which both factors of the gated product get their gradients."""
        residual, one = self.t * self.c * self.h, self.t * self.c * self.ch
        return Moment(kept, attention, np.zeros_like(kept), np.asarray(residual + 3 * one + np.zeros_like(kept)))

    def _attend(self, kept: Bytes, attention: Bytes) -> Moment:
        """Returns the moment at which attention's inputs get their gradients."""
        step = self.step
        working = self.t * self.c * (self.h + 2 * self.q + 2 * self.k)
        if step.written_out:
            working = working + 3 * FLOAT32 * step.batch_size * self.heads * step.length**2
        elif self.c < FLOAT32:
            working = working + _flash_workspace(step, self.heads, self.groups, self.q // np.maximum(self.heads, 1))
        return Moment(kept, attention, np.zeros_like(kept), np.asarray(working + np.zeros_like(kept)))

    def _into(self, kept: Bytes) -> Moment:
        """Returns the moment at which the widest weight before attention is made."""
        group = self.into_attention
        working = self.t * self.c * (4 * self.h + self.q)
        return Moment(kept, np.zeros_like(kept), self.modules.building[..., group].max(-1), working + np.zeros_like(kept))

    def _norm(self, kept: Bytes, attention: Bytes) -> Moment:
        """Returns the moment inside the backward of the last norm before the layer's output, or of the model's."""
        return Moment(kept, attention, np.zeros_like(kept), np.zeros_like(kept))


def _flash_workspace(step: Step, heads: Bytes, groups: Bytes, width: Bytes) -> Bytes:
    """Returns what FlashAttention-2's backward takes inside: dq in float32, and dk and dv of all heads."""
    rounded = -(-step.length // 128) * 128 * -(-width // 32) * 32
    repeated = np.where(heads == groups, 0, 2 * step.tokens * heads * width * step.compute)
    return np.asarray(FLOAT32 * step.batch_size * heads * rounded + repeated)
