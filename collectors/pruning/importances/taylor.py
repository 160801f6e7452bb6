"""Taylor importance: how much the loss changes when a weight goes, to first order, to second order, or to both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor, nn

from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.importances.gradients import (
    accumulate_gradients,
    accumulate_with_squares,
    only_these_trained,
    prunable_weights,
)
from collectors.pruning.prune import ModuleKey
from perfmodel.model.architecture import Architecture


@final
@dataclass(frozen=True)
class Taylor(AbstractImportance):
    """Scores a weight w by a Taylor series of the mean calibration loss.

    g is the gradient of that loss; h is the mean over the texts of the squared gradient, which is the diagonal of the
    empirical Fisher information and stands for the Hessian's. Removing w changes the loss by ``-w g + w^2 h / 2``.

        first    |w g|
        second   |w^2 h| / 2
        mixed    |w g - w^2 h / 2|

    Args:
        order: which terms; ``first`` keeps one gradient for each weight in memory, the others two.

    Source: LLM-Pruner (arXiv 2305.11627), section 3.2, element-wise importance.
    """

    order: Literal["first", "second", "mixed"]

    def scores(
        self, model: nn.Module, architecture: Architecture, token_ids: Sequence[Sequence[int]], seed: int
    ) -> Iterator[tuple[int, str, Tensor]]:
        """Yields the scores of every prunable module; see ``AbstractImportance.scores``."""
        del seed
        weights = prunable_weights(model, architecture)
        with only_these_trained(model, weights):
            if self.order == "first":
                accumulate_gradients(model, token_ids)
                squares: dict[ModuleKey, Tensor] = {}
            else:
                squares = accumulate_with_squares(model, weights, token_ids)
            for (layer, name), weight in weights.items():
                assert weight.grad is not None
                value = weight.detach()
                change = torch.zeros_like(value) if self.order == "second" else -value * weight.grad
                if squares:
                    change += 0.5 * value**2 * squares.pop((layer, name))
                yield layer, name, change.abs()
