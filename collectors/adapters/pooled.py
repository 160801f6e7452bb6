"""The pooled update of Q-BLoRA as one of PEFT's variants, for any of its LoRA layers, whatever the base's format."""

from typing import Any, final

import torch
from peft.tuners.lora.layer import LoraVariant
from torch import Tensor, nn

from collectors.adapters.attach import ADAPTER

POOL = 2
"""Neighbouring inputs that are averaged, and neighbouring outputs that share a value."""


@final
class PooledVariant(LoraVariant):
    """Adds ``s * repeat(B A pool(x))``, with A of shape ``(2 r, columns / 2)`` and B of ``(rows / 2, 2 r)``."""

    def supports_lora_conversion(self) -> bool:
        """Returns False: PEFT's conversion reads A and B as if they were LoRA's."""
        return False

    @staticmethod
    def forward(module: Any, active_adapter: str, x: Tensor, result: Tensor, **_: Any) -> Tensor:
        """Returns the module's output.

        Args:
            module: PEFT's layer.
            active_adapter: name of the adapter.
            x: shape ``(..., columns)``, in the adapter's type.
            result: output of the base, shape ``(..., rows)``.
        """
        pooled = module.lora_dropout[active_adapter](x.unflatten(-1, (-1, POOL)).mean(-1))  # type: ignore[no-untyped-call]  # torch's
        update = module.lora_B[active_adapter](module.lora_A[active_adapter](pooled)) * module.scaling[active_adapter]
        output: Tensor = result + update.repeat_interleave(POOL, dim=-1)
        return output

    @staticmethod
    def merge_safe(module: Any, active_adapter: str, orig_weight: Tensor) -> Tensor:
        """Returns the weight with the update in it."""
        return orig_weight + delta_weight(module, active_adapter).to(orig_weight.dtype)

    @staticmethod
    def merge_unsafe(module: Any, active_adapter: str, orig_weight: Tensor) -> None:
        """Adds the update to the weight in place."""
        orig_weight.data += delta_weight(module, active_adapter).to(orig_weight.dtype)

    @staticmethod
    def unmerge(module: Any, active_adapter: str, orig_weight: Tensor) -> Tensor:
        """Returns the weight without the update."""
        return orig_weight - delta_weight(module, active_adapter).to(orig_weight.dtype)


def delta_weight(module: Any, adapter: str = ADAPTER) -> Tensor:
    """Returns the matrix that the adapter adds to the weight, shape ``(rows, columns)``.

    Args:
        module: PEFT's layer with the pooled variant.
        adapter: its name.
    """
    small: Tensor = module.lora_B[adapter].weight @ module.lora_A[adapter].weight * module.scaling[adapter]
    return small.repeat_interleave(POOL, dim=0).repeat_interleave(POOL, dim=1) / POOL


def pool(layer: Any, peft_start: bool | str) -> None:  # noqa: FBT001 - PEFT's own type
    """Turns a LoRA layer of PEFT's into a pooled one, started anew.

    Args:
        layer: of rank r with an even number of inputs and outputs.
        peft_start: True or "gaussian".
    """
    device, inner = layer.lora_A[ADAPTER].weight.device, POOL * layer.r[ADAPTER]
    layer.lora_A[ADAPTER] = nn.Linear(layer.in_features // POOL, inner, bias=False, device=device, dtype=torch.float32)
    layer.lora_B[ADAPTER] = nn.Linear(inner, layer.out_features // POOL, bias=False, device=device, dtype=torch.float32)
    layer.lora_variant[ADAPTER] = PooledVariant()
    layer.reset_lora_parameters(ADAPTER, peft_start)
