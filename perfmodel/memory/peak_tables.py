"""The closed form of a step's peak for index vectors of one space, by table look-up: a microsecond each.

    n   configurations
    L   layers, which are the units
    f   whether the input of a layer has a gradient

What a layer adds at each moment of a step follows from its shape, bits, rank and f alone, so one row of a table holds
it. Of a configuration's rows, summed over all layers, and p summed over the layers up to one,

    peak = fixed + max( saved + loss,  max over active layers (p + within) + behind,  update + largest )

    fixed    bytes of weights, adapters and optimiser
    saved    bytes that a layer saves from its forward to its backward pass
    behind   bytes that a layer leaves behind its backward pass: gradients, and what int8 products hold to the end
    p        saved less behind
    within   bytes of a layer's own highest moment; far below 0 where it has no backward pass
    update   behind, and what the optimiser makes of all gradients; largest: what it makes of one tensor, at most

The numbers are those of ``perfmodel.memory.step``, taken from accounts of one layer each.
"""

from dataclasses import replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError
from perfmodel.memory.cuda_allocator import CUBLAS_WORKSPACE, ROUNDING, TENSORS_OF_A_LAYER
from perfmodel.memory.distinct_layers import DistinctLayers
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.state_bytes import ADAPTER_BYTES, OPTIMIZER_BYTES
from perfmodel.memory.step import Moment, StepAccount
from perfmodel.model.architecture import Architecture, LayerShape
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Space
from perfmodel.traces.trace import DeviceClass

_PASSED, _WITHIN, _LARGEST, _SUMMED = 0, 1, 2, slice(3, 7)
"""Columns of the table; summed are saved, behind, update and fixed."""

_CHUNK: Final = 512

_NEVER: Final = -1e18
"""Bytes of a moment that does not happen. Finite, so that 0 times it is 0."""


