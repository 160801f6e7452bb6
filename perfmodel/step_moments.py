"""The moments of a step at which most lives at once within a layer, beside what the layers before it keep.

Autograd frees what an operation kept as soon as that operation has gone back, so that the peak lies near the start of a
layer's backward pass: in its MLP. Each moment below is one operation that can be the highest; which of them is depends
on widths, formats and batch, so all are computed and the largest counts.
"""

from dataclasses import dataclass

import numpy as np

from perfmodel.activations import FLOAT32, Bytes, Layers


@dataclass(frozen=True)
class Moment:
    """One point of a layer's pass, shape ``(n, L)`` each.

    Args:
        kept: of the layer's activations, what still lives.
        attention: of what attention kept, what still lives.
        dequantization: a weight in the compute type, and what makes it.
        working: gradients of activations, and copies that live for one operation.
    """

    kept: Bytes
    attention: Bytes
    dequantization: Bytes
    working: Bytes

    @property
    def total(self) -> Bytes:
        """All of it."""
        return self.kept + self.attention + self.dequantization + self.working


def moments(layers: Layers) -> tuple[Moment, ...]:
    """Returns the moments of every layer."""
    return (
        *_last_module(layers),
        *_middle(layers),
        _behind_attention(layers),
        _attention(layers),
        _before_attention(layers),
        *_forward(layers),
        *_row_norms(layers),
    )


def _moment(layers: Layers, kept: Bytes, *, working: Bytes | int, weight: Bytes | None = None) -> Moment:
    nothing = np.zeros_like(layers.kept)
    return Moment(kept, layers.attention, nothing if weight is None else weight, working + nothing)


def _scaled(layers: Layers, width: Bytes | int, index: int) -> Bytes:
    """Returns the gradient of a module's output, times the adapter's scaling: in float32, so on CUDA with a copy."""
    copies = FLOAT32 if layers.c == FLOAT32 else 2 * FLOAT32
    return np.asarray(layers.t * width * copies * layers.adapted[..., index])


def _after_norm(layers: Layers) -> Bytes:
    """Returns what lives when the MLP goes back: in gemma the norm behind it has gone back before."""
    return layers.kept - layers.norm * layers.gated if layers.family.norms == 4 else layers.kept


def _last_module(layers: Layers) -> tuple[Moment, ...]:
    """Returns the MLP's last module: in its adapter, while its weight is made, and in the product."""
    index, read = layers.out_of_mlp, layers.t * layers.c * layers.ch
    residual = layers.t * layers.c * layers.h * (2 if layers.family.norms == 4 else 1)
    kept, adapted = _after_norm(layers), layers.adapted[..., layers.out_of_mlp]
    if layers.shares_inputs:
        freed = np.where(layers.modules.keeps_input[..., index], 0, layers.input_of_last)
    else:
        freed = layers.own_input(layers.ch) * adapted
    left = kept - freed - FLOAT32 * layers.t * layers.modules.ranks[..., index]
    through = residual + read * adapted
    return (
        _moment(layers, kept, working=residual + _scaled(layers, layers.h, index)),
        _moment(layers, left, working=through, weight=layers.modules.building[..., index]),
        _moment(layers, left, working=through + read, weight=layers.modules.held[..., index]),
    )


def _middle(layers: Layers) -> tuple[Moment, ...]:
    """Returns the activation's backward, and the module before it: in its adapter and while its weight is made."""
    residual, one = layers.t * layers.c * layers.h, layers.t * layers.c * layers.ch
    kept = _after_norm(layers) - layers.input_of_last
    index = layers.into_mlp[-1]
    fused = len(layers.into_mlp) == 1
    gradient = layers.t * layers.c * layers.rows[:, index]
    freed = layers.activation if fused else layers.activation * 2 // 3
    waiting = residual + gradient + (0 if fused else one)
    # A fused gate's two gradients are joined before they go on.
    joined = gradient if fused and layers.has_gate else 0
    through = waiting + residual * layers.adapted[..., index]
    scaled = np.maximum(_scaled(layers, layers.rows[:, index], index), joined)
    return (
        _moment(layers, kept, working=residual + 3 * one),
        _moment(layers, kept - freed, working=waiting + scaled),
        _moment(layers, kept - freed, working=through, weight=layers.modules.building[..., index]),
    )


def _behind_attention(layers: Layers) -> Moment:
    """Returns the module behind attention while its weight is made."""
    index = layers.out_of_attention
    working = layers.t * layers.c * (layers.h + layers.q * layers.adapted[..., index])
    return _moment(layers, layers.kept_without_mlp, working=working, weight=layers.modules.building[..., index])


