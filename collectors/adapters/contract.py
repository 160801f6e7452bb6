"""What every adapter gives: its scaling, its attachment to a model, and a start other than PEFT's."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import nn

from collectors.initializers.contract import Start


class AbstractAdapter(ABC):
    """A form of low-rank update; its parameters are counted by ``perfmodel.space.methods.Adapter``."""

    @abstractmethod
    def scaling(self, rank: int, alpha: float) -> float:
        """Returns the factor that multiplies the product of B and A.

        Args:
            rank: rank of the adapter, 1 or more.
            alpha: numerator of LoRA's scaling, above 0.
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
            model: model whose linear modules lie in their final formats; they are wrapped in place.
            ranks: rank of each linear module by the module's full name; 0 leaves a module without an adapter.
            alphas: alpha of each module with a rank above 0, by the same names.
            dropout: probability of dropping an input of A while training, in [0, 1).
            peft_start: start of A and B that PEFT is asked for, from ``AbstractInitializer.peft_start``.

        Raises:
            InvalidConfigurationError: every rank is 0, or a module does not suit the adapter.
        """

    @abstractmethod
    def set_start(self, model: nn.Module, starts: Mapping[str, Start]) -> None:
        """Copies the A and B of an initialiser into the adapters, and sets what follows from them.

        Args:
            model: model from ``attach``.
            starts: start of each module by its full name; where A and B are None the adapter stays as it is.
        """
