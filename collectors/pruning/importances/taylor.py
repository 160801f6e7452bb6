"""First-order Taylor importance: ``|w g|``, with ``g`` the gradient of the mean calibration loss."""

from collections.abc import Iterator, Sequence
from typing import final

from torch import Tensor, nn

from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.importances.gradients import accumulate_gradients, only_these_trained, prunable_weights
from perfmodel.model.architecture import Architecture


@final
class Taylor(AbstractImportance):
    """How much the loss changes to first order when a weight goes; it holds one gradient per weight.

    Source: LLM-Pruner (arXiv 2305.11627), section 3.2, element-wise importance, its first-order term.
    """

    def scores(
        self, model: nn.Module, architecture: Architecture, token_ids: Sequence[Sequence[int]], seed: int
    ) -> Iterator[tuple[int, str, Tensor]]:
        """Yields ``|w g|`` of every module."""
        del seed
        weights = prunable_weights(model, architecture)
        with only_these_trained(model, weights):
            accumulate_gradients(model, token_ids)
            for (layer, name), weight in weights.items():
                assert weight.grad is not None
                yield layer, name, (weight.detach() * weight.grad).abs()
