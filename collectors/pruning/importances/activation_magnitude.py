"""Activation-weighted magnitude: ``|w|`` times the norm of the input that the weight multiplies."""

from collections.abc import Iterator, Sequence
from typing import final

from torch import Tensor, nn

from collectors.pruning.calibration_texts import calibration_texts
from collectors.pruning.importances.contract import AbstractImportance
from collectors.pruning.importances.gradients import only_these_trained, prunable_weights
from collectors.pruning.input_moments import input_moments
from perfmodel.model.architecture import Architecture


@final
class ActivationMagnitude(AbstractImportance):
    """How much a weight contributes to its output over the calibration texts.

    The norm is the root mean square over tokens: the paper's norm over all tokens but for a factor that all share.

    Source: Wanda (arXiv 2306.11695), eq. 1.
    """

    def scores(
        self, model: nn.Module, architecture: Architecture, token_ids: Sequence[Sequence[int]], seed: int
    ) -> Iterator[tuple[int, str, Tensor]]:
        """Yields ``|w_ij| sqrt(mean x_j^2)`` of every module."""
        del seed
        with only_these_trained(model, {}):
            moments = input_moments(model, architecture, calibration_texts(token_ids), "diagonal")
        for (layer, name), weight in prunable_weights(model, architecture).items():
            yield layer, name, weight.detach().abs() * moments[layer, name].to(weight.device).sqrt()
