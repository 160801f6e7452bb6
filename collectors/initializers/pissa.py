"""PiSSA: the adapter holds the largest singular directions of the weight, the base what is left."""

from collections.abc import Callable
from typing import final

from torch import Tensor, nn

from collectors.initializers.contract import AbstractInitializer, Start
from collectors.initializers.low_rank import factors, leading_directions
from collectors.initializers.residual import taken_out


@final
class Pissa(AbstractInitializer):
    """``s B A = svd_r(W)``, its singular values shared evenly; the base is quantised from ``W - s B A``.

    It lowers the norm of ``W - (Q + s B A)`` as far as a quantiser's error falls with the norm of what it is given.

    Source: arXiv 2404.02948, which calls it QPiSSA where the base is quantised.
    """

    def start(
        self,
        weight: Tensor,
        quantize: Callable[[Tensor], nn.Module],
        dequantize: Callable[[nn.Module], Tensor],  # noqa: ARG002 - part of the contract
        *,
        rank: int,
        scaling: float,
        moments: Tensor | None,  # noqa: ARG002 - part of the contract
    ) -> Start:
        """Returns the quantised residual and the two factors."""
        exact = weight.double()
        a, b = factors(leading_directions(exact, rank), exact, rank, scaling)
        return taken_out(weight, quantize, a, b, scaling)
