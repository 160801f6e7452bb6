"""The operations of one linear module and its adapter, forwards and backwards, as PEFT 0.21 writes them.

forwards    the product (its weight made anew where it is quantised), then cast, dropout, A, B, scaling and sum
backwards   scaling, B and A first, because they ran last; then the product; then the sum of both gradients
"""

from dataclasses import dataclass

import numpy as np

from perfmodel.memory.peak_tracker import PeakTracker
from perfmodel.memory.saved_activations import FLOAT32, Bytes, Flags, Layers


@dataclass
class Read:
    """One tensor that modules read.

    Args:
        width: values of a token.
        flow: whether it has a gradient, shape ``(r,)``.
        held: whether it is kept by now, ``(r,)``; those that keep it first decide when it goes.
        leaked: whether an int8 product holds it, ``(r,)``.
    """

    width: Bytes | int
    flow: Flags
    held: Flags
    leaked: Flags

    @property
    def passing(self) -> Flags:
        """Where a recomputed layer has it to its end, and no longer."""
        return np.asarray(self.leaked & ~self.held)


@dataclass(frozen=True)
class Around:
    """What lives beside a module's own tensors, shape ``(r,)`` each.

    Args:
        forward: in the forward pass, without what it reads.
        backward: in the backward pass: gradients, that of its output included.
        shared: whether the gradient of its output is the residual's too, and so outlives the module.
        product: whether its product runs at all; recomputing ends with the last tensor that is kept.
        update: whether what follows A runs.
    """

    forward: Bytes
    backward: Bytes
    shared: bool = False
    product: Flags | bool = True
    update: Flags | bool = True


