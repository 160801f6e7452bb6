"""Every statistic of out-of-fold predictions by name: one line in one table.

n   predicted traces
b   weightings
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from perfmodel.evaluation import scores
from perfmodel.evaluation.out_of_fold import OutOfFold, View
from perfmodel.evaluation.splits import TOP_SHARE
from perfmodel.space.metrics import Metric
from perfmodel.space.metrics import metric as metric_named
from perfmodel.statistics.rank_correlation import kendall, spearman

Floats = NDArray[np.float64]
Statistic = Callable[[View, Floats], Floats]
"""From one block of one repeat and its weightings ``(b, rows)`` to shape ``(b,)``, or more for a curve."""

STATISTICS: dict[str, Statistic] = {
    "r2": lambda view, weights: scores.r2(view.link, view.posterior.location, weights),
    "spearman": lambda view, weights: spearman(view.mean, view.observed, weights),
    "kendall": lambda view, weights: kendall(view.mean, view.observed, weights),
    "rmse": lambda view, weights: scores.root_mean_squared_error(view.observed, view.mean, weights),
    "link_rmse": lambda view, weights: scores.root_mean_squared_error(view.link, view.posterior.location, weights),
    "nll": lambda view, weights: scores.negative_log_likelihood(view.observed, view.posterior, weights),
    "crps": lambda view, weights: scores.crps(view.observed, view.posterior, weights),
    "calibration_error": lambda view, weights: scores.calibration_error(view.observed, view.posterior, weights),
    "coverage_50": lambda view, weights: scores.coverage(view.observed, *view.intervals[0.5], weights),
    "coverage_90": lambda view, weights: scores.coverage(view.observed, *view.intervals[0.9], weights),
    "width_50": lambda view, weights: scores.relative_width(view.observed, *view.intervals[0.5], weights),
    "width_90": lambda view, weights: scores.relative_width(view.observed, *view.intervals[0.9], weights),
}

RANKINGS = ("spearman", "kendall", "sparse_kendall", "top_spearman", "precision_at_top")
"""Undefined for predictions that do not differ."""


def top_statistics(metric: str | Metric, share: float = TOP_SHARE) -> dict[str, Statistic]:
    """Returns the statistics of the best rows, in the metric's direction.

    Args:
        metric: decides which end is the best.
        share: of the rows that are the best.
    """
    sign = metric_named(metric).to_loss(1.0)
    return {
        "top_spearman": lambda view, weights: scores.top_spearman(
            sign * view.observed, sign * view.mean, weights, share
        ),
        "precision_at_top": lambda view, weights: scores.precision_at(
            sign * view.observed, sign * view.mean, weights, share
        ),
    }


def calibration(view: View, weights: Floats) -> Floats:
    """Returns how often a value lies below each of ``scores.QUANTILES`` as the model gives them, shape ``(b, 19)``."""
    return scores.calibration_curve(view.observed, view.posterior, weights)


def sparse_statistic(noise: float) -> Statistic:
    """Returns sparse Kendall's tau.

    Args:
        noise: standard deviation between runs of one configuration, in link space.
    """
    return lambda view, weights: scores.sparse_kendall(view.link, view.posterior.location, weights, noise)


def averaged(result: OutOfFold, weights: Floats, statistic: Statistic) -> Floats:
    """Returns a statistic, taken within each block and repeat and averaged by their rows, shape ``(b, ...)``.

    Args:
        result: out-of-fold predictions of n traces.
        weights: of its traces, shape ``(b, n)``.
        statistic: from the predictions of one block in one repeat and b weightings to shape ``(b, ...)``.
    """
    parts = [len(rows) * statistic(view, weights[:, rows]) for rows, view in result.views()]
    return np.asarray(np.sum(parts, axis=0) / (len(result.observed) * len(result.location)))
