"""LoftQ: base and adapter together approximate the weight, by turns."""

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from collectors.initializers.contract import AbstractInitializer, Start
from collectors.initializers.low_rank import factors, leading_directions
from collectors.initializers.residual import is_exact


@final
class LoftQ(AbstractInitializer):
    """Lowers the Frobenius norm of ``W - (Q + s B A)``.

    Round 1 quantises the weight itself, so its base is the zero start's, and takes for ``s B A`` the best rank-r part
    of what quantisation lost. Each further round quantises ``W - s B A`` of the round before and corrects that anew.
    The rounds need not improve, so the one with the least norm is kept: more rounds never leave a larger error, and
    none leaves a larger one than the zero start. Where the base holds the weight exactly there is nothing to correct
    and nothing would ever train, so the zero start is given.

    Args:
        rounds: at least 1.

    Source: arXiv 2310.08659, algorithm 1, to which keeping the best round is added.
    """

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds

    def start(
        self,
        weight: Tensor,
        quantize: Callable[[Tensor], nn.Module],
        dequantize: Callable[[nn.Module], Tensor],
        *,
        rank: int,
        scaling: float,
        moments: Tensor | None,  # noqa: ARG002 - part of the contract
    ) -> Start:
        """Returns the round with the least error."""
        best, least = None, torch.inf
        target = weight
        for _ in range(self.rounds):
            base = quantize(target)
            lost = weight.double() - dequantize(base)
            if best is None and is_exact(lost, weight):
                return Start(base, None, None)
            a, b = factors(leading_directions(lost, rank), lost, rank, scaling)
            part = scaling * (b @ a)
            error = float(torch.linalg.matrix_norm(lost - part))
            if error < least:
                best, least = Start(base, a, b), error
            target = weight - part
        assert best is not None
        return best
