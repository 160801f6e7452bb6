"""Spearman's and Kendall's rank correlation of weighted rows, for many weightings at once.

    n   rows
    b   weightings; a bootstrap sample is a vector of counts, so a thousand samples are two matrix products

A weight of k counts as k copies of the row: the results equal those of the repeated rows, ties included.
"""

import numpy as np
from numpy.typing import NDArray

from perfmodel.statistics.weighted import quadratic_form, ratio

_ROUNDING = 1e-9
"""A sum of squared counts below this is 0."""


def kendall(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns Kendall's tau-b of each weighting, shape ``(b,)``, NaN where x or y does not vary.

    Args:
        x: one number a row, shape ``(n,)``, in any unit.
        y: another number a row, shape ``(n,)``, in any unit.
        weights: how often each row counts, shape ``(b, n)``, 0 or more.
    """
    x_signs, y_signs = _signs(x), _signs(y)
    concordant = quadratic_form(weights, x_signs * y_signs)
    untied = quadratic_form(weights, np.abs(x_signs)) * quadratic_form(weights, np.abs(y_signs))
    return ratio(concordant, np.sqrt(untied), more_than=_ROUNDING)


def spearman(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns Spearman's rho of each weighting, shape ``(b,)``, NaN where x or y does not vary.

    Args:
        x: one number a row, shape ``(n,)``, in any unit.
        y: another number a row, shape ``(n,)``, in any unit.
        weights: how often each row counts, shape ``(b, n)``, 0 or more.
    """
    # Row i's mid-rank is the weight below it and half of the weight level with it, up to a constant.
    x_ranks, y_ranks = weights @ (_signs(x).T + 1) / 2, weights @ (_signs(y).T + 1) / 2
    # A weighting of nothing has ranks of 0 throughout, which do not vary.
    total = np.maximum(weights.sum(axis=1, keepdims=True), _ROUNDING)
    x_ranks -= (weights * x_ranks).sum(axis=1, keepdims=True) / total
    y_ranks -= (weights * y_ranks).sum(axis=1, keepdims=True) / total
    covariance = (weights * x_ranks * y_ranks).sum(axis=1)
    variances = (weights * x_ranks**2).sum(axis=1) * (weights * y_ranks**2).sum(axis=1)
    return ratio(covariance, np.sqrt(variances), more_than=_ROUNDING)


def _signs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(np.subtract.outer(values, values))
