"""LoRA and its variants that differ only in scaling, in magnitudes or in pooled inputs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from torch import nn

from collectors.adapters.attach import ADAPTER, attach_lora, copy_starts, lora_layers
from collectors.adapters.contract import AbstractAdapter
from collectors.initializers.contract import Start
from perfmodel.errors import InvalidConfigurationError


@final
@dataclass(frozen=True)
class Lora(AbstractAdapter):
    """The update ``s * B A`` of a frozen weight W, in one of four variants.

    - ``Lora()`` is LoRA: ``y = W x + s B A x`` with ``s = alpha / rank``. Source: arXiv 2106.09685, section 4.1.
    - ``scaled_by="root"`` is rsLoRA: ``s = alpha / sqrt(rank)``. Source: arXiv 2312.03732.
    - ``variant="dora"`` is DoRA: ``y = m / |W + s B A| * (W + s B A) x`` with norms by row; the norm takes no gradient.
      Source: arXiv 2402.09353, equation 5 and section 4.3.
    - ``variant="pooled"`` is Q-BLoRA: ``y = W x + s * repeat(B A pool(x))``. Neighbouring inputs are averaged and
      neighbouring outputs share a value, so that B A has rank ``2 * rank`` for the same number of parameters. The
      scaling keeps the rank that was asked for: a change of adapter is not also a change of step size. Source:
      arXiv 2407.17029.

    Args:
        scaled_by: ``rank`` divides alpha by the rank, ``root`` by its square root.
        variant: ``plain``, ``dora`` or ``pooled``.
    """

    scaled_by: Literal["rank", "root"] = "rank"
    variant: Literal["plain", "dora", "pooled"] = "plain"

    def scaling(self, rank: int, alpha: float) -> float:
        """Returns ``alpha / rank`` or ``alpha / sqrt(rank)``; see ``AbstractAdapter.scaling``."""
        return alpha / (math.sqrt(rank) if self.scaled_by == "root" else rank)

    def attach(
        self,
        model: nn.Module,
        ranks: Mapping[str, int],
        alphas: Mapping[str, float],
        *,
        dropout: float,
        peft_start: bool | str,
    ) -> nn.Module:
        """Returns the model wrapped by PEFT; see ``AbstractAdapter.attach``."""
        adapted = attach_lora(
            model,
            ranks,
            alphas,
            dropout=dropout,
            peft_start=True if self.variant == "pooled" else peft_start,
            use_rslora=self.scaled_by == "root",
            use_dora=self.variant == "dora",
        )
        for name, layer in lora_layers(adapted).items():
            if self.variant == "pooled":
                _pool(name, layer, peft_start)
            elif self.variant == "dora":
                if hasattr(layer.get_base_layer(), "init_8bit_state"):
                    from collectors.adapters.int8_norm import keep_int8

                    keep_int8(layer)
                _set_magnitude(layer)
        return adapted

    def set_start(self, model: nn.Module, starts: Mapping[str, Start]) -> None:
        """Copies A and B; DoRA's magnitudes become the norms of the rows that they give."""
        copy_starts(model, starts)
        if self.variant == "dora":
            layers = lora_layers(model)
            for name in starts:
                _set_magnitude(layers[name])


def _pool(name: str, layer: Any, peft_start: bool | str) -> None:  # noqa: FBT001 - PEFT's own type
    from collectors.adapters.pooled import pool

    if layer.in_features % 2 or layer.out_features % 2:
        raise InvalidConfigurationError(
            f"module {name} has {layer.out_features} rows and {layer.in_features} columns",
            "qblora pools neighbours, so both must be even",
            "choose another adapter or leave this module at rank 0",
        )
    pool(layer, peft_start)


def _set_magnitude(layer: Any) -> None:
    """Sets DoRA's magnitudes to the norms of the rows of ``W + s B A``, from the float32 factors.

    PEFT takes them from factors in the base's type; over a bfloat16 base the model would then start half a percent away
    from the base.
    """
    with torch.no_grad():
        layer.lora_magnitude_vector[ADAPTER].update_layer(
            base_layer=layer.get_base_layer(),
            lora_A=layer.lora_A[ADAPTER].weight,
            lora_B=layer.lora_B[ADAPTER].weight,
            scaling=layer.scaling[ADAPTER],
        )
