"""How a metric's values are shown in a report: scaled unit, decimals, intervals, and a dash for what is not known."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from perfmodel.space.metrics import METRICS

Record = Mapping[str, Any]
"""A report record: plain values as ``json.loads`` returns them."""

UNKNOWN = "\u2013"
"""An en dash: printed for a number that is not known."""

_BYTE_UNITS = (("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10))


@dataclass(frozen=True)
class Quantity:
    """One metric as shown.

    Args:
        name: of the metric.
        label: what an axis says, without the unit.
        unit: as shown; empty where there is none.
        divisor: a stored value over this is the shown one.
        decimals: printed after the point.
    """

    name: str
    label: str
    unit: str
    divisor: float
    decimals: int

    @property
    def title(self) -> str:
        """Returns the label with the unit, for axes and column heads."""
        if self.unit and self.label.endswith(")"):
            return f"{self.label[:-1]}, {self.unit})"
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def shown(self, value: float | None) -> float | None:
        """Returns a stored value in the shown unit."""
        return None if value is None else value / self.divisor

    def text(self, value: float | None) -> str:
        """Returns a stored value as printed, without its unit."""
        return UNKNOWN if value is None else f"{value / self.divisor:.{self.decimals}f}"

    def with_unit(self, value: float | None) -> str:
        """Returns a stored value as printed, with its unit."""
        return f"{self.text(value)} {self.unit}" if value is not None and self.unit else self.text(value)

    def interval_text(self, estimate: Mapping[str, Any] | None) -> str:
        """Returns an estimate as ``1.52 [1.45, 1.60]``, with ``n = 3`` where it counts runs."""
        if estimate is None or estimate.get("value") is None:
            return UNKNOWN
        text = self.text(estimate["value"])
        if has_interval(estimate):
            text += f" [{self.text(estimate['low'])}, {self.text(estimate['high'])}]"
        return f"{text}, n = {estimate['n']}" if "n" in estimate else text


def has_interval(estimate: Mapping[str, Any]) -> bool:
    """Returns whether both ends of the interval are known."""
    return estimate.get("low") is not None and estimate.get("high") is not None


def estimate_text(estimate: Mapping[str, Any] | None, decimals: int = 2) -> str:
    """Returns a unitless estimate as ``0.87 [0.80, 0.92]``."""
    return Quantity("", "", "", 1.0, decimals).interval_text(estimate)


def quantities(record: Record) -> dict[str, Quantity]:
    """Returns how every metric of a record is shown, the objectives first; one unit for each in the whole report."""
    found: dict[str, list[float]] = {name: [] for name in record["objectives"]}
    for name, value in _stored(record):
        if value is not None:
            found.setdefault(name, []).append(abs(value))
    return {name: quantity(name, values) for name, values in found.items()}


def quantity(name: str, values: Iterable[float]) -> Quantity:
    """Returns how one metric is shown.

    Args:
        name: of the metric; an unknown one is shown under its name as it is.
        values: magnitudes that occur; the largest decides about unit and decimals.
    """
    largest = max(values, default=0.0)
    known = METRICS.get(name)
    label, unit, divisor = (known.label, known.unit, 1.0) if known else (name, "", 1.0)
    if unit == "bytes":
        unit, divisor = next(((unit, size) for unit, size in _BYTE_UNITS if largest >= size), ("bytes", 1.0))
    digits = math.floor(math.log10(largest / divisor)) if largest > 0 else 0
    return Quantity(name, label, unit, divisor, decimals=min(4, max(0, 3 - max(digits, 0))))


def _stored(record: Record) -> Iterator[tuple[str, float | None]]:
    for point in record["training_points"]:
        yield from point["metrics"].items()
    for entry in (*record["front"], *record["validation"]):
        for block in ("predicted", "measured"):
            for name, estimate in entry.get(block, {}).items():
                yield name, estimate["value"]


def duration(seconds: float | None) -> str:
    """Returns a duration as ``13 min 32 s``."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Returns ``1 run`` or ``3 runs``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
