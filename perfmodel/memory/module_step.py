"""The operations of one linear module and its adapter, forwards and backwards, as PEFT 0.21 writes them.

forwards    the product (its weight dequantised where it is quantised), then cast, dropout, A, B, scaling and sum
backwards   scaling, B and A first, because they ran last; then the product; then the sum of both gradients

    r   distinct layers; every array has shape (r,) and holds bytes, values of a token, or yes and no
"""

from dataclasses import dataclass

import numpy as np

from perfmodel.memory.peak_tracker import PeakTracker
from perfmodel.memory.saved_activations import FLOAT32, Bytes, Flags, Layers


@dataclass
class ModuleInput:
    """One tensor that one or more modules read; the last two fields change as the modules run.

    Args:
        width: values of a token, shape ``(r,)`` or one number for all layers.
        has_gradient: whether the tensor has a gradient, shape ``(r,)``.
        saved: whether autograd has saved it by now, shape ``(r,)``. The first to save it also frees it last.
        held_to_end: whether an int8 product holds it until the step ends, shape ``(r,)``.
    """

    width: Bytes | int
    has_gradient: Flags
    saved: Flags
    held_to_end: Flags

    @property
    def only_held(self) -> Flags:
        """Where an int8 product holds it and autograd does not: there a recomputed layer has it to its end."""
        return np.asarray(self.held_to_end & ~self.saved)


