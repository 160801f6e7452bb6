"""CorDA: the adapter holds the weight's largest directions on the inputs that it sees, the base what is left."""

from collections.abc import Callable
from typing import final

from torch import Tensor, nn

from collectors.initializers.contract import AbstractInitializer, Start
from collectors.initializers.low_rank import factors, leading_directions
from collectors.initializers.residual import taken_out


@final
class Corda(AbstractInitializer):
    """``s B A = svd_r(W C) C^(-1)`` with ``C = E[x x^T]``; the base is quantised from ``W - s B A``.

    This is the instruction-previewed form, whose adapter takes the largest directions and learns the task that the
    inputs come from; the knowledge-preserved form, which takes the smallest, is not built. C is not inverted and so
    not damped either, as ``low_rank`` explains; the norm of A's rows and B's columns is shared evenly.

    Source: arXiv 2406.05223.
    """

    moments = "full"

    def start(
        self,
        weight: Tensor,
        quantize: Callable[[Tensor], nn.Module],
        dequantize: Callable[[nn.Module], Tensor],  # noqa: ARG002 - part of the contract
        *,
        rank: int,
        scaling: float,
        moments: Tensor | None,
    ) -> Start:
        """Returns the quantised residual and the two factors."""
        assert moments is not None
        exact = weight.double()
        a, b = factors(leading_directions(exact @ moments.to(exact), rank), exact, rank, scaling)
        return taken_out(weight, quantize, a, b, scaling)
