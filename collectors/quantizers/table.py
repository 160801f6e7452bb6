"""What each format costs and loses on one base model: the table behind ``bench quantizers``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from torch import Tensor

from collectors.quantizers import AbstractQuantizer
from collectors.quantizers.fairness import RoundingErrors, rounding_errors
from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.formats import Format

FLOAT32_BYTES = 4
"""Of a compute value on a CPU; HQQ's scales and zeros take half of it on CUDA."""


@dataclass(frozen=True)
class QuantizerRow:
    """One format on one base model.

    Args:
        format: the format.
        bits_per_weight: as stored on a CPU, metadata included; None where the model's shapes do not fit.
        errors: relative errors; None where the model's shapes do not fit.
    """

    format: Format
    bits_per_weight: float | None
    errors: RoundingErrors | None

    @property
    def verdict(self) -> str:
        """``fair``; ``refused``, where the base has been through the format's grid; or ``does not fit``."""
        if self.errors is None:
            return "does not fit"
        return "fair" if self.errors.fair(self.format.bits) else "refused"

    def to_dict(self) -> dict[str, str | int | float | None]:
        """Returns the row as plain values."""
        return {
            "format": self.format.name,
            "bits": self.format.bits,
            "title": self.format.title,
            "source": self.format.source,
            "bits_per_weight": self.bits_per_weight,
            "relative_error": None if self.errors is None else self.errors.model,
            "gaussian_error": None if self.errors is None else self.errors.gaussian,
            "ratio": None if self.errors is None else self.errors.ratio,
            "verdict": self.verdict,
        }


def quantizer_table(
    quantizers: Mapping[str, AbstractQuantizer],
    weights: Sequence[Tensor],
    advance: Callable[[str], None] = lambda _: None,
) -> list[QuantizerRow]:
    """Returns one row for every quantiser.

    Args:
        quantizers: by format name.
        weights: of the base model, each of shape ``(rows, columns)``; see ``fairness.sample_weights``.
        advance: told the name of each format when it is done.
    """
    rows = []
    for name, quantizer in quantizers.items():
        rows.append(_row(quantizer, weights))
        advance(name)
    return rows


def _row(quantizer: AbstractQuantizer, weights: Sequence[Tensor]) -> QuantizerRow:
    try:
        errors = rounding_errors(quantizer, weights)
    except InvalidConfigurationError:
        return QuantizerRow(quantizer.format, None, None)
    shapes = [(weight.shape[0], weight.shape[1]) for weight in weights]
    stored = (
        8 * quantizer.format.stored_bytes(rows, columns, FLOAT32_BYTES) / (rows * columns) for rows, columns in shapes
    )
    return QuantizerRow(quantizer.format, mean(stored), errors)
