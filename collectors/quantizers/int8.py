"""Eight bits: bitsandbytes' int8, with a scale per row."""

import logging
from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from collectors.quantizers.quantizer import AbstractQuantizer, frozen, packed
from perfmodel.model.formats import FORMATS

LARGEST = 127
"""Of an int8; a row's scale is its largest weight."""


@final
class Int8Quantizer(AbstractQuantizer):
    """Rounds each row to 1/127 of its largest weight; products of an evaluation round activations likewise.

    Training on a CPU multiplies with the dequantised weight and leaves activations alone.

    Source: LLM.int8(), arXiv 2208.07339, without its decomposition of outliers (threshold 0).
    """

    format = FORMATS["int8"]

    def encode(self, weight: Tensor, compute_dtype: torch.dtype) -> dict[str, Tensor]:  # noqa: ARG002 - part of the contract
        """Returns the int8 values and the float32 largest weight of each row."""
        import bitsandbytes as bnb

        # The library rounds from float16 only.
        values, scale, _ = bnb.functional.int8_vectorwise_quant(weight.to(torch.float16, copy=True))
        return {"weight": values, "scale": scale}

    def dequantize(self, module: nn.Module) -> Tensor:
        """Returns values times scale / 127."""
        tensors = self.pack(module)
        return tensors["weight"].float() * (tensors["scale"].unsqueeze(1) * (1.0 / LARGEST))

    def pack(self, module: nn.Module) -> dict[str, Tensor]:
        """Returns values, scale and bias."""
        linear: Any = module
        # The first product moves the scale from the weight to the module's state.
        scale = linear.state.SCB if linear.weight.SCB is None else linear.weight.SCB
        return packed(weight=linear.weight.data, scale=scale, bias=linear.bias)

    def unpack(
        self,
        tensors: Mapping[str, Tensor],
        shape: tuple[int, int],
        compute_dtype: torch.dtype,  # noqa: ARG002 - the library computes in the type of its input
        device: torch.device,
    ) -> nn.Module:
        """Returns a ``Linear8bitLt``."""
        import bitsandbytes as bnb

        # It says once a product that activations are rounded on their way to int8, which is the method itself.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        rows, columns = shape
        module: nn.Module = bnb.nn.Linear8bitLt(
            columns, rows, bias="bias" in tensors, has_fp16_weights=False, device="meta"
        )
        values = tensors["weight"].to(device)
        module.weight = bnb.nn.Int8Params(
            values, requires_grad=False, has_fp16_weights=False, CB=values, SCB=tensors["scale"].to(device)
        )
        if "bias" in tensors:
            module.bias = frozen(tensors["bias"], device)
        return module
