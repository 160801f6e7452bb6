"""What stays in memory over a whole fine-tune, term by term, for many configurations of one model at once."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from perfmodel.memory.distinct_layers import DistinctLayers
from perfmodel.memory.saved_activations import FLOAT32, Bytes, Modules
from perfmodel.model.architecture import Architecture
from perfmodel.model.formats import (
    BLOCK,
    FORMATS,
    HQQ_PER_WORD,
    AbstractLayout,
    Bfloat16Layout,
    BlockScaledLayout,
    GroupedLayout,
    RowScaledLayout,
)
from perfmodel.space.methods import ADAPTERS, WIDTHS, Methods


@dataclass(frozen=True)
class Stored:
    """One weight matrix in one format: its bytes, and what a product with it allocates and saves.

    Args:
        values: bytes of the weights themselves, above 0.
        metadata: bytes of scales, zeros and tables, 0 or more.
        dequantized: bytes of the weight in the compute type during a product, 0 where it is stored so.
        dequantizing: most bytes allocated while that weight is made, itself included, 0 or more.
        tensors: number of stored tensors, 1 or more.
        saves_input: whether the product saves its input for the backward pass.
        holds_input: whether it holds its input until the step ends, past its own backward pass and past checkpointing.
        saves_tensors: whether autograd saves anything for it: HQQ its input, bfloat16 the weight that is stored anyway.
        clones_output: whether PEFT clones the product, as it does with those of 4 bits.
    """

    values: int
    metadata: int
    dequantized: int
    dequantizing: int
    tensors: int
    saves_input: bool = False
    holds_input: bool = False
    saves_tensors: bool = False
    clones_output: bool = False


@dataclass(frozen=True)
class Resident:
    """Bytes that stay allocated through training, for n configurations of r distinct layers.

    Args:
        weights: bytes of the linear weights' values, and of biases, shape ``(n,)``.
        metadata: bytes of the formats' scales, zeros and tables, shape ``(n,)``.
        embeddings: bytes of embeddings and head, the same for all configurations.
        norms: bytes of the norms' parameters, the same for all configurations.
        adapters: number of parameters of the adapters of each distinct layer, shape ``(r,)``.
        largest_adapter: number of parameters of each configuration's largest adapter tensor, shape ``(n,)``.
        tensors: number of stored tensors and adapters, shape ``(n,)``.
        modules: formats and ranks of the distinct layers' modules, for the activations.
    """

    weights: Bytes
    metadata: Bytes
    embeddings: int
    norms: int
    adapters: Bytes
    largest_adapter: Bytes
    tensors: Bytes
    modules: Modules


def resident(shapes: Architecture, distinct: DistinctLayers, methods: Methods, compute: int) -> Resident:
    """Returns what configurations with these methods keep allocated.

    Args:
        shapes: the (pruned) model, shared by all configurations.
        distinct: the distinct layers of the configurations.
        methods: formats of the widths and form of the adapters, shared by all configurations.
        compute: bytes of a compute value: 4 on a CPU, 2 on CUDA.

    Raises:
        InvalidConfigurationError: when a format does not fit a shape.
    """
    bits, ranks, number = distinct.bits, distinct.ranks, distinct.number
    tables = stored_tables(shapes, methods, tuple(np.unique(bits).tolist()), compute)
    places = distinct.layer[:, None], np.arange(bits.shape[1])[None, :], bits
    found = {name: table[places] for name, table in tables.items()}
    sides = np.array([list(shapes.module_shapes(layer).values()) for layer in range(len(shapes.layers))])
    rows, columns = (sides[distinct.layer, :, side].astype(np.int64) for side in (0, 1))
    adapters = ADAPTERS[methods.adapter].parameters(rows, columns, ranks)
    tensors = found["tensors"] + 2 * (ranks > 0)
    return Resident(
        weights=found["values"].sum(1)[number].sum(1) + compute * shapes.bias_parameters,
        metadata=found["metadata"].sum(1)[number].sum(1),
        embeddings=compute * shapes.embedding_parameters,
        norms=compute * shapes.norm_parameters,
        adapters=adapters.sum(1),
        largest_adapter=(ranks * np.maximum(rows, columns)).max(1)[number].max(1),
        tensors=tensors.sum(1)[number].sum(1),
        modules=Modules(
            ranks,
            rows,
            columns,
            FLOAT32 * adapters,
            dequantized=found["dequantized"],
            dequantizing=found["dequantizing"],
            **{name: found[name] > 0 for name in ("saves_input", "holds_input", "saves_tensors", "clones_output")},
        ),
    )


def stored(layout: AbstractLayout, rows: int, columns: int, compute: int) -> Stored:
    """Returns the bytes of one matrix and of its products.

    What a product makes follows from bitsandbytes 0.50 and hqq 0.2.8: HQQ unpacks its values, then takes zeros from
    them and multiplies by scales, so that three copies are
    allocated at once; double quantisation makes its scales anew.

    Args:
        layout: how the format lies in memory.
        rows: output features, 1 or more.
        columns: input features, 1 or more.
        compute: bytes of a compute value: 4 on a CPU, 2 on CUDA.
    """
    whole, copy = layout.stored_bytes(rows, columns, compute), compute * rows * columns
    match layout:
        case Bfloat16Layout():
            converted = copy if compute == FLOAT32 else 0
            return Stored(whole, 0, converted, converted, tensors=1, saves_tensors=True)
        case RowScaledLayout():
            values = rows * columns
            return Stored(values, whole - values, copy, copy, tensors=2, saves_input=True, holds_input=True)
        case BlockScaledLayout(double=double):
            values = -(-rows * columns // 2)
            dequantizing = copy + (2 * FLOAT32 * -(-rows * columns // BLOCK) if double else 0)
            tensors = 6 if double else 3
            return Stored(values, whole - values, copy, dequantizing, tensors, clones_output=True)
        case GroupedLayout(bits=bits, group=group):
            per_word, word = HQQ_PER_WORD[bits]
            words = -(-(rows * columns // group) // per_word) * group
            dequantizing = compute * words * per_word + 2 * copy
            values = words * word
            return Stored(values, whole - values, copy, dequantizing, 3, saves_input=True, saves_tensors=True)
    raise TypeError(f"no account is written for {layout!r}")


@lru_cache(maxsize=64)
def stored_tables(shapes: Architecture, methods: Methods, widths: tuple[int, ...], compute: int) -> dict[str, Bytes]:
    """Returns each field of ``Stored`` by layer, module and bits, shape ``(L, M, 17)`` each.

    Args:
        shapes: the (pruned) model.
        methods: decides the format of each width.
        widths: bits to fill in, of ``WIDTHS``; others stay 0.
        compute: bytes of a compute value, 2 or 4.

    Raises:
        InvalidConfigurationError: when a format does not fit a shape.
    """
    names = tuple(Stored.__dataclass_fields__)
    table = np.zeros((len(names), len(shapes.layers), len(shapes.modules), max(WIDTHS) + 1), dtype=np.int64)
    cells: dict[tuple[int, int, int], list[int]] = {}
    for layer in range(len(shapes.layers)):
        for place, (rows, columns) in enumerate(shapes.module_shapes(layer).values()):
            for bits in widths:
                key = rows, columns, bits
                if key not in cells:
                    format_ = FORMATS[methods.format_of(bits)]
                    format_.check_shape(rows, columns)
                    account = stored(format_.layout, rows, columns, compute)
                    cells[key] = [int(getattr(account, name)) for name in names]
                table[:, layer, place, bits] = cells[key]
    return dict(zip(names, table, strict=True))


def all_trained(kept: Resident, compute: int) -> Resident:
    """Returns the account of a model without adapters whose every weight has a gradient, and so saves its input.

    Args:
        kept: what the model keeps, with no adapters.
        compute: bytes of a compute value, 2 or 4.
    """
    modules = kept.modules
    every = np.ones_like(modules.saves_input)
    whole = compute * modules.rows * modules.columns
    return replace(kept, modules=replace(modules, saves_input=every, gradient_bytes=whole))


def inputs_kept(kept: Resident) -> Resident:
    """Returns the account of a model whose 4-bit products save their input, which their gradient does not need.

    Args:
        kept: what the model keeps.
    """
    modules = kept.modules
    return replace(kept, modules=replace(modules, saves_input=modules.saves_input | modules.clones_output))
