"""Magnitude importance: ``|w|``, without any calibration text."""

from collections.abc import Iterator, Sequence
from typing import final

from torch import Tensor, nn

from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.importances.gradients import prunable_weights
from perfmodel.model.architecture import Architecture


@final
class Magnitude(AbstractImportance):
    """How large a weight is.

    Source: Han et al. 2015 (arXiv 1506.02626), section 3.
    """

    def scores(
        self, model: nn.Module, architecture: Architecture, token_ids: Sequence[Sequence[int]], seed: int
    ) -> Iterator[tuple[int, str, Tensor]]:
        """Yields ``|w|`` of every module."""
        del token_ids, seed
        for (layer, name), weight in prunable_weights(model, architecture).items():
            yield layer, name, weight.detach().abs()
