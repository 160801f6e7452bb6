"""Whether a format's error on a base model is its own: a base that has been through a format's grid hides it.

SmolLM2's published 4-bit file lies on a grid of 32 weights a scale; HQQ at 4 bits in groups of 32 finds that grid again
and loses almost nothing, which says nothing of HQQ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import torch
from torch import Tensor, nn

from collectors.pruning.prune import decoder_layers, linear_modules
from collectors.quantizers import AbstractQuantizer, linear_of
from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.architecture import Architecture

REFERENCE_BITS = 16

LEAST_RATIO = 0.5
"""Of the error on the model over that on Gaussian matrices.

On SmolLM2-135M the formats that meet its grid lie below 0.03 and all others above 0.8
(``benchmarks/quantizer_error.py``).
"""


@dataclass(frozen=True)
class RoundingErrors:
    """Mean relative errors of a format.

    Args:
        model: on the model's matrices.
        gaussian: on Gaussian matrices of their shapes and scales.
    """

    model: float
    gaussian: float

    @property
    def ratio(self) -> float:
        """The first over the second; near 1 where the model's weights are nothing special to the format."""
        return self.model / self.gaussian

    def fair(self, bits: int) -> bool:
        """Returns whether a format of that width may be used on the model.

        Sixteen bits always may: most models are published in bfloat16, and nothing is claimed of storing them so.
        """
        return bits == REFERENCE_BITS or self.ratio >= LEAST_RATIO


def sample_weights(model: nn.Module, architecture: Architecture) -> list[Tensor]:
    """Returns three matrices spread over the model: of an early, the middle and a late layer.

    Args:
        model: float base model.
        architecture: of the model.
    """
    attention, widening = (
        next(module.name for module in architecture.modules if module.parent == parent)
        for parent in ("self_attn", "mlp")
    )
    narrowing = architecture.modules[-1].name
    layers = decoder_layers(model)
    count = len(layers)
    places = ((count // 12, attention), (count // 2, narrowing), (9 * count // 10, widening))
    return [getattr(*linear_modules(layers[index], architecture)[name]).weight.detach() for index, name in places]


def rounding_errors(quantizer: AbstractQuantizer, weights: Sequence[Tensor]) -> RoundingErrors:
    """Returns the errors of a quantiser on matrices and on Gaussian ones like them, drawn with a fixed seed.

    Args:
        quantizer: of any format.
        weights: float, each of shape ``(rows, columns)``.

    Raises:
        InvalidConfigurationError: when the format cannot hold one of the shapes.
    """
    generator = torch.Generator().manual_seed(0)
    gaussian = [
        (torch.randn(weight.shape, generator=generator) * weight.std().cpu()).to(weight.device) for weight in weights
    ]
    return RoundingErrors(
        model=mean(_relative_error(quantizer, weight.float()) for weight in weights),
        gaussian=mean(_relative_error(quantizer, weight) for weight in gaussian),
    )


def check_fair(quantizer: AbstractQuantizer, weights: Sequence[Tensor], model_name: str) -> None:
    """Refuses a format whose error on the model is below half of that on Gaussian matrices.

    Args:
        quantizer: of any format.
        weights: matrices of the base model, each of shape ``(rows, columns)``; see ``sample_weights``.
        model_name: for the message.

    Raises:
        InvalidConfigurationError: when the base has been through the format's grid, or its shapes do not fit.
    """
    errors = rounding_errors(quantizer, weights)
    if not errors.fair(quantizer.format.bits):
        raise InvalidConfigurationError(
            f"{quantizer.format.name} leaves a relative error of {errors.model:.4f} on {model_name}, and "
            f"{errors.gaussian:.4f} on Gaussian weights of that scale",
            f"the first must be at least {LEAST_RATIO} of the second, or the base has been through this grid already "
            "and its measurements would flatter the format",
            "choose another format for this base model",
        )


def _relative_error(quantizer: AbstractQuantizer, weight: Tensor) -> float:
    back = quantizer.dequantize(quantizer.quantize(linear_of(weight), torch.float32))
    return float((back - weight).norm() / weight.norm())
