"""Second-order Taylor importance: ``|w^2 h| / 2``, with ``h`` the mean squared gradient over calibration texts."""

from collections.abc import Iterator, Sequence
from typing import final

from torch import Tensor, nn

from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.importances.gradients import accumulate_with_squares, only_these_trained, prunable_weights
from perfmodel.model.architecture import Architecture


@final
class TaylorSecond(AbstractImportance):
    """How much the loss changes to second order when a weight goes; it holds two gradients per weight.

    Source: LLM-Pruner (arXiv 2305.11627), section 3.2, element-wise importance, its second-order term with the Fisher
    information for the Hessian's diagonal.
    """

    def scores(
        self, model: nn.Module, architecture: Architecture, token_ids: Sequence[Sequence[int]], seed: int
    ) -> Iterator[tuple[int, str, Tensor]]:
        """Yields ``|w^2 h| / 2`` of every module."""
        del seed
        weights = prunable_weights(model, architecture)
        with only_these_trained(model, weights):
            squares = accumulate_with_squares(model, weights, token_ids)
            for (layer, name), weight in weights.items():
                yield layer, name, 0.5 * weight.detach() ** 2 * squares.pop((layer, name))
