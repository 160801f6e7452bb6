"""The starts at which the adapter adds nothing: PEFT's own, over the weight's own base."""

from collections.abc import Callable
from typing import final

from torch import Tensor, nn

from collectors.initializers.contract import AbstractInitializer, Start


@final
class Standard(AbstractInitializer):
    """Training starts at the quantised model.

    Args:
        peft_start: True: A uniform, B zero; "gaussian": A normal, B zero; "orthogonal": neither is zero, B A is.

    Source: LoRA, arXiv 2106.09685; PEFT's ``init_lora_weights``.
    """

    def __init__(self, peft_start: bool | str) -> None:  # noqa: FBT001 - PEFT's own type
        self.peft_start = peft_start

    def start(
        self,
        weight: Tensor,
        quantize: Callable[[Tensor], nn.Module],
        dequantize: Callable[[nn.Module], Tensor],  # noqa: ARG002 - part of the contract
        *,
        rank: int,  # noqa: ARG002 - part of the contract
        scaling: float,  # noqa: ARG002 - part of the contract
        moments: Tensor | None,  # noqa: ARG002 - part of the contract
    ) -> Start:
        """Returns the weight's own base and no factors."""
        return Start(quantize(weight), None, None)
