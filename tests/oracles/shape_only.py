"""Packed tensors of a linear weight that have shapes and no values, for every format."""

import torch
from torch import Tensor

from perfmodel.model.formats import (
    BLOCK,
    HQQ_PER_WORD,
    STATISTICS_BLOCK,
    AbstractLayout,
    Bfloat16Layout,
    BlockScaledLayout,
    Format,
    GroupedLayout,
    RowScaledLayout,
)


def shape_only_tensors(
    format_: Format, shape: tuple[int, int], compute_dtype: torch.dtype, *, bias: bool
) -> dict[str, Tensor]:
    """Returns what ``AbstractQuantizer.pack`` would return of such a weight, on the meta device.

    Args:
        format_: how it is stored.
        shape: ``(rows, columns)``.
        compute_dtype: of the bias, and of HQQ's scales and zeros.
        bias: whether there is one.
    """
    made = {
        name: torch.empty(size, dtype=dtype, device="meta")
        for name, (size, dtype) in _sizes(format_.layout, shape, compute_dtype).items()
    }
    return made | ({"bias": torch.empty(shape[0], dtype=compute_dtype, device="meta")} if bias else {})


def _sizes(
    layout: AbstractLayout, shape: tuple[int, int], compute_dtype: torch.dtype
) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    rows, columns = shape
    match layout:
        case Bfloat16Layout():
            return {"weight": (shape, torch.bfloat16)}
        case RowScaledLayout():
            return {"weight": (shape, torch.int8), "scale": ((rows,), torch.float32)}
        case BlockScaledLayout(double=double):
            blocks = -(-rows * columns // BLOCK)
            plain = {
                "weight": ((-(-rows * columns // 2), 1), torch.uint8),
                "levels": ((16,), torch.float32),
                "scale": ((blocks,), torch.uint8 if double else torch.float32),
            }
            nested = {
                "scale_mean": ((), torch.float32),
                "scale_levels": ((256,), torch.float32),
                "scale_scale": ((-(-blocks // STATISTICS_BLOCK),), torch.float32),
            }
            return plain | nested if double else plain
        case GroupedLayout(bits=bits, group=group):
            groups, (values, _) = rows * columns // group, HQQ_PER_WORD[bits]
            packed = ((-(-groups // values), group), torch.int32 if bits == 3 else torch.uint8)
            return {"weight": packed, "scale": ((groups, 1), compute_dtype), "zero": ((groups, 1), compute_dtype)}
    raise TypeError(f"no shapes are known of {layout!r}")