class ModuleStep:
    """Follows one module of r distinct layers through its forward and backward pass.

    Args:
        layers: the layers.
        tracker: told of every moment and of every saved tensor.
        index: which module of a layer, from 0 to M - 1.
        read: its input.
        beside_forward: bytes allocated beside the module in its forward pass, its input left out, shape ``(r,)``.
        beside_backward: bytes allocated beside it in its backward pass, the gradient of its output included, shape
            ``(r,)``.
        shares_gradient: whether the gradient of its output is that of the residual too, and so is not freed behind it.
        product_runs: whether its product runs at all, shape ``(r,)`` or one answer for all layers: recomputing a layer
            ends with the last tensor that is saved.
        update_runs: whether B, scaling and sum run, shape ``(r,)`` or one answer for all layers.
    """

    def __init__(
        self,
        layers: Layers,
        tracker: PeakTracker,
        index: int,
        read: ModuleInput,
        *,
        beside_forward: Bytes,
        beside_backward: Bytes,
        shares_gradient: bool,
        product_runs: Flags | bool,
        update_runs: Flags | bool,
    ) -> None:
        modules = layers.modules
        self.layers, self.tracker, self.index, self.read = layers, tracker, index, read
        self.beside_forward, self.beside_backward = beside_forward, beside_backward
        self.shares_gradient, self.product_runs, self.update_runs = shares_gradient, product_runs, update_runs
        self.adapted: Flags = layers.adapted[:, index]
        self.holds_input: Flags = modules.holds_input[:, index] & read.has_gradient
        self.saves_input: Flags = modules.saves_input[:, index] & read.has_gradient
        if layers.step.recomputes:
            # What int8 holds of a recomputed layer was counted when the layer ran first.
            self.saves_input = self.saves_input & ~self.holds_input
        self.dequantized, self.dequantizing = modules.dequantized[:, index], modules.dequantizing[:, index]
        self.clones_output = modules.clones_output[:, index]
        self.values_in, self.values_out = layers.t * read.width, layers.t * modules.rows[:, index]
        self.value, self.adapting = layers.value_bytes(index), layers.step.adapting
        self.result = self.value * self.values_out
        self.later_gradients = modules.gradient_bytes[:, index + 1 :].sum(-1)
        # Products of a float32 stream read a copy in the compute type, and their result is cast back.
        self.converts = self.value != layers.c
        self.cuda, self.autocast = layers.c < FLOAT32, layers.c < FLOAT32 and self.adapting == layers.c
        self.dropout, self.pooled = layers.step.dropout, layers.step.adapter.pooled
        self.has_magnitudes = layers.step.adapter.has_magnitudes

    def follow(self) -> None:
        """Tells the tracker of every moment of the module, and of what it saves."""
        self._product()
        self._save_input()
        beside = self.beside_forward + self._unsaved_input() + self.result + self._cast_input()
        # What dropout made is allocated while A casts and reads it.
        dropped = self._read_bytes() * self.values_in * (self.autocast and self.dropout)
        self.tracker.observe(beside + dropped, when=self.adapted & self.product_runs)
        middle = self._save_middle()
        if self.has_magnitudes:
            self._row_norms(beside)
        else:
            # B's output and its scaled copy; pooled, the scaled values, their repetition and the sum.
            each = self.adapting + max(self.adapting, self.value)
            values = each * self.values_out + (self.adapting * (self.values_out // 2) if self.pooled else 0)
            self.tracker.observe(beside + values, when=self.adapted & self.update_runs)
        self._backward(middle)

    def _read_bytes(self) -> Bytes | int:
        """Returns the bytes of a value that the adapter's dropout reads and makes."""
        if not self.autocast:
            return self.adapting
        return np.where(self.clones_output | self.holds_input, self.value, FLOAT32)

    def _cast_input(self) -> Bytes | int:
        """Returns the bytes of the input's copy in float32, where that is not what A saves."""
        if not self.cuda:
            return 0
        if not self.autocast:
            return np.asarray(FLOAT32 * self.values_in * (self.dropout or self.pooled))
        return np.asarray(FLOAT32 * self.values_in * (self.adapted & ~(self.clones_output | self.holds_input)))

    def _unsaved_input(self) -> Bytes:
        """Returns the bytes of the input where autograd has not saved it."""
        return np.asarray(self.value * self.values_in * ~self.read.saved)

    def _product(self) -> None:
        beside = self.beside_forward + self._unsaved_input()
        # 4-bit kernels take a weight's scales as they are; HQQ makes copies on the way to the weight.
        weight = np.where(self.clones_output, self.dequantized, self.dequantizing)
        copied = self.layers.c * self.values_in if self.converts else 0
        made = self.layers.c * self.values_out
        self.tracker.observe(beside + copied, weight=weight, when=self.product_runs)
        self.tracker.observe(beside + copied + made, weight=self.dequantized, when=self.product_runs)
        if self.converts:
            self.tracker.observe(beside + copied + made + self.result, when=self.product_runs)
        cloned = self.clones_output & self.adapted & self.product_runs
        self.tracker.observe(beside + 2 * self.result, when=cloned)

    def _save_input(self) -> None:
        layers = self.layers
        shares = layers.shares_input(self.index)
        copy = self.saves_input & self.converts  # in the compute type, for this product alone
        self.tracker.save_for_backward(layers.c * self.values_in * copy)
        saves = (self.saves_input & ~copy) | (self.adapted & shares)
        self.plain = self.value * self.values_in * (saves & ~self.read.saved)
        self.tracker.save_for_backward(self.plain)
        self.read.saved = self.read.saved | saves
        self.read.held_to_end = self.read.held_to_end | self.holds_input
        self.own = layers.own_input(self.read.width, self.read.has_gradient) * (self.adapted & ~shares)
        self.tracker.save_for_backward(self.own)

    def _save_middle(self) -> Bytes:
        """Saves what lies between A and B, and what DoRA saves behind them; returns its bytes."""
        layers = self.layers
        middle = self.adapting * layers.t * (2 if self.pooled else 1) * layers.modules.ranks[:, self.index]
        if self.has_magnitudes:
            each = (FLOAT32 + layers.c) * self.values_out + 3 * FLOAT32 * layers.modules.rows[:, self.index]
            middle = middle + each * self.adapted
        self.tracker.save_for_backward(middle)
        return middle

    def _row_norms(self, beside: Bytes) -> None:
        """Observes DoRA's norms of the weight's rows.

        PEFT sends an identity matrix through A and B, then makes the weight, the update, and their sum, in float32.
        """
        modules = self.layers.modules
        columns, rows = modules.columns[:, self.index], modules.rows[:, self.index]
        largest = FLOAT32 * columns * (columns + modules.ranks[:, self.index]) + 4 * FLOAT32 * rows * columns
        not_yet = (FLOAT32 + self.layers.c) * self.values_out
        self.tracker.observe(beside + largest, freed=not_yet, when=self.adapted & self.product_runs)

    def _backward(self, middle: Bytes) -> None:
        layers, has_gradient = self.layers, self.read.has_gradient
        # Where PEFT casts the sum and not the update, the product's gradient is a cast of its own.
        cast = self.value != self.adapting
        apart = layers.modules.saves_tensors[:, self.index] & self.adapted & (cast and self.shares_gradient)
        waiting, gradients = self.beside_backward + self.result * apart, self.later_gradients
        scaled = (2 if cast else 1) * self.adapting * self.values_out
        self.tracker.observe(waiting + scaled, gradients=gradients, when=self.adapted)
        gradients = gradients + layers.modules.gradient_bytes[:, self.index]
        through_adapter = self.adapted & has_gradient
        self._input_gradient(waiting, gradients, middle, through_adapter)
        freed = middle + self.own + self.plain * ~self.saves_input
        of_input = self.value * self.values_in
        waiting = waiting + of_input * through_adapter
        inner = layers.c * self.values_in
        product = waiting + (layers.c * self.values_out if self.converts else 0)
        if self.converts:
            self.tracker.observe(waiting + inner + of_input, freed=freed, gradients=gradients, when=has_gradient)
        self.tracker.observe(product, weight=self.dequantizing, freed=freed, gradients=gradients, when=has_gradient)
        self.tracker.observe(
            product + inner, weight=self.dequantized, freed=freed, gradients=gradients, when=has_gradient
        )
        self.tracker.observe(waiting + 2 * of_input, freed=freed, gradients=gradients, when=through_adapter)

    def _input_gradient(self, waiting: Bytes, gradients: Bytes, middle: Bytes, when: Flags) -> None:
        """Observes the gradient of A's input on its way back through dropout and cast."""
        one = self.adapting * self.values_in // (2 if self.pooled else 1)
        self.tracker.observe(waiting + one, freed=middle, gradients=gradients, when=when)
        if self.autocast and self.converts:
            cast_back = one + self.value * self.values_in
            self.tracker.observe(waiting + cast_back, freed=middle, gradients=gradients, when=when)
        if self.dropout:
            self.tracker.observe(waiting + 2 * one, freed=middle + one, gradients=gradients, when=when)
        if self.pooled:
            self.tracker.observe(waiting + 3 * one, freed=middle + self.own, gradients=gradients, when=when)
