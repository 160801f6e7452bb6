"""The distinct layers of many configurations: most layers are alike, so each distinct one is worked out once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from perfmodel.model.architecture import Architecture
from perfmodel.space.arrays import by_module
from perfmodel.space.space import Configuration

LARGEST_CODE = 2**62


@dataclass(frozen=True)
class DistinctLayers:
    """Layers that differ in shape, in bits, in ranks, or in whether their input has a gradient.

    Args:
        number: which distinct layer each layer of each configuration is, from 0 to r - 1, shape ``(n, L)``.
        layer: index of a layer of the model that has the shape of each distinct one, shape ``(r,)``.
        bits: bits of each module's weight, shape ``(r, M)``.
        ranks: rank of each module's adapter, 0 for none, shape ``(r, M)``.
        input_grad: whether the layer's input has a gradient, shape ``(r,)``.
    """

    number: NDArray[np.intp]
    layer: NDArray[np.intp]
    bits: NDArray[np.int64]
    ranks: NDArray[np.int64]
    input_grad: NDArray[np.bool_]


def distinct_layers(
    shapes: Architecture, configurations: Sequence[Configuration], *, recomputes: bool
) -> DistinctLayers:
    """Returns the distinct layers of configurations that share their shapes.

    Args:
        shapes: the (pruned) model, with L layers of M modules.
        configurations: n configurations; all their bits have as many units, and so have their ranks.
        recomputes: whether activations are recomputed; then transformers gives the embeddings a gradient, and so every
            layer's input.

    Raises:
        InvalidConfigurationError: when bits or ranks have as many units as neither layers nor modules.
    """
    bits, ranks = (_by_layer(shapes, [getattr(each, name) for each in configurations]) for name in ("bits", "ranks"))
    before = np.logical_or.accumulate((ranks > 0).any(-1), axis=1)
    input_grad = np.full(before.shape, recomputes)
    input_grad[:, 1:] |= before[:, :-1]
    known: dict[object, int] = {}
    shape = np.array([known.setdefault(each, len(known)) for each in shapes.layers])
    columns = [input_grad, *np.moveaxis(bits, -1, 0), *np.moveaxis(ranks, -1, 0)]
    place, number = _distinct(np.broadcast_to(shape, input_grad.shape).ravel(), [each.ravel() for each in columns])
    return DistinctLayers(
        number=number.reshape(input_grad.shape),
        layer=place % len(shapes.layers),
        bits=_by_module(bits, place, len(shapes.modules)),
        ranks=_by_module(ranks, place, len(shapes.modules)),
        input_grad=input_grad.ravel()[place],
    )


def _by_layer(shapes: Architecture, values: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Returns the values of each layer, shape ``(n, L, 1)`` where units are layers, else ``(n, L, M)``."""
    layers, modules, units = len(shapes.layers), len(shapes.modules), len(values[0])
    if units not in (layers, layers * modules):
        by_module((0,) * units, layers, modules)  # raises
    flat = np.fromiter(chain.from_iterable(values), dtype=np.int64, count=len(values) * units)
    return flat.reshape(len(values), layers, -1)


def _by_module(values: NDArray[np.int64], place: NDArray[np.intp], modules: int) -> NDArray[np.int64]:
    """Returns the values at these places, shape ``(r, M)``."""
    chosen = values.reshape(-1, values.shape[-1])[place]
    return np.asfortranarray(np.broadcast_to(chosen, (len(place), modules)))  # one module's values are read at once


def _distinct(
    code: NDArray[np.int64], columns: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns a place of each distinct combination, and the number of the one at every place."""
    size = int(code.max()) + 1
    for column in columns:
        values = int(column.max()) + 1
        if size * values > LARGEST_CODE:
            place, code = _numbered(code, size)
            size = len(place)
        code, size = code * values + column, size * values
    return _numbered(code, size)


def _numbered(code: NDArray[np.int64], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    if size > 8 * code.size:
        _, first, number = np.unique(code, return_index=True, return_inverse=True)
        return first, number
    # Few codes: a table of them all is quicker than sorting.
    table = np.full(size, -1)
    table[code] = np.arange(code.size)
    seen = np.flatnonzero(table >= 0)
    place = table[seen]
    table[seen] = np.arange(seen.size)
    return place, table[code]
