"""What every initialiser gives: the module that stays frozen, and where its adapter starts."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn


@dataclass(frozen=True)
class Start:
    """Where one module and its adapter start.

    Args:
        base: frozen module.
        a: factor A, float32, shape ``(rank, columns)``; None for PEFT's own start.
        b: factor B, float32, shape ``(rows, rank)``; None for PEFT's own start.
    """

    base: nn.Module
    a: Tensor | None
    b: Tensor | None


class AbstractInitializer(ABC):
    """A way to split a float weight into a stored base and the start of an adapter."""

    peft_start: bool | str = True
    """What the adapter's ``attach`` is told; it holds wherever ``start`` leaves A and B at None."""

    moments: Literal["none", "diagonal", "full"] = "none"
    """Which second moments of the module's inputs ``start`` needs; see ``collectors.pruning.input_moments``."""

    @abstractmethod
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
        """Returns the base and the factors, such that ``base + scaling * b @ a`` is close to the weight.

        Args:
            weight: float32 weight, shape ``(rows, columns)``; it is left as it is.
            quantize: gives the frozen module of a weight; called with this very ``weight`` where the base is the
                weight's own, so that a module made before can be used again.
            dequantize: gives the float32 weight that such a module computes with.
            rank: rank of the adapter, 1 or more.
            scaling: factor of ``b @ a`` in the adapter, above 0.
            moments: second moments of the module's inputs, float32: ``E[x_i^2]``, shape ``(columns,)``, or
                ``E[x x^T]``, shape ``(columns, columns)``, as ``self.moments`` asks; None where it asks for none.
        """
