"""What can be said of predictions, each statistic for many weightings at once.

    n   rows
    b   weightings, shape (b, n): the first is the data as they are, the rest are bootstrap samples
    z   observed value in link space, log(y) or y
    m   predicted mean in link space; s   predicted standard deviation there

A weight of k counts as k copies of the row. Every function returns shape ``(b,)``, NaN where it is undefined.
Rank correlations of all rows are ``perfmodel.statistics.rank_correlation``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perfmodel.statistics.rank_correlation import kendall, spearman
from perfmodel.statistics.weighted import ratio

if TYPE_CHECKING:
    from perfmodel.surrogates.contract import Posterior

Floats = NDArray[np.float64]

QUANTILES = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Where the calibration curve is read."""


def mean(values: Floats, weights: Floats) -> Floats:
    """Returns the weighted mean of values, shape ``(n,)``."""
    return ratio(weights @ values, weights.sum(axis=1))


def root_mean_squared_error(observed: Floats, predicted: Floats, weights: Floats) -> Floats:
    """Returns the root mean squared error, in the unit of the values."""
    return np.sqrt(mean((predicted - observed) ** 2, weights))


def r2(observed: Floats, predicted: Floats, weights: Floats) -> Floats:
    """Returns the share of the variance explained; below 0 where the rows' own mean would have done better."""
    centred = observed - observed.mean()
    variance = mean(centred**2, weights) - mean(centred, weights) ** 2
    return 1 - ratio(mean((predicted - observed) ** 2, weights), variance)


def sparse_kendall(observed: Floats, predicted: Floats, weights: Floats, noise: float) -> Floats:
    """Returns Kendall's tau-b where observed values that differ by less than the noise are ties.

    A model is not charged for the order of what a repetition could reverse.

    Source: Zela et al. (2022), arXiv:2008.09777, who round accuracies to 0.1 %. We round the observed values, since it
    is their last digits that mean nothing.

    Args:
        observed: measured values in link space, shape ``(n,)``.
        predicted: means in link space, shape ``(n,)``.
        weights: how often each row counts, 0 or more, shape ``(b, n)``.
        noise: standard deviation between runs of one configuration, in the unit of ``observed``.
    """
    rounded = np.round(observed / noise) if noise > 0 else observed
    return kendall(rounded, predicted, weights)


def top_spearman(losses: Floats, predicted: Floats, weights: Floats, share: float) -> Floats:
    """Returns Spearman's rho among the best rows only: what is left of a ranking where a search ends.

    Args:
        losses: observed, the smaller the better, shape ``(n,)``.
        predicted: on the same scale, shape ``(n,)``.
        weights: how often each row counts, 0 or more, shape ``(b, n)``.
        share: of the rows that are the best.
    """
    return spearman(losses, predicted, weights * _best(losses, weights, share))


def precision_at(losses: Floats, predicted: Floats, weights: Floats, share: float) -> Floats:
    """Returns which part of the rows predicted to be the best belongs to the best.

    Args:
        losses: observed, the smaller the better, shape ``(n,)``.
        predicted: on the same scale, shape ``(n,)``.
        weights: how often each row counts, 0 or more, shape ``(b, n)``.
        share: of the rows that are the best; a model that knows nothing scores about this.
    """
    chosen = weights * _best(predicted, weights, share)
    return ratio((chosen * _best(losses, weights, share)).sum(axis=1), chosen.sum(axis=1))


def negative_log_likelihood(observed: Floats, posterior: "Posterior", weights: Floats) -> Floats:
    """Returns the mean of -log p(y), in nats; it depends on the metric's unit, so compare within one metric.

    Args:
        observed: measured values in the metric's unit, shape ``(n,)``.
        posterior: what was predicted for the n rows.
        weights: how often each row counts, 0 or more, shape ``(b, n)``.
    """
    link = np.log(observed) if posterior.log else observed
    errors = (link - posterior.location) / posterior.scale
    density = 0.5 * errors**2 + np.log(posterior.scale) + 0.5 * np.log(2 * np.pi)
    return mean(density + link if posterior.log else density, weights)


def crps(observed: Floats, posterior: "Posterior", weights: Floats) -> Floats:
    """Returns the mean continuous ranked probability score, in the metric's unit: an absolute error that sees spread.

    Source: Gneiting, Raftery (2007), JASA 102:359 (normal); Baran, Lerch (2015), QJRMS 141:2289 (log-normal).

    Args:
        observed: measured values in the metric's unit, shape ``(n,)``.
        posterior: what was predicted for the n rows.
        weights: how often each row counts, 0 or more, shape ``(b, n)``.
    """
    from scipy.stats import norm

    location, scale = posterior.location, posterior.scale
    if not posterior.log:
        errors = (observed - location) / scale
        score = errors * (2 * norm.cdf(errors) - 1) + 2 * norm.pdf(errors) - 1 / np.sqrt(np.pi)
        return mean(scale * score, weights)
    errors = (np.log(observed) - location) / scale
    spread = norm.cdf(errors - scale) + norm.cdf(scale / np.sqrt(2)) - 1
    return mean(observed * (2 * norm.cdf(errors) - 1) - 2 * np.exp(location + scale**2 / 2) * spread, weights)


def calibration_curve(
    observed: Floats, posterior: "Posterior", weights: Floats, quantiles: Sequence[float] = QUANTILES
) -> Floats:
    """Returns how often the observed value lies below each predicted quantile, shape ``(b, len(quantiles))``.

    Source: Kuleshov, Fenner, Ermon (2018), arXiv:1807.00263.

    Args:
        observed: measured values in the metric's unit, shape ``(n,)``.
        posterior: what was predicted for the n rows.
        weights: how often each row counts, 0 or more, shape ``(b, n)``.
        quantiles: probabilities at which the curve is read, in (0, 1).
    """
    from scipy.stats import norm

    link = np.log(observed) if posterior.log else observed
    reached = norm.cdf((link - posterior.location) / posterior.scale)
    below = (reached[:, None] <= np.asarray(quantiles)).astype(np.float64)
    return np.stack([mean(column, weights) for column in below.T], axis=1)


def calibration_error(observed: Floats, posterior: "Posterior", weights: Floats) -> Floats:
    """Returns the mean distance between the calibration curve and the diagonal; 0 is best, 0.25 is hopeless."""
    curve = calibration_curve(observed, posterior, weights)
    return np.asarray(np.abs(curve - np.asarray(QUANTILES)).mean(axis=1))


def coverage(observed: Floats, low: Floats, high: Floats, weights: Floats) -> Floats:
    """Returns the share of observed values between ``low`` and ``high``."""
    return mean(((low <= observed) & (observed <= high)).astype(np.float64), weights)


def relative_width(observed: Floats, low: Floats, high: Floats, weights: Floats) -> Floats:
    """Returns the mean width of the intervals over the mean magnitude of the observed values."""
    return ratio(mean(high - low, weights), mean(np.abs(observed), weights))


def _best(losses: Floats, weights: Floats, share: float) -> Floats:
    """Returns 1 for the rows with the smallest losses that hold a share of the weight, else 0, shape ``(b, n)``."""
    order = np.argsort(losses, kind="stable")
    ordered = weights[:, order]
    before = np.cumsum(ordered, axis=1) - ordered
    chosen = np.zeros_like(weights)
    # A share of 0.1 of ten rows is one row, whatever the last digit of 0.1 * 10 says.
    chosen[:, order] = before < share * ordered.sum(axis=1, keepdims=True) - 1e-9
    return chosen
