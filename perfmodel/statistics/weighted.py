"""Sums over weighted rows, for many weightings at once; a bootstrap sample is a weighting.

n  rows;  b  weightings
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ratio(above: Floats, below: Floats, *, more_than: float = 0.0) -> Floats:
    """Returns quotients, shape ``(b,)``, NaN where the divisor is not above ``more_than``.

    Args:
        above: dividends, shape ``(b,)``.
        below: divisors, shape ``(b,)``.
        more_than: largest divisor that counts as 0, 0 or more.
    """
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > more_than))


def quadratic_form(weights: Floats, matrix: Floats) -> Floats:
    """Returns ``w' M w`` of each weighting, shape ``(b,)``.

    Args:
        weights: how often each row counts, shape ``(b, n)``, 0 or more.
        matrix: one number a pair of rows, shape ``(n, n)``.
    """
    return np.asarray(((weights @ matrix) * weights).sum(axis=1))


def weighted_deviation(values: Floats, weights: Floats) -> Floats:
    """Returns the standard deviation under each weighting, shape ``(b,)``, in the values' unit.

    Args:
        values: one number a row, shape ``(n,)``, or one a row and weighting, shape ``(b, n)``.
        weights: shape ``(b, n)``, 0 or more, of each line together above 0.
    """
    total = weights.sum(axis=1)
    centred = values - values[..., :1]
    variance = (weights * centred**2).sum(axis=1) / total - ((weights * centred).sum(axis=1) / total) ** 2
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))
