"""LoRA: a product of two thin matrices beside the frozen weight."""

from collections.abc import Mapping
from typing import final

from torch import nn

from collectors.adapters.attach import attach_lora, copy_starts
from collectors.adapters.contract import AbstractAdapter
from collectors.initializers.contract import Start


@final
class Lora(AbstractAdapter):
    """``y = W x + alpha / rank * B A x``.

    Source: arXiv 2106.09685, section 4.1.
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
        """Returns the model with PEFT's LoRA."""
        return attach_lora(model, ranks, alphas, dropout=dropout, peft_start=peft_start)

    def set_start(self, model: nn.Module, starts: Mapping[str, Start]) -> None:
        """Copies A and B."""
        copy_starts(model, starts)
