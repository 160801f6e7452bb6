"""Scores of out-of-fold predictions by name, each with a bootstrap interval over what was left out.

Errors are taken on the scale on which a metric is modelled: where losses span a decade, one failed configuration would
decide them on the plain scale. Intervals are conformal, calibrated by configurations in other folds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.evaluation.out_of_fold import OutOfFold
from perfmodel.evaluation.score_table import (
    RANKINGS,
    STATISTICS,
    Statistic,
    averaged,
    calibration,
    sparse_statistic,
    top_statistics,
)
from perfmodel.space.metrics import metric as metric_named
from perfmodel.statistics.bootstrap import estimate, group_weights
from perfmodel.statistics.interval import Estimate
from perfmodel.statistics.weighted import ratio

if TYPE_CHECKING:
    from perfmodel.effects.noise_ceiling import NoiseCeiling

BASELINE = "constant"
ADDITIVE = "additive"

SCORES: tuple[str, ...] = (
    "r2",
    "spearman",
    "kendall",
    "sparse_kendall",
    "r2_of_ceiling",
    "spearman_of_ceiling",
    "kendall_of_ceiling",
    "error_ratio_to_constant",
    "error_ratio_to_additive",
    "top_spearman",
    "precision_at_top",
    "nll",
    "crps",
    "calibration_error",
    "coverage_50",
    "coverage_90",
    "width_50",
    "width_90",
)
"""What a line of a score sheet holds: the share of the variance that is explained; rank correlations; the same over the
best that the noise allows; the error over that of two plain models; what is left of the ranking among the best; scores
of the whole predictive distribution; how often intervals of two levels hold, and their relative width."""

CHOICE_SCORES = ("r2", "spearman", "kendall", "rmse", "error_ratio_to_constant", "coverage_90", "width_90")
"""What is kept of the candidates that a predictor chose from."""

_OF_VARIATION = ("r2", "coverage_50", "coverage_90", "error_ratio_to_constant", "error_ratio_to_additive")
"""Undefined where all measured values are the same, as rankings are."""


@dataclass(frozen=True)
class Line:
    """One surrogate of one metric under one split.

    Args:
        metric: what was predicted.
        split: name of the split.
        surrogate: name of the surrogate.
        n_traces: traces that were predicted.
        n_configurations: different configurations among them.
        scores: by name; undefined where the traces do not define them.
        calibration: share of values below each predicted quantile, at ``perfmodel.evaluation.scores.QUANTILES``, of the
            model's own posterior, before any interval is made conformal; empty where it was not asked for.
    """

    metric: str
    split: str
    surrogate: str
    n_traces: int
    n_configurations: int
    scores: Mapping[str, Estimate]
    calibration: tuple[Estimate, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns the line as plain values, each score beside the names, without the calibration."""
        values = {name: getattr(self, name) for name in ("metric", "surrogate", "n_traces", "n_configurations")}
        return values | {name: asdict(score) for name, score in self.scores.items()}


def score_line(
    split: str,
    result: OutOfFold,
    beside: Mapping[str, OutOfFold],
    *,
    names: Sequence[str] = SCORES,
    ceiling: "NoiseCeiling | None" = None,
    seed: int = 0,
) -> Line:
    """Returns scores of out-of-fold predictions: each taken in every repeat and block, and averaged over them.

    Args:
        split: name of the split.
        result: the predictions of the surrogate that is scored.
        beside: those of the constant and, where errors are set against its, of the additive model under the same
            split, by the surrogate's name.
        names: of the scores, any of ``SCORES`` and ``CHOICE_SCORES``; with ``calibration_error`` the calibration curve
            is there, too.
        ceiling: the best scores that the noise of the setting allows; without it no score is compared with them.
        seed: of the bootstrap, 0 or more.
    """
    weights = group_weights(result.units, seed=seed)
    statistics: dict[str, Statistic] = {**STATISTICS, **top_statistics(result.metric)}
    if ceiling is not None and ceiling.noise.value is not None:
        statistics["sparse_kendall"] = sparse_statistic(ceiling.noise.value)
    undefined = _undefined(split, result)
    values = {
        name: averaged(result, weights, statistics[name])
        for name in names
        if name in statistics and name not in undefined
    }
    error = averaged(result, weights, STATISTICS["link_rmse"])
    for other in (BASELINE, ADDITIVE):
        if (name := f"error_ratio_to_{other}") in names and name not in undefined:
            values[name] = ratio(error, averaged(beside[other], weights, STATISTICS["link_rmse"]))
    values |= _shares(values, ceiling)
    return Line(
        metric=metric_named(result.metric).name,
        split=split,
        surrogate=result.surrogate,
        n_traces=len(result.observed),
        n_configurations=len(np.unique(result.groups)),
        scores={name: estimate(values[name]) if name in values else Estimate.undefined() for name in names},
        calibration=tuple(estimate(column) for column in averaged(result, weights, calibration).T)
        if "calibration_error" in names
        else (),
    )


def _undefined(split: str, result: OutOfFold) -> set[str]:
    """Returns the names of the scores that the predictions do not define."""
    varies = len(np.unique(result.observed)) > 1
    undefined = set() if varies else {*_OF_VARIATION}
    if not varies or not result.differs_within_a_fold:
        undefined |= {*RANKINGS}
    if split == "extrapolation":  # all that is predicted there is the top
        undefined |= {"top_spearman", "precision_at_top"}
    return undefined


def _shares(
    values: Mapping[str, NDArray[np.float64]], ceiling: "NoiseCeiling | None"
) -> dict[str, NDArray[np.float64]]:
    """Returns scores over the best score that the noise allows; the ceiling's own uncertainty is not in them."""
    if ceiling is None:
        return {}
    best = {"r2": ceiling.r2.value, "spearman": ceiling.spearman.value, "kendall": ceiling.kendall.value}
    return {
        f"{name}_of_ceiling": values[name] / highest
        for name, highest in best.items()
        if highest is not None and highest > 0 and name in values
    }
