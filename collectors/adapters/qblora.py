"""Q-BLoRA: inputs pooled and outputs repeated by two, which buys twice the rank for the same parameters."""

from collections.abc import Mapping
from typing import final

from torch import nn

from collectors.adapters.attach import attach_lora, copy_starts, lora_layers
from collectors.adapters.contract import AbstractAdapter
from collectors.initializers.contract import Start
from perfmodel.errors import InvalidConfigurationError


@final
class QBLora(AbstractAdapter):
    """``y = W x + alpha / rank * repeat(B A pool(x))``, whose B A has rank ``2 * rank``.

    The scaling keeps the rank that was asked for, so that a change of adapter is not also a change of step size.

    Source: Q-BLoRA, arXiv 2407.17029.
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
        """Returns the model with PEFT's LoRA layers turned into pooled ones.

        Raises:
            InvalidConfigurationError: when a module has an odd side.
        """
        from collectors.adapters.pooled import pool

        adapted = attach_lora(model, ranks, alphas, dropout=dropout, peft_start=True)
        for name, layer in lora_layers(adapted).items():
            if layer.in_features % 2 or layer.out_features % 2:
                raise InvalidConfigurationError(
                    f"module {name} has {layer.out_features} rows and {layer.in_features} columns",
                    "qblora pools neighbours, so both must be even",
                    "choose another adapter or leave this module at rank 0",
                )
            pool(layer, peft_start)
        return adapted

    def set_start(self, model: nn.Module, starts: Mapping[str, Start]) -> None:
        """Copies A and B, which have the pooled shapes."""
        copy_starts(model, starts)
