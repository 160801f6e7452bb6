"""The forward and backward pass of one decoder layer, operation by operation, and its moment of most bytes.

The operations are those of the modeling files of transformers 5.23, in their order: norm, queries, keys and values,
attention, its last module, norm, the MLP's first modules, its last one. At each the tracker observes two moments: when
the operation runs (in the forward pass, or when the layer is recomputed) and when its gradient is computed.

    r   distinct layers; every array has shape (r,) and holds bytes, or yes and no
"""

import numpy as np

from perfmodel.memory.module_step import ModuleInput, ModuleStep
from perfmodel.memory.peak_tracker import PeakTracker
from perfmodel.memory.saved_activations import FLOAT32, Bytes, Flags, Layers


def follow_layers(layers: Layers) -> PeakTracker:
    """Returns the highest moment within every layer, and what the layer has saved when its forward pass is done.

    Args:
        layers: r distinct layers of one model.
    """
    return _LayerStep(layers).follow()


class _LayerStep:
    """Follows r distinct layers at once.

    Attributes:
        residual: bytes of the residual stream between layers.
        residual_copy: bytes of the residual where a norm saves a copy of it, so that both exist; else 0.
        beside: bytes beside the layer's own tensors in its forward pass.
        out_gradient: bytes of the gradients of a part's output and of the residual.
    """

    def __init__(self, layers: Layers) -> None:
        self.layers, self.tracker = layers, PeakTracker(layers.q)
        self.residual = layers.t * layers.step.stream * layers.h
        self.nothing = np.zeros_like(layers.q)
        self.residual_copy = self.residual if layers.norms_copy else 0
        caller = 0 if layers.step.recomputes else self.residual_copy
        self.beside = self.nothing + _waiting(layers) + caller
        # Behind a norm of its own, a part's gradient is another tensor than the residual's.
        self.out_gradient = self.nothing + self.residual * (2 if layers.family.norms == 4 else 1)

    def follow(self) -> PeakTracker:
        layers = self.layers
        self._norm(layers.input_grad, 0)
        read = self._input(layers.h, layers.input_grad)
        self._into_attention(read)
        self._attention()
        self._out_of_attention()
        if layers.family.norms == 4:
            self._norm(layers.middle_grad, layers.out_of_attention + 1)
        if not layers.parallel:
            self._norm(layers.mlp_input_grad, layers.into_mlp[0])
            read = self._input(layers.h, layers.mlp_input_grad)
        self._mlp(read)
        if layers.family.norms == 4:
            self._norm(layers.mlp_inner_grad | layers.adapted[:, layers.out_of_mlp], layers.out_of_mlp + 1)
        return self.tracker

    def _nowhere(self) -> Flags:
        return np.zeros_like(self.layers.input_grad)

    def _input(self, width: Bytes | int, has_gradient: Flags, saved: Flags | None = None) -> ModuleInput:
        """Returns a tensor that no module has read yet; ``saved`` says where autograd has it already."""
        return ModuleInput(width, has_gradient, self._nowhere() if saved is None else saved, self._nowhere())

    def _gradients_from(self, module: int) -> Bytes:
        """Returns the gradients of the adapters of this module and those behind it, which have gone back before."""
        return np.asarray(self.layers.modules.gradient_bytes[:, module:].sum(-1))

    def _held_behind(self, part: int) -> Bytes:
        """Returns what int8 products hold to the step's end of the inputs of this part (0 to 3) and those behind it."""
        if self.layers.step.recomputes:  # the layer's first run holds it, and it is counted there
            return self.nothing
        return np.asarray(sum(self.layers.inputs_held_to_end[part:], self.nothing))

    def _norm(self, has_gradient: Flags, behind: int) -> None:
        """Follows a norm; ``behind`` is the first module behind it."""
        layers, tracker = self.layers, self.tracker
        values = FLOAT32 * layers.t * layers.h
        tracker.observe(self.beside + self.residual_copy + 2 * values)
        tracker.save_for_backward(layers.norm * has_gradient)
        if layers.family.norm_values == 1:
            held = self._held_behind(0 if behind == 0 else 2 if behind <= layers.into_mlp[0] else 4)
            gradients = self._gradients_from(behind)
            tracker.observe(self.residual + 5 * values + held, gradients=gradients, when=has_gradient)

    def _module(self, index: int, read: ModuleInput, forward: Bytes | int, backward: Bytes | int) -> None:
        layers = self.layers
        product: Flags | bool = True
        update: Flags | bool = True
        if index == layers.out_of_mlp and layers.step.recomputes and layers.family.norms != 4:
            product = layers.adapted[:, index] | layers.modules.saves_tensors[:, index]
            update = self._nowhere()
        ModuleStep(
            layers,
            self.tracker,
            index,
            read,
            beside_forward=self.beside + forward,
            beside_backward=self.nothing + backward,
            shares_gradient=layers.family.norms != 4 and index in (layers.out_of_attention, layers.out_of_mlp),
            product_runs=product,
            update_runs=update,
        ).follow()

    def _into_attention(self, read: ModuleInput) -> None:
        """Follows the modules that make queries, keys and values."""
        layers = self.layers
        made = self.nothing
        rows = [layers.t * layers.step.stream * layers.modules.rows[:, index] for index in layers.into_attention]
        for place, index in enumerate(layers.into_attention):
            waiting = self.residual + self._held_behind(1) + sum(rows[: place + 1], self.nothing)
            if place + 1 < len(rows):
                waiting = waiting + self.residual * layers.input_grad
            self._module(index, read, self.residual_copy + made, waiting)
            made = made + rows[place]
        self.tracker.save_for_backward(layers.head_norms)
        if not layers.parallel:
            self.beside = self.beside + self.residual * read.only_held

    def _attention(self) -> None:
        layers, step = self.layers, self.layers.step
        self.tracker.attention = layers.attention
        working = self.residual + layers.t * layers.c * (2 * layers.q + 2 * layers.k)
        if step.written_out:
            working = working + 2 * FLOAT32 * step.batch_size * layers.heads * step.length**2
        elif layers.c < FLOAT32:
            working = working + _flash_workspace(layers)
        working = working + self._held_behind(1)
        gradients = self._gradients_from(layers.out_of_attention)
        self.tracker.observe(working, gradients=gradients, when=layers.attention_grad)

    def _out_of_attention(self) -> None:
        layers = self.layers
        # A partial rotary embedding joins its parts, so that heads come first and the output is laid out anew.
        copied = layers.step.written_out or layers.name in ("phi", "phi3")
        read = self._input(layers.q, layers.attention_grad, None if copied else layers.attention_grad)
        backward = self.out_gradient + self._held_behind(2)
        self._module(layers.out_of_attention, read, 2 * self.residual_copy, backward)
        self.beside = self.beside + layers.t * layers.c * layers.q * read.only_held

    def _mlp(self, read: ModuleInput) -> None:
        layers = self.layers
        # phi adds the attention's output at the end.
        forward = self.residual_copy + self.residual * layers.parallel
        self._into_mlp(read, forward)
        last = self._input(layers.ch, layers.mlp_inner_grad)
        self._module(layers.out_of_mlp, last, forward + self._unsaved(read), self.out_gradient)

    def _unsaved(self, read: ModuleInput) -> Bytes:
        """Returns the bytes of the MLP's input where autograd has not saved it."""
        return np.asarray(self.residual * ~read.saved)

    def _into_mlp(self, read: ModuleInput, forward: Bytes | int) -> None:
        """Follows the MLP's first modules, its activation, and the product of gate and up."""
        layers, tracker = self.layers, self.tracker
        inner = layers.t * layers.step.stream * layers.ch
        gradients, back = self._gradients_from(layers.out_of_mlp), self.out_gradient + self._held_behind(3)
        first, rest = layers.into_mlp[0], layers.into_mlp[1:]
        if rest:
            gate = layers.mlp_input_grad | layers.adapted[:, first]
            up = layers.mlp_input_grad | layers.adapted[:, rest[0]]
            # The gradient of what both read waits for the gate's.
            self._module(first, read, forward, back + inner + self.residual * layers.mlp_input_grad)
            tracker.save_for_backward(2 * inner * gate)
            self._module(rest[0], read, forward + 2 * inner * ~gate, back + 2 * inner)
            tracker.save_for_backward(inner * up)
        else:
            made = layers.t * layers.step.stream * layers.modules.rows[:, first]
            self._module(first, read, forward, back + made)
            if layers.has_gate:  # the gradients of both halves are joined
                tracker.observe(back + 2 * made, gradients=gradients, when=layers.mlp_inner_grad)
            tracker.save_for_backward((3 if layers.has_gate else 4) * inner * layers.mlp_inner_grad)
        tracker.observe(self.beside + forward + self._unsaved(read) + inner)
        # The gradients of both factors beside that of their product.
        tracker.observe(back + 3 * inner, gradients=gradients, when=layers.mlp_inner_grad)


