"""Four bits by a table of levels: bitsandbytes' NF4 and FP4, with float32 scales or 8-bit ones."""

import logging
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from collectors.quantizers.quantizer import AbstractQuantizer, frozen, packed
from perfmodel.model.formats import BLOCK, STATISTICS_BLOCK, Format

# When bitsandbytes is imported it asks for a package with a faster CPU kernel; without it the result is the same.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)


@final
@dataclass(frozen=True)
class FourBitQuantizer(AbstractQuantizer):
    """Rounds blocks of 64 weights to sixteen levels times the block's largest weight.

    Args:
        format: what it makes.
        levels: the library's name of the table.
        double: the scales are quantised too.

    Source: QLoRA, arXiv 2305.14314, section 3.
    """

    format: Format
    levels: Literal["nf4", "fp4"]
    double: bool

    def encode(self, weight: Tensor, compute_dtype: torch.dtype) -> dict[str, Tensor]:  # noqa: ARG002 - part of the contract
        """Returns the packed values, their scales and the tables of both."""
        import bitsandbytes as bnb

        values, state = bnb.functional.quantize_4bit(
            weight.float().contiguous(), blocksize=BLOCK, compress_statistics=self.double, quant_type=self.levels
        )
        return _tensors(values, state)

    def dequantize(self, module: nn.Module) -> Tensor:
        """Returns levels times scales."""
        linear: Any = module
        return _whole(linear.weight.data, linear.weight.quant_state).float()

    def pack(self, module: nn.Module) -> dict[str, Tensor]:
        """Returns the tensors of ``encode``, and the bias."""
        linear: Any = module
        return _tensors(linear.weight.data, linear.weight.quant_state) | packed(bias=linear.bias)

    def unpack(
        self, tensors: Mapping[str, Tensor], shape: tuple[int, int], compute_dtype: torch.dtype, device: torch.device
    ) -> nn.Module:
        """Returns a ``Linear4bit``."""
        import bitsandbytes as bnb

        rows, columns = shape
        kind = {"compress_statistics": self.double, "quant_type": self.levels}
        module: nn.Module = _linear_class()(
            columns, rows, bias="bias" in tensors, compute_dtype=compute_dtype, device="meta", **kind
        )
        # On processors with AVX512-BF16 an evaluation would lay the weight out anew, round its scales to bfloat16 and
        # leave a module whose products have no gradient: not the format that was asked for.
        module.support_avx512bf16_for_cpu = False  # type: ignore[assignment]  # a flag, not a module
        state = self._state({name: tensor.to(device) for name, tensor in tensors.items()}, shape, compute_dtype)
        module.weight = bnb.nn.Params4bit(
            tensors["weight"].to(device),
            requires_grad=False,
            quant_state=state,
            blocksize=BLOCK,
            module=module,
            bnb_quantized=True,
            **kind,
        )
        module.quant_state = state
        if "bias" in tensors:
            module.bias = frozen(tensors["bias"], device)
        return module

    def _state(self, tensors: Mapping[str, Tensor], shape: tuple[int, int], compute_dtype: torch.dtype) -> Any:
        """Returns bitsandbytes' quantisation state; what is no tensor follows from the format and the shape."""
        from bitsandbytes.functional import QuantState

        scales = None
        if self.double:
            scales = QuantState(
                absmax=tensors["scale_scale"],
                code=tensors["scale_levels"],
                blocksize=STATISTICS_BLOCK,
                dtype=torch.float32,
            )
        return QuantState(
            absmax=tensors["scale"],
            shape=torch.Size(shape),
            code=tensors["levels"],
            blocksize=BLOCK,
            quant_type=self.levels,
            dtype=compute_dtype,
            offset=tensors.get("scale_mean"),
            state2=scales,
        )


@cache
def _linear_class() -> type[nn.Module]:
    """Returns ``Linear4bit``, right on a CPU also where a row is no whole number of blocks."""
    import bitsandbytes as bnb

    class Linear4bit(bnb.nn.Linear4bit):  # type: ignore[misc]  # bitsandbytes is not followed
        """See ``_rows_are_read_right``: a pruned module's rows need not be whole blocks."""

        def forward(self, x: Tensor) -> Tensor:
            """Returns the product, shape ``(..., rows)``."""
            if _rows_are_read_right(x.device, self.in_features):
                product: Tensor = super().forward(x)
                return product
            made: Tensor = _Product4.apply(x, self.weight.data, self.weight.quant_state)  # type: ignore[no-untyped-call]
            return made if self.bias is None else made + self.bias.to(made.dtype)

    return Linear4bit


class _Product4(torch.autograd.Function):
    """x W^T, which keeps the packed weight and reads it again on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, values: Tensor, state: Any) -> Tensor:
        ctx.packed = values, state
        return nn.functional.linear(x, _whole(values, state).to(x.dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return grads[0] @ _whole(*ctx.packed).to(grads[0].dtype), None, None


def _rows_are_read_right(device: torch.device, columns: int) -> bool:
    """Returns whether bitsandbytes reads a weight of so many columns as it wrote it.

    Blocks run on from row to row. Its kernel for processors with AVX512 begins each row with a new block instead
    (0.50.2: of 1,328 columns the error is 0.24 in place of 0.09).
    """
    return device.type != "cpu" or columns % BLOCK == 0


def _whole(values: Tensor, state: Any) -> Tensor:
    """Returns the weight of packed values, in the state's type and shape; where need be it is read one block a row."""
    import bitsandbytes as bnb

    count = state.shape.numel()
    if _rows_are_read_right(values.device, state.shape[-1]):
        weight: Tensor = bnb.functional.dequantize_4bit(values, state)
        return weight
    blocks = -(-count // BLOCK)
    one_a_row = copy(state)
    one_a_row.shape = torch.Size((blocks, BLOCK))
    flat = nn.functional.pad(values.flatten(), (0, blocks * BLOCK // 2 - values.numel()))
    made: Tensor = bnb.functional.dequantize_4bit(flat.reshape(-1, 1), one_a_row)
    return made.flatten()[:count].reshape(state.shape)


def _tensors(values: Tensor, state: Any) -> dict[str, Tensor]:
    """Returns the tensors of a 4-bit weight: ``scale`` is float32, or 8 bits with three tensors of its own."""
    return packed(
        weight=values,
        levels=state.code,
        scale=state.absmax,
        scale_mean=state.offset,
        scale_levels=state.state2.code if state.nested else None,
        scale_scale=state.state2.absmax if state.nested else None,
    )
