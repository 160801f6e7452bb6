"""The moments of a step at which most lives at once within a layer, beside what the layers before it keep.

The operations are those of the modeling files of transformers 5.23, in their order. Each is looked at twice: as it runs
(before the loss, or again where activations are recomputed beside a waiting gradient) and as it goes back.
"""

import numpy as np

from perfmodel.memory.module_step import Around, ModuleStep, Read
from perfmodel.memory.peak_tracker import PeakTracker
from perfmodel.memory.saved_activations import FLOAT32, Bytes, Flags, Layers


def highest_moment(layers: Layers) -> PeakTracker:
    """Returns the highest moment of every layer, and what the layer has kept when its forward pass is done."""
    return _LayerStep(layers).follow()


class _LayerStep:
    """Follows one layer of each kind."""

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.highest = PeakTracker(layers.q)
        self.residual = layers.t * layers.c * layers.h
        self.nothing = np.zeros_like(layers.q)
        # Where a norm keeps a copy of the residual, the residual lives beside it.
        self.passing = self.residual if layers.norms_copy else 0
        caller = 0 if layers.step.recomputes else self.passing
        self.beside = self.nothing + _waiting(layers) + caller
        # Behind a norm of its own, a part's gradient is another tensor than the residual's.
        self.back = self.nothing + self.residual * (2 if layers.family.norms == 4 else 1)

    def follow(self) -> PeakTracker:
        layers = self.layers
        self._norm(layers.flow, 0)
        read = Read(layers.h, layers.flow, self._nowhere(), self._nowhere())
        self._before_attention(read)
        self._attention()
        self._behind_attention()
        if layers.family.norms == 4:
            self._norm(layers.middle, layers.out_of_attention + 1)
        if not layers.parallel:
            self._norm(layers.mlp_flow, layers.into_mlp[0])
            read = Read(layers.h, layers.mlp_flow, self._nowhere(), self._nowhere())
        self._mlp(read)
        if layers.family.norms == 4:
            self._norm(layers.gated | layers.adapted[:, layers.out_of_mlp], layers.out_of_mlp + 1)
        return self.highest

    def _nowhere(self) -> Flags:
        return np.zeros_like(self.layers.flow)

    def _gradients(self, behind: int) -> Bytes:
        """Returns the gradients of the adapters from a module on, which have gone back before."""
        return np.asarray(FLOAT32 * self.layers.modules.parameters[:, behind:].sum(-1))

    def _escaped(self, behind: int) -> Bytes:
        """Returns what int8 products keep of inputs from that one on, though their modules have gone back."""
        if self.layers.step.recomputes:  # that was kept by the first pass, and is counted there
            return self.nothing
        return np.asarray(sum(self.layers.escapes[behind:], self.nothing))

    def _norm(self, flow: Flags, behind: int) -> None:
        """Follows a norm; ``behind`` is the first module behind it."""
        layers, highest = self.layers, self.highest
        values = FLOAT32 * layers.t * layers.h
        highest.observe(self.beside + self.passing + 2 * values)
        highest.save_for_backward(layers.norm * flow)
        if layers.family.norm_values == 1:
            escaped = self._escaped(0 if behind == 0 else 2 if behind <= layers.into_mlp[0] else 4)
            highest.observe(self.residual + 5 * values + escaped, gradients=self._gradients(behind), when=flow)

    def _module(self, index: int, read: Read, forward: Bytes | int, backward: Bytes | int) -> None:
        layers = self.layers
        product: Flags | bool = True
        update: Flags | bool = True
        if index == layers.out_of_mlp and layers.step.recomputes and layers.family.norms != 4:
            modules, adapted = layers.modules, layers.adapted[:, index]
            product = adapted | modules.saves[:, index]
            update = self._nowhere()
        shared = layers.family.norms != 4 and index in (layers.out_of_attention, layers.out_of_mlp)
        around = Around(self.beside + forward, self.nothing + backward, shared, product, update)
        ModuleStep(layers, self.highest, index, read, around).follow()

    def _before_attention(self, read: Read) -> None:
        layers = self.layers
        made = self.nothing
        rows = [layers.t * layers.c * layers.modules.rows[:, index] for index in layers.into_attention]
        for place, index in enumerate(layers.into_attention):
            waiting = self.residual + self._escaped(1) + sum(rows[: place + 1], self.nothing)
            if place + 1 < len(rows):
                waiting = waiting + self.residual * layers.flow
            self._module(index, read, self.passing + made, waiting)
            made = made + rows[place]
        self.highest.save_for_backward(layers.head_norms)
        if not layers.parallel:
            self.beside = self.beside + self.residual * read.passing

    def _attention(self) -> None:
        layers, step = self.layers, self.layers.step
        self.highest.attention = layers.attention
        working = layers.t * layers.c * (layers.h + 2 * layers.q + 2 * layers.k)
        if step.written_out:
            working = working + 2 * FLOAT32 * step.batch_size * layers.heads * step.length**2
        elif layers.c < FLOAT32:
            working = working + _flash_workspace(layers)
        working = working + self._escaped(1)
        self.highest.observe(working, gradients=self._gradients(layers.out_of_attention), when=layers.attended)

    def _behind_attention(self) -> None:
        layers = self.layers
        # A partial rotary embedding joins its parts, so that heads come first and the output is laid out anew.
        anew = layers.step.written_out or layers.name in ("phi", "phi3")
        there = self._nowhere() if anew else layers.attended
        read = Read(layers.q, layers.attended, there, self._nowhere())
        self._module(layers.out_of_attention, read, 2 * self.passing, self.back + self._escaped(2))
        self.beside = self.beside + layers.t * layers.c * layers.q * read.passing

    def _mlp(self, read: Read) -> None:
        layers = self.layers
        one = layers.t * layers.c * layers.ch
        # phi adds the attention's output at the end.
        forward = self.passing + self.residual * layers.parallel
        self._into_mlp(read, forward, one)
        last = Read(layers.ch, layers.gated, self._nowhere(), self._nowhere())
        self._module(layers.out_of_mlp, last, forward + self._read(read), self.back)

    def _read(self, read: Read) -> Bytes:
        return np.asarray(self.residual * ~read.held)

    def _into_mlp(self, read: Read, forward: Bytes | int, one: Bytes) -> None:
        layers, highest = self.layers, self.highest
        later, back = self._gradients(layers.out_of_mlp), self.back + self._escaped(3)
        first, rest = layers.into_mlp[0], layers.into_mlp[1:]
        if rest:
            gate = layers.mlp_flow | layers.adapted[:, first]
            up = layers.mlp_flow | layers.adapted[:, rest[0]]
            # The gradient of what both read waits for the gate's.
            self._module(first, read, forward, back + one + self.residual * layers.mlp_flow)
            highest.save_for_backward(2 * one * gate)
            self._module(rest[0], read, forward + 2 * one * ~gate, back + 2 * one)
            highest.save_for_backward(one * up)
        else:
            made = layers.t * layers.c * layers.modules.rows[:, first]
            self._module(first, read, forward, back + made)
            if layers.has_gate:  # the gradients of both halves are joined
                highest.observe(back + 2 * made, gradients=later, when=layers.gated)
            highest.save_for_backward((3 if layers.has_gate else 4) * one * layers.gated)
        highest.observe(self.beside + forward + self._read(read) + one)
        # The gradients of both factors beside that of their product.
        highest.observe(back + 3 * one, gradients=later, when=layers.gated)