def _attention(layers: Layers) -> Moment:
    """Returns the moment at which queries, keys and values get their gradients."""
    step = layers.step
    working = layers.t * layers.c * (layers.h + 2 * layers.q + 2 * layers.k)
    if step.written_out:
        working = working + 2 * FLOAT32 * step.batch_size * layers.heads * step.length**2
    elif layers.c < FLOAT32:
        working = working + _flash_workspace(layers)
    return _moment(layers, layers.kept_without_mlp - layers.attention_output, working=working)


def _flash_workspace(layers: Layers) -> Bytes:
    """Returns what FlashAttention-2's backward takes inside: dq in float32, and dk and dv of all heads."""
    step, width = layers.step, layers.head_dim
    rounded = -(-step.length // 128) * 128 * -(-width // 32) * 32
    repeated = np.where(layers.heads == layers.groups, 0, 2 * step.tokens * layers.heads * width * step.compute)
    return np.asarray(FLOAT32 * step.batch_size * layers.heads * rounded + repeated)


def _before_attention(layers: Layers) -> Moment:
    """Returns the modules before attention while the largest of their weights is made."""
    nothing = np.zeros_like(layers.kept)
    working = layers.t * layers.c * (4 * layers.h + layers.q) + nothing
    weight = layers.modules.building[..., layers.into_attention].max(-1)
    return Moment(layers.kept_without_mlp - layers.attention_output, nothing, weight, working)


def _waiting(layers: Layers) -> Bytes:
    """Returns the gradient that waits while a layer is recomputed: it has come through the last adapter's scaling."""
    scaled = FLOAT32 * layers.adapted[..., layers.out_of_mlp]
    return np.asarray(layers.t * layers.h * (layers.c + scaled) * layers.step.recomputes)


def _passing(layers: Layers) -> int:
    """Returns the residual and the norm's output, which live during the MLP, where they are not what is kept."""
    return 2 * layers.t * layers.c * layers.h if layers.c < FLOAT32 else 0


def _forward(layers: Layers) -> tuple[Moment, ...]:
    """Returns the MLP's forward pass, which counts where it runs beside a gradient or a pooled adapter widens it."""
    step, final, index = layers.step, layers.out_of_mlp, layers.into_mlp[-1]
    if not step.recomputes and step.adapter != "qblora":
        return ()
    one, out = layers.t * layers.c * layers.ch, layers.t * layers.rows[:, index]
    rank = FLOAT32 * layers.t * layers.modules.ranks[..., final]
    missing = layers.activation if len(layers.into_mlp) == 1 else np.minimum(layers.activation, one)
    adapted = layers.adapted[..., index]
    update = out * layers.c + 2 * FLOAT32 * out * adapted
    if step.adapter == "qblora":
        update = update + (FLOAT32 * layers.t * layers.h + FLOAT32 // 2 * out) * adapted
    beside = _waiting(layers) + _passing(layers)
    own = np.zeros_like(layers.kept) if layers.shares_inputs else layers.own_input(layers.ch)
    read = one * ((layers.c < FLOAT32) & ~layers.modules.keeps_input[..., final])
    weight = layers.modules.building[..., final]
    return (
        _moment(layers, layers.kept - layers.input_of_last - rank - missing, working=beside + update),
        _moment(layers, layers.kept - rank - own * layers.adapted[..., final], working=beside + read, weight=weight),
        _moment(layers, layers.kept, working=beside + read + layers.t * layers.c * layers.h),
    )


def _row_norms(layers: Layers) -> tuple[Moment, ...]:
    """Returns the moment in which DoRA takes the norms of the rows of the widest weight, in the forward pass."""
    if layers.step.adapter != "dora":
        return ()
    columns, rows = layers.columns * layers.adapted, layers.rows * layers.adapted
    # PEFT sends an identity matrix through A and B, then makes the weight, the update, and their sum, in float32.
    largest = (FLOAT32 * columns * (columns + layers.modules.ranks) + 4 * FLOAT32 * rows * columns).max(-1)
    later = FLOAT32 * layers.t * layers.h * layers.adapted[..., layers.out_of_mlp]
    read = layers.t * layers.c * layers.ch if layers.c < FLOAT32 else 0
    return (_moment(layers, layers.kept - later, working=largest + _waiting(layers) + _passing(layers) + read),)
