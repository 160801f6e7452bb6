"""What a decoder layer saves for its backward pass: the activations that autograd keeps.

    t           tokens of the batch with padding
    c           bytes of a compute value: 4 on the CPU, 2 on CUDA
    H Q K C     widths of the residual, the query heads, the key (or value) heads and the MLP
    r           distinct layers
    M           linear modules of a layer

What autograd saves follows from the modeling files of transformers 5.23 and PEFT 0.21, operation by operation:

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
    """The linear modules of distinct layers; see ``perfmodel.memory.resident_bytes.Stored`` for the formats' part.

    Args:
        ranks: ranks of the adapters, 0 for none, shape ``(r, M)``.
        rows: output features, shape ``(r, M)``.
        columns: input features, shape ``(r, M)``.
        gradient_bytes: bytes of the gradients of what is trained in each, adapter or weight, shape ``(r, M)``.
        saves_input: whether the product saves its input for the backward pass, shape ``(r, M)``.
        dequantized: bytes of the weight in the compute type during a product, 0 where it is stored so, shape
            ``(r, M)``.
        dequantizing: most bytes allocated while that weight is made, shape ``(r, M)``.
        holds_input: whether the product holds its input until the step ends, shape ``(r, M)``.
        saves_tensors: whether autograd saves anything for the product, its input or its weight, shape ``(r, M)``.
        clones_output: whether PEFT clones the product's result, shape ``(r, M)``.
    """

    ranks: Bytes
    rows: Bytes
    columns: Bytes
    gradient_bytes: Bytes
    saves_input: Flags
    dequantized: Bytes
    dequantizing: Bytes
    holds_input: Flags
    saves_tensors: Flags
    clones_output: Flags


@dataclass(frozen=True)
class Step:
    """What decides a step's activations beside the layers.

    Args:
        batch_size: examples of the batch, 1 or more.
        length: tokens of each example, padding included, 1 or more.
        compute: bytes of a compute value: 4 on a CPU, 2 on CUDA.
        dropout: whether adapters have dropout.
        adapter: form of all adapters.
        written_out: whether attention is written out (``eager``) rather than a fused kernel.
        capped: whether attention scores are capped, as in gemma2.
        recomputes: whether activations are recomputed in the backward pass.
        stream: bytes of a value of the residual stream, and of what modules make that read it through a norm.
        adapting: bytes of a value between an adapter's matrices, 2 under autocast and else 4.
        padded: whether a padding mask is passed.
        trains_all: whether all weights are trained.
    """

    batch_size: int
    length: int
    compute: int
    dropout: bool
    adapter: Adapter
    written_out: bool
    capped: bool
    recomputes: bool
    stream: int
    adapting: int
    padded: bool = False
    trains_all: bool = False

    @property
    def tokens(self) -> int:
        """Tokens of the batch, padding included."""
        return self.batch_size * self.length


class Layers:
    """Distinct layers of one model: their widths, which of their tensors have gradients, and what they save.

    Args:
        shapes: the (pruned) model.
        distinct: its r distinct layers.
        modules: formats and ranks of their modules.
        step: the batch, and how the step computes.

    Attributes:
        adapted: whether a module has an adapter, shape ``(r, M)``.
        input_grad: whether the layer's input has a gradient, shape ``(r,)``.
        attention_grad: whether queries, keys or values have one, shape ``(r,)``.
        middle_grad: whether the residual between attention and MLP has one, shape ``(r,)``.
        mlp_input_grad: whether the MLP's input has one, shape ``(r,)``.
        mlp_inner_grad: whether the input of the MLP's last module has one, shape ``(r,)``.
        active: whether the layer has a backward pass at all, shape ``(r,)``.
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
        self.input_grad = distinct.input_grad
        self.active: Flags = distinct.input_grad | self.adapted.any(-1)
        self.attention_grad = self.input_grad | self.any_adapter(self.into_attention)
        self.middle_grad = self.attention_grad | self.adapted[:, self.out_of_attention]
        self.mlp_input_grad = self.input_grad if self.parallel else self.middle_grad
        self.mlp_inner_grad = self.mlp_input_grad | self.any_adapter(self.into_mlp)

    @property
    def parallel(self) -> bool:
        """Whether attention and MLP read one norm's output, as in phi."""
        return self.family.norms == 1

    @property
    def has_gate(self) -> bool:
        """Whether the MLP multiplies two of its inputs."""
        return self.name != "phi"

    def value_bytes(self, index: int) -> int:
        """Returns the bytes of a value that one module reads, and of one that it makes.

        Args:
            index: of the module, from 0 to M - 1.
        """
        return self.c if index == self.out_of_attention else self.step.stream

    def shares_input(self, index: int) -> Flags:
        """Returns whether an adapter saves the very tensor that its module reads, and not a copy, shape ``(r,)``.

        Args:
            index: of the module, from 0 to M - 1.
        """
        same = self.value_bytes(index) == self.step.adapting
        same = same and not self.step.dropout and not self.step.adapter.pooled
        # PEFT casts what a 16-bit module reads to float32 before autocast casts it back.
        passed_on = self.modules.clones_output[:, index] | self.modules.holds_input[:, index] | (self.c == FLOAT32)
        return np.asarray(passed_on & same)

    def any_adapter(self, group: list[int]) -> Flags:
        """Returns whether one of these modules has an adapter, shape ``(r,)``.

        Args:
            group: indices of modules, from 0 to M - 1.
        """
        return np.asarray(self.adapted[:, group].any(-1))

    def own_input(self, width: Bytes | int, has_gradient: Flags) -> Bytes:
        """Returns the bytes of the input that an adapter saves for itself, shape ``(r,)``.

        Args:
            width: values of a token in that input, shape ``(r,)`` or one number for all layers.
            has_gradient: whether that input has a gradient, shape ``(r,)``; without one, dropout saves no mask.
        """
        # The mask is a byte a value in CUDA's fused kernel, and a value of its own on the CPU.
        mask = self.step.dropout * (1 if self.c < FLOAT32 else FLOAT32) * has_gradient
        shrink = 2 if self.step.adapter.pooled else 1
        return np.asarray(self.t * width // shrink * (self.step.adapting + mask))

    @property
    def norms_copy(self) -> bool:
        """Whether a norm saves a copy of what it reads: RMSNorm computes in float32, LayerNorm in either type."""
        return self.step.stream < FLOAT32 and self.family.norm_values == 1

    @property
    def norm(self) -> int:
        """Bytes that one norm saves."""
        if self.family.norm_values > 1:
            return self.t * (self.step.stream * self.h + 2 * FLOAT32)
        gemma = self.name.startswith("gemma")
        # The norm's own weight, where it is trained, needs what it multiplies.
        normed = (FLOAT32 if gemma else self.c) * self.h if self.step.trains_all else 0
        return self.t * (FLOAT32 * self.h + FLOAT32 + normed) + (FLOAT32 * self.h if gemma else 0)

    @property
    def head_norms(self) -> Bytes:
        """Bytes that the norms of queries and keys save, shape ``(r,)``."""
        if not self.family.head_norms:
            return np.zeros_like(self.q)
        return np.asarray(FLOAT32 * self.t * (self.q + self.k + self.heads + self.groups) * self.attention_grad)

    @cached_property
    def attention(self) -> Bytes:
        """Bytes of queries, keys, values, output, and of the softmax's part, shape ``(r,)``."""
        step, scores = self.step, self.step.batch_size * self.heads * self.step.length
        if step.written_out:
            copies = FLOAT32 + (self.c if self.c < FLOAT32 else 0) + (self.c if step.capped else 0)
            kept = self.t * self.c * 3 * self.q + scores * step.length * copies
        else:
            # phi3's values are a view of all that its fused module returned, unless they are cast.
            values = self.q + 2 * self.k if self.name == "phi3" and step.stream == self.c else self.k
            kept = self.t * self.c * (2 * self.q + self.k + values) + FLOAT32 * scores
        if step.padded:
            repeated = 0 if step.written_out else 2 * self.t * (self.q - self.k)
            kept = kept + self.c * (repeated + step.batch_size * step.length**2)
        return np.asarray(kept * self.attention_grad)

    @cached_property
    def inputs_held_to_end(self) -> tuple[Bytes, ...]:
        """Bytes of inputs that int8 products hold until the step ends, four arrays of shape ``(r,)``.

        bitsandbytes keeps them outside autograd, so nothing frees them earlier. The four: the input of attention's
        first modules, of its last one, of the MLP's first modules, and of its last one.
        """
        first = [*self.into_attention, *(self.into_mlp if self.parallel else [])]
        parts = (
            (first, self.h, self.input_grad),
            ([self.out_of_attention], self.q, self.attention_grad),
            ([] if self.parallel else self.into_mlp, self.h, self.mlp_input_grad),
            ([self.out_of_mlp], self.ch, self.mlp_inner_grad),
        )
        return tuple(
            np.asarray(self.t * self.c * width * (self.modules.holds_input[:, group] & has_gradient[:, None]).any(-1))
            for group, width, has_gradient in parts
        )

    @cached_property
    def held_to_end(self) -> Bytes:
        """Bytes of all inputs that int8 products hold until the step ends, shape ``(r,)``."""
        return np.asarray(sum(self.inputs_held_to_end))
