"""OLoRA: an orthonormal start from the QR decomposition of the weight, taken out of the base."""

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from collectors.initializers.contract import AbstractInitializer, Start
from collectors.initializers.residual import taken_out


@final
class OLora(AbstractInitializer):
    """B holds the first r columns of Q, A the first r rows of R divided by the scaling, of ``W = Q R``.

    The first r columns of Q come from the first r columns of W alone, and their rows of R are ``Q^T W``. PEFT leaves A
    undivided and takes ``s Q R`` out of the base, which beyond s = 2 makes the base larger than the weight was; here
    ``Q R`` itself is taken out whatever the scaling. It lowers the norm of
    ``W - (Q + s B A)`` a little, as the residual is a little smaller; the error of the outputs may rise.

    Source: arXiv 2406.01775.
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
        q = torch.linalg.qr(exact[:, :rank]).Q
        missing = rank - q.shape[1]
        a = torch.nn.functional.pad(q.T @ exact / scaling, (0, 0, 0, missing)).float().contiguous()
        b = torch.nn.functional.pad(q, (0, missing)).float().contiguous()
        return taken_out(weight, quantize, a, b, scaling)
