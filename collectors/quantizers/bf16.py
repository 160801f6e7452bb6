"""Sixteen bits: bfloat16."""

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from collectors.quantizers.quantizer import AbstractQuantizer, frozen, packed
from perfmodel.model.formats import FORMATS


@final
class Bfloat16Quantizer(AbstractQuantizer):
    """Keeps weights in bfloat16; see ``Linear16``."""

    format = FORMATS["bf16"]

    def encode(self, weight: Tensor, compute_dtype: torch.dtype) -> dict[str, Tensor]:  # noqa: ARG002 - part of the contract
        """Returns the rounded weight."""
        return {"weight": weight.to(torch.bfloat16, copy=True)}

    def dequantize(self, module: nn.Module) -> Tensor:
        """Returns the weight as float32."""
        assert isinstance(module, Linear16)
        return module.weight.detach().float()

    def pack(self, module: nn.Module) -> dict[str, Tensor]:
        """Returns weight and bias."""
        assert isinstance(module, Linear16)
        return packed(weight=module.weight, bias=module.bias)

    def unpack(
        self,
        tensors: Mapping[str, Tensor],
        shape: tuple[int, int],
        compute_dtype: torch.dtype,  # noqa: ARG002 - Linear16 computes in the type of its input
        device: torch.device,
    ) -> nn.Module:
        """Returns a ``Linear16``."""
        rows, columns = shape
        module = Linear16(columns, rows, bias="bias" in tensors, device="meta")
        module.weight = frozen(tensors["weight"], device)
        if "bias" in tensors:
            module.bias = frozen(tensors["bias"], device)
        return module


class Linear16(nn.Linear):
    """A frozen linear module kept in bfloat16 and computed in the type of its input.

    On CUDA the two types agree and nothing is converted; on a CPU, where bfloat16 products are slow, the weight is
    converted for one product at a time, so that 16 bits really take 16 bits.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that nn.Linear gave it
        """Returns ``input @ weight.T + bias``.

        Args:
            input: shape ``(..., columns)``.
        """
        product: Tensor = _Product16.apply(input, self.weight)  # type: ignore[no-untyped-call]  # torch's own signature
        return product if self.bias is None else product + self.bias


class _Product16(torch.autograd.Function):
    """The product of ``Linear16``, which saves the stored weight for the backward pass and not its converted copy."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, weight: Tensor) -> Tensor:
        """Returns ``x @ weight.T`` in the type of ``x``."""
        ctx.save_for_backward(weight)
        return F.linear(x, weight.to(x.dtype))

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grads: Tensor) -> tuple[Tensor, None]:
        """Returns the gradient with respect to ``x``; the weight is frozen."""
        (weight,) = ctx.saved_tensors  # type: ignore[attr-defined]  # set by save_for_backward
        return grads[0] @ weight.to(grads[0].dtype), None
