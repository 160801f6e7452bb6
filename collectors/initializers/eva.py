"""EVA: A looks where the inputs vary most, B is zero."""

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from collectors.initializers.contract import AbstractInitializer, Start
from collectors.initializers.low_rank import leading_eigenvectors


@final
class Eva(AbstractInitializer):
    """A's rows are the leading eigenvectors of ``E[x x^T]``; training starts at the quantised model.

    Ranks stay where the configuration put them: the paper also moves rank between modules, which is the search's
    business here. Inputs are not centred, as in the paper's singular value decomposition of the inputs; PEFT centres
    them.

    Source: arXiv 2410.07170.
    """

    moments = "full"

    def start(
        self,
        weight: Tensor,
        quantize: Callable[[Tensor], nn.Module],
        dequantize: Callable[[nn.Module], Tensor],  # noqa: ARG002 - part of the contract
        *,
        rank: int,
        scaling: float,  # noqa: ARG002 - part of the contract
        moments: Tensor | None,
    ) -> Start:
        """Returns the weight's own base, the inputs' directions and zeros."""
        assert moments is not None
        directions = leading_eigenvectors(moments.to(weight).double(), rank).T
        a = torch.nn.functional.pad(directions, (0, 0, 0, rank - len(directions))).float().contiguous()
        return Start(quantize(weight), a, weight.new_zeros(weight.shape[0], rank))