def _flash_workspace(layers: Layers) -> Bytes:
    """Returns the bytes that FlashAttention-2's backward pass allocates: dq in float32, and dk and dv of all heads."""
    step, width = layers.step, layers.head_dim
    rounded = -(-step.length // 128) * 128 * -(-width // 32) * 32
    repeated = np.where(layers.heads == layers.groups, 0, 2 * step.tokens * layers.heads * width * step.compute)
    return np.asarray(FLOAT32 * step.batch_size * layers.heads * rounded + repeated)


def _waiting(layers: Layers) -> Bytes:
    """Returns the bytes of the gradients that wait while a layer is recomputed, 0 without checkpointing.

    Recomputing begins when the backward pass first asks for a saved tensor. By then gradients have come through the
    last adapter's scaling, or without one through a product whose weight autograd does not save.
    """
    index = layers.out_of_mlp
    stream, adapting = layers.step.stream, layers.step.adapting
    residual, adapted = layers.t * stream * layers.h, layers.adapted[:, index]
    if layers.family.norms == 4:
        further = np.zeros_like(layers.q)
    else:
        unasked = layers.t * stream * layers.ch * ~layers.modules.saves_tensors[:, index]
        cast = residual * layers.modules.saves_tensors[:, index] * (stream != adapting)
        further = np.where(adapted, adapting * layers.t * layers.h + cast, unasked)
    return np.asarray((residual + further) * layers.step.recomputes)
