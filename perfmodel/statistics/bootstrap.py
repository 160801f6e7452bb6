"""Percentile bootstrap over configurations: an estimate with the interval that other configurations could give."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.statistics.interval import LEVEL, Estimate

RESAMPLES = 1000


def group_weights(groups: NDArray[Any], *, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """Returns how often each row is drawn, shape ``(1 + resamples, n)``; the first line is the data as they are.

    Whole configurations are drawn, and those with repeated runs apart from the others, so that every sample has as
    many repeated ones as the data.

    Args:
        groups: name or number of each row's configuration, shape ``(n,)``.
        resamples: number of bootstrap samples, 1 or more.
        seed: seed of the random generator that draws them.
    """
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    rng = np.random.default_rng(seed)
    drawn = np.zeros((resamples, len(counts)))
    for stratum in (np.flatnonzero(counts == 1), np.flatnonzero(counts > 1)):
        if len(stratum):
            share = np.full(len(stratum), 1 / len(stratum))
            drawn[:, stratum] = rng.multinomial(len(stratum), share, size=resamples)
    return np.vstack((np.ones(len(inverse)), drawn[:, inverse]))


def estimate(values: NDArray[np.float64]) -> Estimate:
    """Returns the estimate from a statistic's value on each line of ``group_weights``.

    Samples in which the statistic is undefined are left out; with more than half of them undefined there is no
    interval, and where the first is undefined there is no estimate.

    Args:
        values: the statistic on each line, shape ``(1 + resamples,)``, in any unit, NaN where undefined.
    """
    if not np.isfinite(values[0]):
        return Estimate.undefined()
    finite = values[1:][np.isfinite(values[1:])]
    if 2 * len(finite) <= len(values) - 1:
        return Estimate(float(values[0]), None, None)
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(values[0]), float(low), float(high))
