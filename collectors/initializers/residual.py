"""What two kinds of start share: an error too small to correct, and a base that has lost what the adapter holds."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from collectors.initializers.contract import Start

EXACT = 1e-6
"""Share of a weight's norm below which an error is the rounding of float32 and not of a quantiser."""


def is_exact(lost: Tensor, weight: Tensor) -> bool:
    """Returns whether a base holds the weight up to rounding.

    Args:
        lost: weight less base, shape ``(rows, columns)``.
        weight: weight, shape ``(rows, columns)``.
    """
    return bool(torch.linalg.matrix_norm(lost) <= EXACT * torch.linalg.matrix_norm(weight))


def taken_out(weight: Tensor, quantize: Callable[[Tensor], nn.Module], a: Tensor, b: Tensor, scaling: float) -> Start:
    """Returns the start whose base is the weight less what the adapter holds.

    Args:
        weight: float32, shape ``(rows, columns)``.
        quantize: gives the frozen module of a weight.
        a: factor A, shape ``(rank, columns)``.
        b: factor B, shape ``(rows, rank)``.
        scaling: factor of ``b @ a`` in the adapter, above 0.
    """
    return Start(quantize(weight - scaling * (b @ a)), a, b)
