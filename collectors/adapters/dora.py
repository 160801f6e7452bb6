"""DoRA: LoRA on the direction of each row of the weight, and a learned magnitude of each row."""

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import nn

from collectors.adapters.attach import ADAPTER, attach_lora, copy_starts, lora_layers
from collectors.adapters.contract import AbstractAdapter
from collectors.initializers.contract import Start


@final
class Dora(AbstractAdapter):
    """``y = m / |W + s B A| * (W + s B A) x``, norms by row, ``s = alpha / rank``; the norm takes no gradient.

    Source: arXiv 2402.09353, equation 5 and section 4.3.
    """

    def scaling(self, rank: int, alpha: float) -> float:
        """Returns ``alpha / rank``."""
        return alpha / rank

    def attach(
        self,
        model: nn.Module,
        ranks: Mapping[str, int],
        alphas: Mapping[str, float],
        *,
        dropout: float,
        peft_start: bool | str,
    ) -> nn.Module:
        """Returns the model with PEFT's DoRA."""
        from collectors.adapters.int8_norm import keep_int8

        adapted = attach_lora(model, ranks, alphas, dropout=dropout, peft_start=peft_start, use_dora=True)
        for layer in lora_layers(adapted).values():
            if hasattr(layer.get_base_layer(), "init_8bit_state"):
                keep_int8(layer)
            _settle_magnitude(layer)
        return adapted

    def set_start(self, model: nn.Module, starts: Mapping[str, Start]) -> None:
        """Copies A and B, and sets each magnitude to the norm that they give its row."""
        copy_starts(model, starts)
        layers = lora_layers(model)
        for name in starts:
            _settle_magnitude(layers[name])


def _settle_magnitude(layer: Any) -> None:
    """Takes the magnitudes from the float32 factors.

    PEFT takes them from factors in the base's type, and over a bfloat16 base the model would start half a percent away
    from the base.
    """
    with torch.no_grad():
        layer.lora_magnitude_vector[ADAPTER].update_layer(
            base_layer=layer.get_base_layer(),
            lora_A=layer.lora_A[ADAPTER].weight,
            lora_B=layer.lora_B[ADAPTER].weight,
            scaling=layer.scaling[ADAPTER],
        )
