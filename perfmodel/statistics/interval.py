"""A number with its interval: the one type for it, and Student's interval of a mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

LEVEL = 0.95
"""Share of repetitions of a study whose interval holds the true value, where nothing else is said."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, in one unit; each is None where the data do not define it.

    Args:
        value: the number, from the data as they are.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def undefined(cls) -> "Estimate":
        """Returns the estimate of something that the data do not define."""
        return cls(None, None, None)


def student_mean(values: Sequence[float], *, level: float = LEVEL) -> Estimate:
    """Returns the mean of independent values with Student's interval, which a single value does not have.

    Args:
        values: any number of finite numbers in one unit; none give an undefined estimate.
        level: share of such intervals that hold the expectation, in (0, 1).
    """
    if not values:
        return Estimate.undefined()
    mean = fmean(values)
    if len(values) == 1:
        return Estimate(mean, None, None)
    half = student_half_width(stdev(values) / sqrt(len(values)), len(values) - 1, level=level)
    return Estimate(mean, mean - half, mean + half)


def student_half_width(standard_error: float, freedom: int, *, level: float = LEVEL) -> float:
    """Returns the distance from an estimate to either end of Student's interval, in the estimate's unit.

    Args:
        standard_error: standard error of the estimate, in its unit, 0 or more.
        freedom: degrees of freedom of the standard error, 1 or more.
        level: share of such intervals that hold the true value, in (0, 1).
    """
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, freedom)) * standard_error