@final
class PeakTables:
    """The allocator's peak of configurations by layer.

    Args:
        space: the space of the index vectors; its units are layers.
        architecture: the unpruned base model, with L layers.
        recipe: of every configuration; its checkpointing, dropout and optimiser are read.
        device_class: ``cpu`` or ``cuda``.
        load: size of the largest batch.

    Raises:
        InvalidConfigurationError: when the units are not layers, or a format does not fit a shape.
    """

    def __init__(
        self, space: Space, architecture: Architecture, recipe: Recipe, device_class: DeviceClass, load: BatchLoad
    ) -> None:
        self._layers = len(architecture.layers)
        if space.units != self._layers:
            raise InvalidConfigurationError(
                f"the space has {space.units} units",
                f"the model has {self._layers} layers",
                "tables of the peak are by layer",
            )
        self._adapts = np.asarray(space.ranks) > 0
        self._always = recipe.gradient_checkpointing  # then transformers gives the embeddings a gradient
        pruned = [architecture.pruned(rate) for rate in space.pruning_rates]
        kinds: dict[LayerShape, int] = {}
        place = [[kinds.setdefault(layer, len(kinds)) for layer in shapes.layers] for shapes in pruned]
        pooled = replace(architecture, layers=tuple(kinds))
        account = _account_of_each_layer(space, pooled, recipe, device_class, load)
        self._table, self._loss = _rows(account)
        self._starts = np.array(place) * (len(self._table) // len(kinds))
        self._base = np.array([_base(shapes, account) for shapes in pruned])
        self._ending = float(account.kept_logits)
        self._strides = np.repeat([2 * len(space.ranks), 2], self._layers)[None]
        self._upto = np.append(np.tri(self._layers), np.ones((1, self._layers)), axis=0)

    def __call__(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns the allocator's peak in bytes, shape ``(n,)``.

        Args:
            vectors: index vectors of the space, which are not checked again, shape ``(n, 1 + 2 * L)``.
        """
        if len(vectors) == 1:
            return np.array([self._peak(vectors[0])])
        if len(vectors) <= _CHUNK:
            return self._peaks(vectors)
        parts = [self._peaks(vectors[start : start + _CHUNK]) for start in range(0, len(vectors), _CHUNK)]
        return np.concatenate(parts)

    def _peak(self, vector: NDArray[np.int64]) -> float:
        """Returns what ``_peaks`` does, for one: sums in one product, and plain numbers behind it."""
        layers = self._layers
        chosen = vector[1:] * self._strides[0]
        rows = chosen[:layers] + chosen[layers:]
        rows += self._starts[vector[0]]
        if self._always:
            rows += 1
        else:
            rows[1:] += np.logical_or.accumulate(self._adapts.take(vector[1 + layers : -1]))
        table = self._table.take(rows, axis=0)
        sums = self._upto @ table
        inside = float((sums[:-1, _PASSED] + table[:, _WITHIN]).max())
        saved, behind, update, fixed = sums[-1, _SUMMED].tolist()
        at_update = update + float(table[:, _LARGEST].max()) + self._ending
        return float(max(saved + self._loss, inside + behind, at_update) + fixed + self._base[vector[0]])

    def _peaks(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        layers = self._layers
        rows = self._starts.take(vectors[:, 0], axis=0)
        chosen = vectors[:, 1:] * self._strides
        rows += chosen[:, :layers]
        rows += chosen[:, layers:]
        if self._always:
            rows += 1
        else:
            adapted = self._adapts.take(vectors[:, 1 + layers : -1])
            rows[:, 1:] += np.logical_or.accumulate(adapted, axis=1)
        table = self._table.take(rows, axis=0)
        inside = table[:, :, _PASSED].cumsum(axis=1)
        inside += table[:, :, _WITHIN]
        saved, behind, update, fixed = table[:, :, _SUMMED].sum(axis=1).T
        peak = np.maximum(saved + self._loss, inside.max(axis=1) + behind)
        np.maximum(peak, update + table[:, :, _LARGEST].max(axis=1) + self._ending, out=peak)
        return np.asarray(peak + fixed + self._base.take(vectors[:, 0]))


def _account_of_each_layer(
    space: Space, shapes: Architecture, recipe: Recipe, device_class: DeviceClass, load: BatchLoad
) -> StepAccount:
    """Returns an account in which every layer of every choice is a configuration of its own, shape ``(rows,)``."""
    bits, ranks = (np.asarray(each, dtype=np.int64) for each in (space.bits, space.ranks))
    grid = np.meshgrid(np.arange(len(shapes.layers)), bits, ranks, np.array([False, True]), indexing="ij")
    layer, width, rank, flow = (each.ravel() for each in grid)
    of_bits, of_ranks = (
        np.asfortranarray(np.repeat(each[:, None], len(shapes.modules), axis=1)) for each in (width, rank)
    )
    distinct = DistinctLayers(np.arange(len(layer))[:, None], layer, of_bits, of_ranks, flow)
    return StepAccount(shapes, distinct, space.methods, recipe, load, device_class)


def _rows(account: StepAccount) -> tuple[NDArray[np.float64], float]:
    """Returns the table, and what the loss takes beside what is saved."""
    recipe, cuda = account.recipe, account.device_class == "cuda"
    resident = account.resident
    saved = account.saved.sum(1) + account.saved_attention.sum(1)
    gradients = account.gradients.sum(1)
    behind = gradients + account.held_to_end.sum(1)
    within = np.where(account.layers.active, _total(account.backward(), saved) - saved, _NEVER)
    update = behind + (gradients if recipe.optimizer == "adamw" and cuda else 0)
    largest = _total(account.update(), saved) - update - account.kept_logits
    fixed = resident.weights - _biases(account.shapes, account) + resident.metadata + gradients
    fixed = fixed + OPTIMIZER_BYTES[recipe.optimizer] * gradients // ADAPTER_BYTES
    if cuda:
        fixed = fixed + ROUNDING // 2 * (4 * resident.tensors + TENSORS_OF_A_LAYER * account.layers.active)
    table = np.column_stack([saved - behind, within, largest, saved, behind, update, fixed]).astype(np.float64)
    return table, float(max((_total(each, saved) - saved)[0] for each in account.loss()))


def _biases(shapes: Architecture, account: StepAccount) -> int:
    return account.compute * shapes.bias_parameters


def _base(shapes: Architecture, account: StepAccount) -> float:
    """Returns the bytes that no choice of a layer changes."""
    workspace = CUBLAS_WORKSPACE if account.device_class == "cuda" else 0
    norms = account.compute * shapes.norm_parameters
    return float(_biases(shapes, account) + account.resident.embeddings + norms + workspace)


def _total(moment: Moment, like: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(sum(np.broadcast_to(term, len(like)) for term in moment), dtype=np.int64)
