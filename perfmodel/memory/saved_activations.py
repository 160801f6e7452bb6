"""What a decoder layer keeps for its backward pass.

    t           tokens of the batch with padding
    c           bytes of a compute value: 4 on the CPU, 2 on CUDA
    H Q K C     widths of the residual, the query heads, the key (or value) heads and the MLP
    (r,)        shape of every array: distinct layers
    (r, M)      and of those by linear module

What autograd keeps follows from the modeling files of transformers 5.23 and PEFT 0.21, operation by operation:

    RMSNorm             its input in float32 (on the CPU the residual itself, on CUDA a copy) and a scale a token
    LayerNorm           its input, mean and scale
    rotary embedding    nothing of its own: sine and cosine have no gradient
    attention           queries, keys, values, output and the log-sum-exp; written out: the softmax too
    gated MLP           gate, up and the activation of gate; phi's written-out GELU keeps four tensors
    LoRA                the input of A in float32 and A's output; where that is the compute type, modules that read the
                        same tensor share one copy, and on CUDA each makes its own
    DoRA                the outputs of the base and of B too
    int8, HQQ           their input, though its gradient does not need it; int8 until the step ends, with checkpointing
                        and without
    bf16, NF4, FP4      nothing
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from perfmodel.memory.distinct_layers import DistinctLayers
from perfmodel.model.architecture import FAMILIES, Architecture
from perfmodel.space.methods import Adapter

Bytes = NDArray[np.int64]
Flags = NDArray[np.bool_]

FLOAT32 = 4
"""Bytes of a float32: norms, adapters and the softmax compute in it everywhere."""


@dataclass(frozen=True)
class Modules:
    """The linear modules of distinct layers, as arrays of shape ``(r, M)``.

    Args:
        ranks: of the adapters.
        rows: output features.
        columns: input features.
        parameters: of the adapters.
        keeps_input: whether the format's product keeps its input.
        held: bytes of the weight in the compute type during a product, 0 where it is stored so.
        building: most bytes that live while that weight is made.
        leaks: whether the product keeps its input until the step ends.
        saves: whether autograd keeps anything for the product, its input or its weight.
        cloned: whether PEFT clones the product.
    """

    ranks: Bytes
    rows: Bytes
    columns: Bytes
    parameters: Bytes
    keeps_input: Flags
    held: Bytes
    building: Bytes
    leaks: Flags
    saves: Flags
    cloned: Flags


@dataclass(frozen=True)
class Step:
    """What else decides a step's activations.

    Args:
        batch_size: examples.
        length: tokens of each, padding included.
        compute: bytes of a compute value.
        dropout: whether adapters have dropout.
        adapter: form of all adapters.
        written_out: whether attention is written out (``eager``) rather than a fused kernel.
        capped: whether attention scores are capped, as in gemma2.
        recomputes: whether activations are recomputed in the backward pass.
    """

    batch_size: int
    length: int
    compute: int
    dropout: bool
    adapter: Adapter
    written_out: bool
    capped: bool
    recomputes: bool

    @property
    def tokens(self) -> int:
        """Tokens of the batch."""
        return self.batch_size * self.length


class Layers:
    """Distinct layers of one model: what flows through them, and what they keep.

    Args:
        shapes: of the (pruned) model.
        distinct: the layers.
        modules: their formats and ranks.
        step: the batch and how it is computed.

    Attributes:
        flow: whether a layer's input has a gradient, and so for the inputs of its MLP (``mlp_flow``) and of the MLP's
            last module (``gated``); ``attended`` says it of queries, keys or values.
        active: whether the layer has a backward pass.
    """

    def __init__(self, shapes: Architecture, distinct: DistinctLayers, modules: Modules, step: Step) -> None:
        widths = [shapes.block_widths(layer) for layer in range(len(shapes.layers))]
        self.family, self.name = FAMILIES[shapes.family], shapes.family
        self.modules, self.step = modules, step
        self.t, self.c, self.h = step.tokens, step.compute, shapes.hidden
        self.q, self.k, self.ch = (
            np.array([width[block] for width in widths], dtype=np.int64)[distinct.layer]
            for block in ("queries", "keys", "channels")
        )
        self.head_dim = shapes.head_dim
        self.heads, self.groups = self.q // shapes.head_dim, self.k // shapes.head_dim
        places = list(enumerate(shapes.modules))
        self.into_attention = [i for i, each in places if each.parent == "self_attn" and each.columns == "hidden"]
        self.out_of_attention = next(i for i, each in places if each.columns == "queries")
        self.into_mlp = [i for i, each in places if each.parent == "mlp" and each.columns == "hidden"]
        self.out_of_mlp = next(i for i, each in places if each.columns == "channels")
        self.adapted: Flags = np.greater(modules.ranks, 0)
        self.flow = distinct.flow
        self.active: Flags = distinct.flow | self.adapted.any(-1)
        self.attended = self.flow | self.any_adapter(self.into_attention)
        self.middle = self.attended | self.adapted[:, self.out_of_attention]
        self.mlp_flow = self.flow if self.parallel else self.middle
        self.gated = self.mlp_flow | self.any_adapter(self.into_mlp)

    @property
    def parallel(self) -> bool:
        """Whether attention and MLP read one norm's output, as in phi."""
        return self.family.norms == 1

    @property
    def has_gate(self) -> bool:
        """Whether the MLP multiplies two of its inputs."""
        return self.name != "phi"

    @property
    def shares_inputs(self) -> bool:
        """Whether adapters keep the very tensor that their modules read."""
        return self.c == FLOAT32 and not self.step.dropout and not self.step.adapter.pooled

    def any_adapter(self, group: list[int]) -> Flags:
        """Returns whether one of these modules has an adapter."""
        return np.asarray(self.adapted[:, group].any(-1))

    def own_input(self, width: Bytes | int, flow: Flags) -> Bytes:
        """Returns the bytes of the input that one adapter keeps for itself.

        Args:
            width: values of a token.
            flow: whether that input has a gradient; without one dropout needs no mask again.
        """
        # The mask is a byte a value in CUDA's fused kernel, and a value of its own on the CPU.
        mask = self.step.dropout * (1 if self.c < FLOAT32 else FLOAT32) * flow
        halved = 2 if self.step.adapter.pooled else 1
        return np.asarray(self.t * width // halved * (FLOAT32 + mask))

    @property
    def norms_copy(self) -> bool:
        """Whether a norm keeps a copy of what it reads: RMSNorm computes in float32, LayerNorm in either type."""
        return self.c < FLOAT32 and self.family.norm_values == 1

    @property
    def norm(self) -> int:
        """Bytes that one norm keeps."""
        if self.family.norm_values > 1:
            return self.t * (self.c * self.h + 2 * FLOAT32)
        offset = FLOAT32 * self.h if self.name.startswith("gemma") else 0
        return self.t * (FLOAT32 * self.h + FLOAT32) + offset

    @property
    def head_norms(self) -> Bytes:
        """What the norms of queries and keys keep."""
        if not self.family.head_norms:
            return np.zeros_like(self.q)
        return np.asarray(FLOAT32 * self.t * (self.q + self.k + self.heads + self.groups) * self.attended)

    @cached_property
    def attention(self) -> Bytes:
        """Queries, keys, values, output, and the softmax's part."""
        step, scores = self.step, self.step.batch_size * self.heads * self.step.length
        if step.written_out:
            copies = FLOAT32 + (self.c if self.c < FLOAT32 else 0) + (self.c if step.capped else 0)
            kept = self.t * self.c * 3 * self.q + scores * step.length * copies
        else:
            # phi3's values are a view of all that its fused module returned.
            values = self.q + 2 * self.k if self.name == "phi3" else self.k
            kept = self.t * self.c * (2 * self.q + self.k + values) + FLOAT32 * scores
        return np.asarray(kept * self.attended)

    @cached_property
    def escapes(self) -> tuple[Bytes, ...]:
        """What int8 products keep until the step ends: not as autograd keeps it, so that nothing frees it earlier.

        Of the inputs of attention's modules, of the one behind it, of the MLP's, and of its last module.
        """
        first = [*self.into_attention, *(self.into_mlp if self.parallel else [])]
        parts = (
            (first, self.h, self.flow),
            ([self.out_of_attention], self.q, self.attended),
            ([] if self.parallel else self.into_mlp, self.h, self.mlp_flow),
            ([self.out_of_mlp], self.ch, self.gated),
        )
        return tuple(
            np.asarray(self.t * self.c * width * (self.modules.leaks[:, group] & flow[:, None]).any(-1))
            for group, width, flow in parts
        )

    @cached_property
    def escaped(self) -> Bytes:
        """All of it."""
        return np.asarray(sum(self.escapes))
