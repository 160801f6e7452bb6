"""QERA: the closed form of least output error, over the calibration inputs or over their variances alone."""

from collections.abc import Callable
from typing import Literal, final

import torch
from torch import Tensor, nn

from collectors.initializers.contract import AbstractInitializer, Start
from collectors.initializers.low_rank import factors, leading_directions, leading_eigenvectors
from collectors.initializers.residual import is_exact


@final
class Qera(AbstractInitializer):
    """Lowers ``E |(W - Q - s B A) x|^2`` with the zero start's base, and never raises the norm of ``W - Q - s B A``.

    ``s B A = svd_r((W - Q) R^(1/2)) R^(-1/2)`` with ``R = E[x x^T]`` (exact: the least there is) or its diagonal (least
    where inputs are uncorrelated). It is computed without the inverse, as ``low_rank`` explains, so inputs that the
    calibration never moved need no regularisation: the output error does not see them. The paper puts the singular
    values into one factor; here they are shared evenly, which leaves the product as it is.

    Args:
        moments: "full" or "diagonal".

    Source: arXiv 2410.06040, theorems 1 and 2.
    """

    def __init__(self, moments: Literal["diagonal", "full"]) -> None:
        self.moments = moments

    def start(
        self,
        weight: Tensor,
        quantize: Callable[[Tensor], nn.Module],
        dequantize: Callable[[nn.Module], Tensor],
        *,
        rank: int,
        scaling: float,
        moments: Tensor | None,
    ) -> Start:
        """Returns the weight's own base and the factors of its correction."""
        assert moments is not None
        base = quantize(weight)
        lost = weight.double() - dequantize(base)
        if is_exact(lost, weight):
            return Start(base, None, None)
        return Start(base, *factors(_directions(lost, moments.to(lost), rank), lost, rank, scaling))


def _directions(lost: Tensor, moments: Tensor, rank: int) -> Tensor:
    """Returns the leading left singular vectors of ``lost @ moments^(1/2)``; any factor of the moments has the same."""
    if moments.ndim == 1:
        return leading_directions(lost * moments.sqrt(), rank)
    rows, columns = lost.shape
    if rows <= columns:
        return leading_eigenvectors(lost @ moments @ lost.T, rank)
    values, vectors = torch.linalg.eigh(moments)
    return leading_directions(lost @ (vectors * values.clamp(min=0).sqrt()), rank)
