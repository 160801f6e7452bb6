"""rsLoRA: LoRA whose scaling falls with the square root of the rank, so that high ranks still move the weight."""

import math
from collections.abc import Mapping
from typing import final

from torch import nn

from collectors.adapters.attach import attach_lora, copy_starts
from collectors.adapters.contract import AbstractAdapter
from collectors.initializers.contract import Start


@final
class RsLora(AbstractAdapter):
    """``y = W x + alpha / sqrt(rank) * B A x``.

    Source: arXiv 2312.03732.
    """

    def scaling(self, rank: int, alpha: float) -> float:
        """Returns ``alpha / sqrt(rank)``."""
        return alpha / math.sqrt(rank)

    def attach(
        self,
        model: nn.Module,
        ranks: Mapping[str, int],
        alphas: Mapping[str, float],
        *,
        dropout: float,
        peft_start: bool | str,
    ) -> nn.Module:
        """Returns the model with PEFT's rsLoRA."""
        return attach_lora(model, ranks, alphas, dropout=dropout, peft_start=peft_start, use_rslora=True)

    def set_start(self, model: nn.Module, starts: Mapping[str, Start]) -> None:
        """Copies A and B."""
        copy_starts(model, starts)
