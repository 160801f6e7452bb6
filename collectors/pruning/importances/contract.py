"""What every importance method offers: a score for each weight that pruning might remove."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from torch import Tensor, nn

from perfmodel.model.architecture import Architecture


class AbstractImportance(ABC):
    """A way to score how much each weight matters."""

    seeded: ClassVar[bool] = False
    """Whether scores depend on the seed. Those that do not are measured once per model and calibration set."""

    @abstractmethod
    def scores(
        self, model: nn.Module, architecture: Architecture, token_ids: Sequence[Sequence[int]], seed: int
    ) -> Iterator[tuple[int, str, Tensor]]:
        """Yields the layer, the linear module's name and its weights' scores, for every prunable layer.

        Scores are finite and not negative, of shape ``(rows, columns)``. Only those of one module are in memory at a
        time. Afterwards the model is as it was: weights, gradients, ``requires_grad`` and mode.

        Args:
            model: float model with the architecture's shapes.
            architecture: architecture of the unpruned model.
            token_ids: token ids of the calibration texts; see ``collectors.pruning.calibration_texts``.
            seed: seed of the trial, 0 or more; read by ``seeded`` methods only.
        """
