"""What stays in memory over a whole fine-tune, term by term, for many configurations of one model at once."""

from dataclasses import dataclass
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
    """One matrix in one format.

    Args:
        values: bytes of the weights themselves.
        metadata: bytes of scales, zeros and tables.
        held: bytes of the weight in the compute type during a product, 0 where it is stored so.
        building: most bytes that live while that weight is made, itself included.
        keeps_input: whether the product keeps its input for the backward pass.
        leaks: whether it keeps it until the step ends, past its own backward pass and past checkpointing.
        saves: whether autograd keeps anything for it: HQQ its input, bfloat16 the weight that is stored anyway.
        cloned: whether PEFT clones the product, as it does with those of 4 bits.
        tensors: count of what is stored.
    """

    values: int
    metadata: int
    held: int
    building: int
    keeps_input: bool
    leaks: bool
    saves: bool
    cloned: bool
    tensors: int


@dataclass(frozen=True)
class Resident:
    """Bytes that live through training, shape ``(n,)`` unless said otherwise.

    Args:
        weights: values of linear weights, and biases.
        metadata: of quantisation.
        embeddings: embeddings and head, the same for all.
        norms: the same for all.
        adapters: parameters of the adapters of each distinct layer, shape ``(r,)``.
        largest_adapter: parameters of the largest adapter tensor.
        tensors: count of stored tensors and adapters.
        modules: formats and ranks of distinct layers, for the activations.
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
    """Returns what configurations with these methods keep.

    Args:
        shapes: of the (pruned) model, shared by all.
        distinct: their layers.
        methods: formats and the form of the adapters.
        compute: bytes of a compute value.

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
            adapters,
            held=found["held"],
            building=found["building"],
            **{name: found[name] > 0 for name in ("keeps_input", "leaks", "saves", "cloned")},
        ),
    )


def stored(layout: AbstractLayout, rows: int, columns: int, compute: int) -> Stored:
    """Returns the bytes of one matrix and of its products.

    What a product makes follows from bitsandbytes 0.50 and hqq 0.2.8: HQQ unpacks its values, then takes zeros from
    them and multiplies by scales, so that three copies live at once; double quantisation makes its scales anew.

    Args:
        layout: of the format.
        rows: output features.
        columns: input features.
        compute: bytes of a compute value.
    """
    whole, copy = layout.stored_bytes(rows, columns, compute), compute * rows * columns
    match layout:
        case Bfloat16Layout():
            converted = copy if compute == FLOAT32 else 0
            return Stored(
                whole, 0, converted, converted, keeps_input=False, leaks=False, saves=True, cloned=False, tensors=1
            )
        case RowScaledLayout():
            values = rows * columns
            return Stored(
                values, whole - values, copy, copy, keeps_input=True, leaks=True, saves=False, cloned=False, tensors=2
            )
        case BlockScaledLayout(double=double):
            values = -(-rows * columns // 2)
            building = copy + (2 * FLOAT32 * -(-rows * columns // BLOCK) if double else 0)
            tensors = 6 if double else 3
            return Stored(
                values,
                whole - values,
                copy,
                building,
                keeps_input=False,
                leaks=False,
                saves=False,
                cloned=True,
                tensors=tensors,
            )
        case GroupedLayout(bits=bits, group=group):
            per_word, word = HQQ_PER_WORD[bits]
            words = -(-(rows * columns // group) // per_word) * group
            building = compute * words * per_word + 2 * copy
            return Stored(
                words * word,
                whole - words * word,
                copy,
                building,
                keeps_input=True,
                leaks=False,
                saves=True,
                cloned=False,
                tensors=3,
            )
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
