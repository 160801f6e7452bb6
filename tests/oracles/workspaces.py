"""Bytes that kernels take and give back inside, which no tensor shows."""

from collections.abc import Callable, Sequence
from typing import Any

from perfmodel.traces.trace import DeviceClass


def _whole_weight(args: Sequence[Any]) -> int:
    """Returns the bytes of the dequantised weight that bitsandbytes' 4-bit product makes inside."""
    x, _, (rows, columns) = args[:3]
    return int(rows * columns * x.element_size())


def _flash_backward(args: Sequence[Any]) -> int:
    """Returns the bytes that flash attention's backward takes inside: dq in float32, and dk and dv of all heads."""
    _, query, key, *_ = args
    batch, heads, length, width = query.shape
    padded = -(-length // 128) * 128 * -(-width // 32) * 32
    repeated = 0 if key.shape[1] == heads else 2 * query.numel() * query.element_size()
    return int(4 * batch * heads * padded + repeated)


WORKSPACES: dict[DeviceClass, dict[str, Callable[[Sequence[Any]], int]]] = {
    "cpu": {"bitsandbytes.gemm_4bit.default": _whole_weight},
    "cuda": {
        "bitsandbytes.gemm_4bit.default": _whole_weight,
        "aten._scaled_dot_product_flash_attention_backward.default": _flash_backward,
    },
}
"""Bytes that an operation takes and gives back inside, from its arguments.

Source: bitsandbytes 0.50's backends; FlashAttention-2's ``mha_bwd`` as in torch 2.13 (dq_accum, dk_expanded).
"""