def _flash_workspace(layers: Layers) -> Bytes:
    """Returns what FlashAttention-2's backward takes inside: dq in float32, and dk and dv of all heads."""
    step, width = layers.step, layers.head_dim
    rounded = -(-step.length // 128) * 128 * -(-width // 32) * 32
    repeated = np.where(layers.heads == layers.groups, 0, 2 * step.tokens * layers.heads * width * step.compute)
    return np.asarray(FLOAT32 * step.batch_size * layers.heads * rounded + repeated)


def _waiting(layers: Layers) -> Bytes:
    """Returns the gradients that wait while a layer is recomputed: what went back before a kept tensor was asked for.

    They have come through the last adapter's scaling; without one, through a product whose weight autograd does not
    keep.
    """
    index = layers.out_of_mlp
    residual, adapted = layers.t * layers.c * layers.h, layers.adapted[:, index]
    if layers.family.norms == 4:
        further = np.zeros_like(layers.q)
    else:
        unasked = layers.t * layers.c * layers.ch * ~layers.modules.saves[:, index]
        cast = residual * layers.modules.saves[:, index] * (layers.c < FLOAT32)
        further = np.where(adapted, FLOAT32 * layers.t * layers.h + cast, unasked)
    return np.asarray((residual + further) * layers.step.recomputes)
