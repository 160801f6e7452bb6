"""Mixed Taylor importance: ``|w g - w^2 h / 2|``, both orders together."""

from collections.abc import Iterator, Sequence
from typing import final

from torch import Tensor, nn

from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.importances.gradients import accumulate_with_squares, only_these_trained, prunable_weights
from perfmodel.model.architecture import Architecture


@final
class TaylorMixed(AbstractImportance):
    """How much the loss changes to first and second order when a weight goes; it holds two gradients per weight.

    Source: LLM-Pruner (arXiv 2305.11627), section 3.2, element-wise importance, with the Fisher information for the
    Hessian's diagonal.
    """

    def scores(
        self, model: nn.Module, architecture: Architecture, token_ids: Sequence[Sequence[int]], seed: int
    ) -> Iterator[tuple[int, str, Tensor]]:
        """Yields ``|w g - w^2 h / 2|`` of every module: the change is ``-w g + w^2 h / 2``."""
        del seed
        weights = prunable_weights(model, architecture)
        with only_these_trained(model, weights):
            squares = accumulate_with_squares(model, weights, token_ids)
            for (layer, name), weight in weights.items():
                assert weight.grad is not None
                value = weight.detach()
                yield layer, name, (value * weight.grad - 0.5 * value**2 * squares.pop((layer, name))).abs()