class ModuleStep:
    """Follows one module of distinct layers.

    Args:
        layers: the layers.
        highest: what lives.
        index: of the module.
        read: its input.
        around: what lives beside it.
    """

    def __init__(self, layers: Layers, highest: PeakTracker, index: int, read: Read, around: Around) -> None:
        modules = layers.modules
        self.layers, self.highest, self.read, self.around = layers, highest, read, around
        self.index = index
        self.adapted: Flags = layers.adapted[:, index]
        self.leaks: Flags = modules.leaks[:, index] & read.flow
        self.keeps: Flags = modules.keeps_input[:, index] & read.flow
        if layers.step.recomputes:
            self.keeps = self.keeps & ~self.leaks  # what int8 keeps of a recomputed layer goes when that is done
        self.held, self.building = modules.held[:, index], modules.building[:, index]
        self.cloned = modules.cloned[:, index]
        self.values_in, self.values_out = layers.t * read.width, layers.t * modules.rows[:, index]
        self.result = layers.c * self.values_out
        self.later = FLOAT32 * modules.parameters[:, index + 1 :].sum(-1)
        self.cuda = layers.c < FLOAT32
        self.dropout, self.pooled = layers.step.dropout, layers.step.adapter.pooled
        self.dora = layers.step.adapter.has_magnitudes

    def follow(self) -> None:
        """Looks at every moment of the module, and notes what it keeps."""
        self._product()
        self._keep_input()
        # With dropout or pooling, the copy in the adapter's type is not what A keeps.
        cast = FLOAT32 * self.values_in if self.cuda and (self.dropout or self.pooled) else 0
        beside = self.around.forward + self._unheld() + self.result + cast
        self.highest.observe(beside, when=self.adapted & self.around.product)
        middle = self._keep_middle()
        if self.dora:
            self._row_norms(beside)
        else:
            # B's output and its scaled copy; pooled, the scaled values, their repetition and the sum.
            values = 2 * self.values_out + (self.values_out // 2 if self.pooled else 0)
            self.highest.observe(beside + FLOAT32 * values, when=self.adapted & self.around.update)
        self._backward(middle)

    def _unheld(self) -> Bytes:
        """Returns the bytes of what is read, where nothing keeps it."""
        return np.asarray(self.layers.c * self.values_in * ~self.read.held)

    def _product(self) -> None:
        beside = self.around.forward + self._unheld()
        # 4-bit kernels take a weight's scales as they are; HQQ makes copies on the way to the weight.
        making = np.where(self.cloned, self.held, self.building)
        self.highest.observe(beside, weight=making, when=self.around.product)
        self.highest.observe(beside + self.result, weight=self.held, when=self.around.product)
        self.highest.observe(beside + 2 * self.result, when=self.cloned & self.adapted & self.around.product)

    def _keep_input(self) -> None:
        layers = self.layers
        holder = self.keeps | (self.adapted if layers.shares_inputs else False)
        self.first = holder & ~self.read.held
        self.plain = layers.c * self.values_in * self.first
        self.highest.save_for_backward(self.plain)
        self.read.held = self.read.held | holder
        self.read.leaked = self.read.leaked | self.leaks
        self.own = np.zeros_like(self.result)
        if not layers.shares_inputs:
            self.own = layers.own_input(self.read.width, self.read.flow) * self.adapted
        self.highest.save_for_backward(self.own)

    def _keep_middle(self) -> Bytes:
        """Notes what lies between A and B, and what DoRA keeps behind them; returns it."""
        layers = self.layers
        middle = FLOAT32 * layers.t * (2 if self.pooled else 1) * layers.modules.ranks[:, self.index]
        if self.dora:
            each = (FLOAT32 + layers.c) * self.values_out + 3 * FLOAT32 * layers.modules.rows[:, self.index]
            middle = middle + each * self.adapted
        self.highest.save_for_backward(middle)
        return middle

    def _row_norms(self, beside: Bytes) -> None:
        """Looks at DoRA's norms of the weight's rows.

        PEFT sends an identity matrix through A and B, then makes the weight, the update, and their sum, in float32.
        """
        modules = self.layers.modules
        columns, rows = modules.columns[:, self.index], modules.rows[:, self.index]
        largest = FLOAT32 * columns * (columns + modules.ranks[:, self.index]) + 4 * FLOAT32 * rows * columns
        later = (FLOAT32 + self.layers.c) * self.values_out
        self.highest.observe(beside + largest, freed=later, when=self.adapted & self.around.product)

    def _backward(self, middle: Bytes) -> None:
        layers, around, flow = self.layers, self.around, self.read.flow
        # Where PEFT casts the sum and not the update, the product's gradient is a cast of its own.
        apart = layers.modules.saves[:, self.index] & self.adapted & (self.cuda and around.shared)
        cast = layers.c * self.values_out * apart
        waiting, done = around.backward + cast, self.later
        scaled = (2 if self.cuda else 1) * FLOAT32 * self.values_out
        self.highest.observe(waiting + scaled, gradients=done, when=self.adapted)
        done = done + FLOAT32 * layers.modules.parameters[:, self.index]
        through = self.adapted & flow
        self._input_gradient(waiting, done, middle, through)
        left = middle + self.own + self.plain * ~self.keeps
        waiting = waiting + layers.c * self.values_in * through
        made = layers.c * self.values_in
        self.highest.observe(waiting, weight=self.building, freed=left, gradients=done, when=flow)
        self.highest.observe(waiting + made, weight=self.held, freed=left, gradients=done, when=flow)
        self.highest.observe(waiting + 2 * made, freed=left, gradients=done, when=through)

    def _input_gradient(self, waiting: Bytes, done: Bytes, middle: Bytes, through: Flags) -> None:
        """Looks at the gradient of A's input, in float32, on its way back through dropout and cast."""
        one = FLOAT32 * self.values_in // (2 if self.pooled else 1)
        self.highest.observe(waiting + one, freed=middle, gradients=done, when=through)
        if self.dropout:
            self.highest.observe(waiting + 2 * one, freed=middle + one, gradients=done, when=through)
        if self.pooled:
            self.highest.observe(waiting + 2 * one + one, freed=middle + self.own, gradients=done, when=through)
