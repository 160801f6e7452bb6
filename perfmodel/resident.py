"""What stays in memory over a whole fine-tune, and what each format's products need, for many configurations at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from perfmodel.architecture import FAMILIES, Architecture
from perfmodel.formats import (
    BLOCK,
    FORMATS,
    HQQ_PER_WORD,
    AbstractLayout,
    Bfloat16Layout,
    BlockScaledLayout,
    GroupedLayout,
    RowScaledLayout,
)
from perfmodel.layer_memory import Bytes, Modules
from perfmodel.methods import WIDTHS, Methods, adapter_parameters
from perfmodel.space import Configuration, by_module

FLOAT32 = 4


@dataclass(frozen=True)
class Resident:
    """Bytes that live through training, shape ``(n,)``; adapters as parameters, shape ``(n, L)``.

    Args:
        weights: values of linear weights, and biases.
        metadata: scales, zeros and tables.
        embeddings: and the head, the same for all.
        norms: the same for all.
        adapters: parameters of each layer's adapters.
        largest_adapter: parameters of the largest adapter tensor.
        tensors: count of tensors of all these.
    """

    weights: Bytes
    metadata: Bytes
    embeddings: int
    norms: int
    adapters: Bytes
    largest_adapter: Bytes
    tensors: Bytes


@dataclass(frozen=True)
class _Stored:
    """One matrix in one format."""

    values: int
    metadata: int
    held: int
    building: int
    keeps_input: bool
    leaks: bool
    tensors: int


def _stored(layout: AbstractLayout, rows: int, columns: int, compute: int) -> _Stored:
    whole, copy = layout.stored_bytes(rows, columns, compute), compute * rows * columns
    match layout:
        case Bfloat16Layout():
            copied = 0 if compute == 2 else copy
            return _Stored(whole, 0, copied, copied, False, False, 1)
        case RowScaledLayout():
            return _Stored(rows * columns, whole - rows * columns, copy, copy, True, True, 2)
        case BlockScaledLayout(double=double):
            values, blocks = -(-rows * columns // 2), -(-rows * columns // BLOCK)
            scales = 2 * FLOAT32 * blocks if double else 0
            return _Stored(values, whole - values, copy, copy + scales, False, False, 6 if double else 3)
        case GroupedLayout(bits=bits, group=group):
            groups, (per, word) = rows * columns // group, HQQ_PER_WORD[bits]
            values = -(-groups // per) * group * word
            unpacked = compute * -(-groups // per) * per * group
            return _Stored(values, whole - values, copy, unpacked + 2 * copy, True, False, 3)
    raise TypeError(f"no account is written for {layout!r}")


def _units(shapes: Architecture, configurations: Sequence[Configuration], name: str) -> Bytes:
    layers, modules = len(shapes.layers), len(shapes.modules)
    return np.array([by_module(getattr(each, name), layers, modules) for each in configurations], dtype=np.int64)


def _table(shapes: Architecture, methods: Methods, used: NDArray[np.int64], compute: int, field: str) -> Bytes:
    cells = {}
    table = np.zeros((len(shapes.layers), len(shapes.modules), max(WIDTHS) + 1), dtype=np.int64)
    for layer in range(len(shapes.layers)):
        for place, (rows, columns) in enumerate(shapes.module_shapes(layer).values()):
            for bits in used:
                key = rows, columns, int(bits)
                if key not in cells:
                    format_ = FORMATS[methods.format_of(int(bits))]
                    format_.check_shape(rows, columns)
                    cells[key] = getattr(_stored(format_.layout, rows, columns, compute), field)
                table[layer, place, bits] = cells[key]
    return table


def _looked_up(shapes, configurations, compute, field):
    bits = _units(shapes, configurations, "bits")
    table = _table(shapes, configurations[0].methods, np.unique(bits), compute, field)
    layers, modules = table.shape[:2]
    return table[np.arange(layers)[None, :, None], np.arange(modules)[None, None, :], bits]


def modules_of(shapes, configurations, compute) -> Modules:
    get = lambda f: _looked_up(shapes, configurations, compute, f)
    return Modules(_units(shapes, configurations, "ranks"), get("keeps_input") > 0, get("held"), get("building"), get("leaks") > 0)


def resident(shapes, configurations, compute) -> Resident:
    get = lambda f: _looked_up(shapes, configurations, compute, f).sum((1, 2))
    ranks = _units(shapes, configurations, "ranks")
    sides = np.array([list(shapes.module_shapes(l).values()) for l in range(len(shapes.layers))], dtype=np.int64)
    rows, columns = sides[..., 0], sides[..., 1]
    dora = configurations[0].methods.adapter == "dora"
    adapters = (ranks * (rows + columns) + (ranks > 0) * rows * dora).sum(-1)
    largest = (ranks * np.maximum(rows, columns)).max((1, 2))
    head_bias = shapes.vocabulary if FAMILIES[shapes.family].head_bias else 0
    emb = shapes.vocabulary * shapes.hidden * (1 if shapes.tied_embeddings else 2) + head_bias
    return Resident(get("values") + compute * shapes.bias_parameters, get("metadata"), compute * emb, compute * shapes.norm_parameters, adapters, largest, get("tensors"))

