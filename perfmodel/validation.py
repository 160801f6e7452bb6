"""How good a surrogate is on configurations it never saw: repeated cross-validation by configuration, and scores.

n   traces
k   repeats of the whole cross-validation
b   bootstrap samples over configurations
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.bootstrap import RESAMPLES, Estimate, estimate, group_weights
from perfmodel.errors import NotEnoughTracesError
from perfmodel.metrics import metric as metric_named
from perfmodel.rank_correlation import kendall, spearman
from perfmodel.surrogates import make_surrogate
from perfmodel.training_data import TrainingData

MINIMUM_CONFIGURATIONS = 10
"""Below this, five folds hold one configuration each and every score is a matter of luck."""

INTERVAL_LEVEL = 0.9
FOLDS = 5
REPEATS = 3
BASELINE = "constant"


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of a surrogate for traces whose configuration was left out of its fit.

    Args:
        metric: what was predicted.
        surrogate: its name.
        groups: configuration of each trace, shape ``(n,)``.
        observed: measured values, shape ``(n,)``, in the metric's unit.
        folds: number of the fold that each trace was in, shape ``(k, n)``.
        mean: predictions, shape ``(k, n)``.
        location: predictions on the scale on which the metric is modelled (log or its own), shape ``(k, n)``.
        low: lower ends of the ``INTERVAL_LEVEL`` intervals, shape ``(k, n)``.
        high: upper ends, shape ``(k, n)``.
    """

    metric: str
    surrogate: str
    groups: NDArray[Any]
    observed: NDArray[np.float64]
    folds: NDArray[np.int64]
    mean: NDArray[np.float64]
    location: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def observed_location(self) -> NDArray[np.float64]:
        """The measured values on the scale on which the metric is modelled, shape ``(n,)``."""
        return np.log(self.observed) if metric_named(self.metric).log_target else self.observed


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
        coverage: share of traces inside the ``INTERVAL_LEVEL`` interval.
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
    from sklearn.model_selection import GroupKFold

    _require_configurations(data)
    shape = (repeats, len(data.target))
    fold_of = np.zeros(shape, dtype=np.int64)
    mean, location, low, high = (np.zeros(shape) for _ in range(4))
    for repeat in range(repeats):
        splitter = GroupKFold(folds, shuffle=True, random_state=seed + repeat)
        for fold, (train, test) in enumerate(splitter.split(data.features, groups=data.groups)):
            model = make_surrogate(surrogate, data.metric, seed=seed)
            model.fit(data.features.iloc[train], data.target[train], data.groups[train])
            posterior = model.posterior(data.features.iloc[test])
            fold_of[repeat, test] = fold
            mean[repeat, test], location[repeat, test] = posterior.mean, posterior.location
            low[repeat, test], high[repeat, test] = posterior.interval(INTERVAL_LEVEL)
    return OutOfFold(data.metric, surrogate, data.groups, data.target, fold_of, mean, location, low, high)


def score_surrogates(
    data: TrainingData, surrogates: Sequence[str], *, folds: int = FOLDS, repeats: int = REPEATS, seed: int = 0
) -> list[Score]:
    """Returns the scores of several surrogates under the same splits, in the order of their names.

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
    return [score(results[name], results[BASELINE], seed=seed) for name in surrogates]


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
    error, baseline = (_rmse(each.location, each.observed_location, weights) for each in (result, constant))
    undefined = np.full(len(weights), np.nan)
    ranks = varies and _differs_within_a_fold(result)
    inside = (result.low <= result.observed) & (result.observed <= result.high)
    magnitude = _mean(np.abs(result.observed), weights)
    return Score(
        metric=result.metric,
        surrogate=result.surrogate,
        n_traces=len(result.observed),
        n_configurations=len(np.unique(result.groups)),
        r2=estimate(_r2(result, weights) if varies else undefined),
        spearman=estimate(_over_repeats(spearman, result, weights) if ranks else undefined),
        kendall=estimate(_over_repeats(kendall, result, weights) if ranks else undefined),
        rmse=estimate(_rmse(result.mean, result.observed, weights)),
        error_ratio_to_constant=estimate(_divide(error, baseline) if varies else undefined),
        coverage=estimate(_mean(inside.mean(axis=0), weights) if varies else undefined),
        relative_width=estimate(_divide(_mean((result.high - result.low).mean(axis=0), weights), magnitude)),
    )


def choose(scores: Sequence[Score]) -> dict[str, str]:
    """Returns the surrogate of each metric with the lowest out-of-fold error, the constant where none beats it.

    Args:
        scores: of one or more metrics, the surrogates of each under the same splits.
    """
    chosen: dict[str, tuple[float, str]] = {}
    for entry in scores:
        ratio = entry.error_ratio_to_constant.value
        chosen.setdefault(entry.metric, (1.0, BASELINE))
        if ratio is not None and ratio < chosen[entry.metric][0]:
            chosen[entry.metric] = ratio, entry.surrogate
    return {metric: name for metric, (_, name) in chosen.items()}


def _require_configurations(data: TrainingData) -> None:
    count = len(np.unique(data.groups))
    if count < MINIMUM_CONFIGURATIONS:
        raise NotEnoughTracesError(
            f"{data.metric} was measured on {count} different configurations ({len(data.target)} traces)",
            f"at least {MINIMUM_CONFIGURATIONS} configurations are needed to judge a surrogate",
            "collect more traces of this setting, or leave the metric out",
        )


def _differs_within_a_fold(result: OutOfFold) -> bool:
    # Pooled over folds a constant is perfectly anti-correlated with what it left out: an artefact, not a ranking.
    for folds, means in zip(result.folds, result.mean, strict=True):
        if any(np.ptp(means[folds == fold]) > 0 for fold in np.unique(folds)):
            return True
    return False


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _squared_error(
    predicted: NDArray[np.float64], observed: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the mean squared error of each repeat and weighting, shape ``(k, b)``."""
    return np.array([_mean((each - observed) ** 2, weights) for each in predicted])


def _rmse(
    predicted: NDArray[np.float64], observed: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(_squared_error(predicted, observed, weights)).mean(axis=0))


def _r2(result: OutOfFold, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    observed = result.observed_location
    centred = observed - observed.mean()
    variance = _mean(centred**2, weights) - _mean(centred, weights) ** 2
    return 1 - _divide(_squared_error(result.location, observed, weights).mean(axis=0), variance)


Statistic = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def _over_repeats(statistic: Statistic, result: OutOfFold, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.mean([statistic(means, result.observed, weights) for means in result.mean], axis=0))


def _divide(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return ratio
