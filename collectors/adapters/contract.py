"""What every adapter gives: its scaling, its attachment to a model, and a start other than PEFT's."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import nn

from collectors.initializers.contract import Start


class AbstractAdapter(ABC):
    """A form of low-rank update; its parameters are counted by ``perfmodel.space.methods.adapter_parameters``."""

    @abstractmethod
    def scaling(self, rank: int, alpha: float) -> float:
        """Returns what the product of B and A is multiplied by.

        Args:
            rank: above 0.
            alpha: LoRA's numerator.
        """

    @abstractmethod
    def attach(
        self,
        model: nn.Module,
        ranks: Mapping[str, int],
        alphas: Mapping[str, float],
        *,
        dropout: float,
        peft_start: bool | str,
    ) -> nn.Module:
        """Returns the model wrapped by PEFT, with float32 adapters that start where ``peft_start`` says.

        Args:
            model: its linear modules lie in their final formats; they are wrapped in place.
            ranks: of each linear module by its full name; 0 leaves the module as it is.
            alphas: of each module with a rank above 0, by the same names.
            dropout: before A, in [0, 1).
            peft_start: from the initialiser.

        Raises:
            InvalidConfigurationError: when every rank is 0, or a module does not suit the adapter.
        """

    @abstractmethod
    def set_start(self, model: nn.Module, starts: Mapping[str, Start]) -> None:
        """Copies the A and B of an initialiser into the adapters, with all that follows from them.

        Args:
            model: from ``attach``.
            starts: by full module name; where A and B are None the adapter stays as it is.
        """
