"""Eight to two bits by groups: Half-Quadratic Quantization, with a scale and a zero per group."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from collectors.quantizers.quantizer import AbstractQuantizer, frozen, packed
from perfmodel.model.formats import Format

AXIS = 1
"""Groups lie along the rows."""


@final
@dataclass(frozen=True)
class HqqQuantizer(AbstractQuantizer):
    """Rounds groups of weights to a grid whose zero is found by half-quadratic splitting.

    Args:
        format: what it makes.
        group: weights that share a scale and a zero.

    Source: Badri and Shaji 2023, "Half-Quadratic Quantization of Large Machine Learning Models".
    """

    format: Format
    group: int

    def encode(self, weight: Tensor, compute_dtype: torch.dtype) -> dict[str, Tensor]:
        """Returns the packed values, and scale and zero in the compute type, shape ``(groups, 1)``."""
        from hqq.core.quantize import Quantizer

        settings = self._settings()["weight_quant_params"]
        values, meta = Quantizer.quantize(weight, device=str(weight.device), compute_dtype=compute_dtype, **settings)
        # ``copy``: the solver runs in inference mode, and autograd refuses tensors that come from there.
        return {
            "weight": values.contiguous(),
            **{name: meta[name].to(compute_dtype, copy=True).contiguous() for name in ("scale", "zero")},
        }

    def dequantize(self, module: nn.Module) -> Tensor:
        """Returns (values - zero) times scale."""
        linear: Any = module
        weight: Tensor = linear.dequantize()
        return weight.detach().float()

    def pack(self, module: nn.Module) -> dict[str, Tensor]:
        """Returns values, scale, zero and bias."""
        linear: Any = module
        return packed(weight=linear.W_q, scale=linear.meta["scale"], zero=linear.meta["zero"], bias=linear.bias)

    def unpack(
        self, tensors: Mapping[str, Tensor], shape: tuple[int, int], compute_dtype: torch.dtype, device: torch.device
    ) -> nn.Module:
        """Returns an ``HQQLinear``."""
        from hqq.core.quantize import HQQLinear, Quantizer

        bits = self.format.bits
        module: Any = HQQLinear(None, self._settings(), compute_dtype=compute_dtype, device=str(device))
        packing = Quantizer.bit_to_packing[bits]
        module.W_q = frozen(tensors["weight"], device)
        module.meta = {
            **{name: tensors[name].to(device) for name in ("scale", "zero")},
            "shape": torch.Size(shape),
            "nbits": bits,
            "group_size": self.group,
            "axis": AXIS,
            "packing": packing,
            "unpack_view_dtype": Quantizer.unpack_view_dtype[packing],
            "view_as_float": False,
            "quant_scale": False,
            "quant_zero": False,
            "compute_dtype": compute_dtype,
        }
        module.out_features, module.in_features = shape
        if "bias" in tensors:
            module.bias = frozen(tensors["bias"], device)
        module.ready = True
        linear: nn.Module = module
        return linear

    def cut(
        self,
        whole: Callable[[], Mapping[str, Tensor]],
        shape: tuple[int, int],
        rows: Tensor | None,
        columns: Tensor | None,
    ) -> dict[str, Tensor] | None:
        """Returns the groups that stay, where no group loses a part.

        Each keeps the values, scale and zero that it has in the whole. Made on the spot they could differ by where the
        solver stops, which it decides by the mean error of all groups.
        """
        from hqq.core.quantize import Quantizer

        groups = self._groups_left(shape, rows, columns)
        if groups is None:
            return None
        tensors, packing = whole(), Quantizer.bit_to_packing[self.format.bits]
        values = Quantizer.unpack[packing](tensors["weight"])[: shape[0] * shape[1] // self.group]
        left = {
            "weight": Quantizer.pack[packing](values[groups]).contiguous(),
            **{name: tensors[name][groups] for name in ("scale", "zero")},
        }
        if "bias" in tensors:
            left["bias"] = tensors["bias"] if rows is None else tensors["bias"][rows]
        return left

    def _groups_left(self, shape: tuple[int, int], rows: Tensor | None, columns: Tensor | None) -> Tensor | None:
        """Returns the indices of the groups that stay, None where one would lose a part."""
        height, width = shape
        rows = torch.arange(height) if rows is None else rows.cpu()
        columns = torch.arange(width) if columns is None else columns.cpu()
        if width % self.group or len(columns) % self.group:
            return None
        runs = columns.view(-1, self.group)
        firsts = runs[:, :1]
        if (firsts % self.group).any() or (runs != firsts + torch.arange(self.group)).any():
            return None
        return (rows[:, None] * (width // self.group) + (firsts // self.group).view(1, -1)).flatten()

    def _settings(self) -> dict[str, Any]:
        """Returns the library's own settings of so many bits (at 4 it rounds the zero)."""
        from hqq.core.quantize import BaseQuantizeConfig

        settings: dict[str, Any] = BaseQuantizeConfig(nbits=self.format.bits, group_size=self.group, axis=AXIS)
        return settings
