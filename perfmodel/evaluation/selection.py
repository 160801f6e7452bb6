"""How good a surrogate is on configurations it never saw: repeated cross-validation by configuration, and scores.

The harder splits and the rest of the scores are in ``perfmodel.evaluation.score_sheet``; these are what a predictor
goes by when it chooses among its candidates. Intervals are conformal, calibrated by configurations in other folds.

n   traces
k   repeats of the whole cross-validation
b   bootstrap samples over configurations
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.conformal import Conformal
from perfmodel.evaluation.out_of_fold import INTERVAL_LEVEL, OutOfFold, out_of_fold
from perfmodel.evaluation.score_table import RANKINGS, STATISTICS, averaged
from perfmodel.evaluation.splits import FOLDS, ConfigurationFolds
from perfmodel.features.training_data import TrainingData
from perfmodel.statistics.bootstrap import RESAMPLES, estimate, group_weights
from perfmodel.statistics.interval import Estimate
from perfmodel.statistics.weighted import ratio

__all__ = ["INTERVAL_LEVEL", "Judged", "Score", "choose", "cross_validate", "judge", "score", "score_surrogates"]

MINIMUM_CONFIGURATIONS = 10
"""Below this, five folds hold one configuration each and every score is a matter of luck."""

REPEATS = 3
BASELINE = "constant"


@dataclass(frozen=True)
class Score:
    """Out-of-fold quality of one surrogate on one metric; every interval is a bootstrap over configurations.

    ``r2`` and ``error_ratio_to_constant`` are taken on the scale on which the metric is modelled: where losses span a
    decade, one failed configuration would decide both on the plain scale.

    Args:
        metric: what was predicted.
        surrogate: its name.
        n_traces: number of traces.
        n_configurations: number of different configurations.
        r2: share of the variance explained, negative when worse than the mean; on the modelled scale.
        spearman: rank correlation; undefined for predictions that do not differ within a fold.
        kendall: tau-b; undefined likewise.
        rmse: root mean squared error in the metric's unit.
        error_ratio_to_constant: root mean squared error over the constant's, same splits; on the modelled scale.
        coverage: share of traces inside the conformal ``INTERVAL_LEVEL`` interval.
        relative_width: mean width of that interval over the mean magnitude of the observed values.
    """

    metric: str
    surrogate: str
    n_traces: int
    n_configurations: int
    r2: Estimate
    spearman: Estimate
    kendall: Estimate
    rmse: Estimate
    error_ratio_to_constant: Estimate
    coverage: Estimate
    relative_width: Estimate


@dataclass(frozen=True)
class Judged:
    """Surrogates of one metric under the same splits.

    Args:
        scores: in the order of their names.
        calibrations: of each surrogate's intervals, for the same surrogate fitted to everything.
    """

    scores: list[Score]
    calibrations: dict[str, Conformal]


def cross_validate(
    data: TrainingData, surrogate: str, *, folds: int = FOLDS, repeats: int = REPEATS, seed: int = 0
) -> OutOfFold:
    """Returns out-of-fold predictions; the splits depend only on the configurations, ``folds`` and ``seed``.

    Args:
        data: traces of one metric, n rows.
        surrogate: its name.
        folds: parts into which the configurations are divided.
        repeats: k, times that this is done.
        seed: of the splits and of the surrogate.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` different configurations.
        UnknownNameError: when the surrogate does not exist.
    """
    require_configurations(data)
    splitters = [ConfigurationFolds(folds, seed + repeat) for repeat in range(repeats)]
    return out_of_fold(data, surrogate, splitters, seed=seed)


def judge(
    data: TrainingData, surrogates: Sequence[str], *, folds: int = FOLDS, repeats: int = REPEATS, seed: int = 0
) -> Judged:
    """Returns the scores and the calibrations of several surrogates under the same splits.

    Args:
        data: traces of one metric, n rows.
        surrogates: their names.
        folds: parts into which the configurations are divided.
        repeats: times that this is done.
        seed: of splits, surrogates and bootstrap.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` different configurations.
        UnknownNameError: when a surrogate does not exist.
    """
    names = dict.fromkeys((*surrogates, BASELINE))
    results = {name: cross_validate(data, name, folds=folds, repeats=repeats, seed=seed) for name in names}
    return Judged(
        [score(results[name], results[BASELINE], seed=seed) for name in surrogates],
        {name: results[name].calibration() for name in surrogates},
    )


def score_surrogates(
    data: TrainingData, surrogates: Sequence[str], *, folds: int = FOLDS, repeats: int = REPEATS, seed: int = 0
) -> list[Score]:
    """Returns the scores of ``judge``, in the order of the names.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` different configurations.
        UnknownNameError: when a surrogate does not exist.
    """
    return judge(data, surrogates, folds=folds, repeats=repeats, seed=seed).scores


def score(result: OutOfFold, constant: OutOfFold, *, resamples: int = RESAMPLES, seed: int = 0) -> Score:
    """Returns the score of out-of-fold predictions: each statistic per repeat, averaged over the repeats.

    Args:
        result: of the surrogate.
        constant: of the constant, under the same splits.
        resamples: b.
        seed: of the bootstrap.
    """
    weights = group_weights(result.groups, resamples=resamples, seed=seed)
    varies = len(np.unique(result.observed)) > 1
    ranks = varies and result.differs_within_a_fold

    def of(name: str, *, defined: bool = True) -> Estimate:
        if not defined or (name in RANKINGS and not ranks):
            return Estimate.undefined()
        return estimate(averaged(result, weights, STATISTICS[name]))

    error, baseline = (averaged(each, weights, STATISTICS["link_rmse"]) for each in (result, constant))
    return Score(
        metric=result.metric,
        surrogate=result.surrogate,
        n_traces=len(result.observed),
        n_configurations=len(np.unique(result.groups)),
        r2=of("r2", defined=varies),
        spearman=of("spearman"),
        kendall=of("kendall"),
        rmse=of("rmse"),
        error_ratio_to_constant=estimate(ratio(error, baseline)) if varies else Estimate.undefined(),
        coverage=of("coverage_90", defined=varies),
        relative_width=of("width_90"),
    )


def choose(scores: Sequence[Score]) -> dict[str, str]:
    """Returns the surrogate of each metric with the lowest out-of-fold error, the constant where none beats it.

    Args:
        scores: of one or more metrics, the surrogates of each under the same splits.
    """
    chosen: dict[str, tuple[float, str]] = {}
    for entry in scores:
        error = entry.error_ratio_to_constant.value
        chosen.setdefault(entry.metric, (1.0, BASELINE))
        if error is not None and error < chosen[entry.metric][0]:
            chosen[entry.metric] = error, entry.surrogate
    return {metric: name for metric, (_, name) in chosen.items()}


def require_configurations(data: TrainingData) -> None:
    """Refuses data that no surrogate can be judged by.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` different configurations.
    """
    count = len(np.unique(data.groups))
    if count < MINIMUM_CONFIGURATIONS:
        raise NotEnoughTracesError(
            f"{data.metric} was measured on {count} different configurations ({len(data.target)} traces)",
            f"at least {MINIMUM_CONFIGURATIONS} configurations are needed to judge a surrogate",
            "collect more traces of this setting, or leave the metric out",
        )
