"""What traces of other tasks are worth on a new one: error against the number of the new task's own traces.

    S   source tasks
    m   prior mean: what models of the sources predict for a configuration, in link space, averaged over the sources
    z   observed on the new task, in link space

    z = a + b m + f(x) + noise

Each source task has a model of its own. A line (a, b), its slope drawn towards 1, carries their mean over to the new
task's scale, and a surrogate learns what is left. Without a trace of the new task the answer is m itself, which ranks
configurations but cannot know the task's level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.out_of_fold import Make, out_of_fold
from perfmodel.evaluation.score_table import STATISTICS, averaged
from perfmodel.evaluation.selection import MINIMUM_CONFIGURATIONS
from perfmodel.evaluation.splits import ConfigurationFolds, FewerTraces
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.training_data import TrainingData, rows_of
from perfmodel.space.metrics import Metric
from perfmodel.space.metrics import metric as metric_named
from perfmodel.statistics.bootstrap import estimate, group_weights
from perfmodel.statistics.interval import Estimate
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, link_target
from perfmodel.surrogates.registry import make_surrogate, surrogate_class

Start = Literal["scratch", "other tasks", "step 0 predicted", "step 0 measured", "other tasks and step 0"]
"""What a model has to begin with; ``perfmodel.evaluation.step_0_losses`` gives those of step 0."""

SIZES = (0, 10, 20, 50, 100)
"""Traces of the new task at which the error is read."""

FEWEST_FOR_RESIDUALS = 20
"""From fewer traces a surrogate of what is left learns noise: the line alone is used."""

_SLOPE_PRIOR = 1.0
"""The slope is drawn towards 1 as if by so many traces at one standard deviation of the prior mean."""

REPEATS = 2


@final
class TransferredSurrogate:
    """A surrogate of a new task that starts from models of others; see the module.

    Args:
        sources: fitted models of the other tasks.
        surrogate: name of what learns the rest.
        log_target: whether link space is log(y).
        seed: of that surrogate.
    """

    def __init__(
        self, sources: Sequence[AbstractSurrogate], surrogate: str, *, log_target: bool, seed: int = 0
    ) -> None:
        if not sources:
            raise NotEnoughTracesError(
                "there is no source task", "one or more are needed", "add traces of another task"
            )
        self._sources = tuple(sources)
        self._log = log_target
        self._residual_class = surrogate_class(surrogate)
        self._seed = seed
        self._line = (0.0, 1.0)
        self._noise: float | None = None
        self._residual: AbstractSurrogate | None = None

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; no row at all is allowed.

        Args:
            features: of each row's configuration, n rows, 0 or more.
            target: shape ``(n,)``, in the metric's unit.
            groups: configuration of each row, shape ``(n,)``.

        Raises:
            NotEnoughTracesError: with exactly one row.
            UserError: when a value is NaN or infinite, or not positive under ``log_target``.
        """
        self._line, self._noise, self._residual = (0.0, 1.0), None, None
        if not len(target):
            return self
        link = link_target(features, target, groups, log_target=self._log)
        prior = self._prior(features).location
        slope = _slope(prior, link)
        self._line = float(link.mean() - slope * prior.mean()), slope
        left = link - self._line[0] - slope * prior
        self._noise = float(np.sqrt((left**2).sum() / max(1, len(link) - 2)))
        if len(link) >= FEWEST_FOR_RESIDUALS:
            self._residual = self._residual_class(log_target=False, seed=self._seed).fit(features, left, groups)
        return self

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        prior = self._prior(features)
        location = self._line[0] + self._line[1] * prior.location
        if self._residual is not None:
            rest = self._residual.posterior(features)
            return Posterior(location + rest.location, rest.scale, self._log)
        spread = prior.scale if self._noise is None else np.full(len(location), max(self._noise, 1e-12))
        return Posterior(location, spread, self._log)

    def _prior(self, features: FeatureMatrix) -> Posterior:
        """Returns m with the spread of a task drawn like the sources."""
        known = [source.posterior(features) for source in self._sources]
        means = np.array([each.location for each in known])
        variance = np.mean([each.scale**2 for each in known], axis=0) + means.var(axis=0)
        return Posterior(means.mean(axis=0), np.sqrt(variance), self._log)


@dataclass(frozen=True)
class TransferPoint:
    """One way of learning a new task, from so many of its traces.

    Args:
        task: name of the new task.
        surrogate: name of the surrogate.
        start: what it begins with.
        traces: of the new task that it learns from.
        n_traces: that were predicted.
        r2: on the modelled scale, by configuration: neither the new task's nor a source's traces of a predicted
            configuration train.
        spearman: rank correlation of the same predictions.
        link_rmse: root mean squared error on the modelled scale.
    """

    task: str
    surrogate: str
    start: Start
    traces: int
    n_traces: int
    r2: Estimate
    spearman: Estimate
    link_rmse: Estimate


def transfer_points(
    target: TrainingData,
    sources: Sequence[TrainingData],
    surrogate: str,
    *,
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
) -> list[TransferPoint]:
    """Returns the error on one task against the number of its traces, transferred and from scratch.

    Args:
        target: traces of the new task.
        sources: traces of each other task, same metric, features and base model.
        surrogate: name of the model, of the sources and of what is left.
        sizes: traces of the new task; those that a fold does not have are left out. From scratch 0 has no model.
        seed: of splits, draws, models and bootstrap.

    Raises:
        NotEnoughTracesError: with fewer than ten configurations of the new task, or without a source of as many.
        UnknownNameError: when the surrogate does not exist.
    """
    usable = [source for source in sources if len(np.unique(source.groups)) >= MINIMUM_CONFIGURATIONS]
    count = len(np.unique(target.groups))
    if not usable or count < MINIMUM_CONFIGURATIONS:
        raise NotEnoughTracesError(
            f"{metric_named(target.metric).name} was measured on {count} configurations of the new task; "
            f"{len(usable)} other tasks have {MINIMUM_CONFIGURATIONS} or more",
            f"a new task and a source, each of {MINIMUM_CONFIGURATIONS} configurations or more, are needed",
            "collect traces of another task",
        )
    fitted = partial(_sources_without, usable, surrogate, seed, {})
    ways: tuple[tuple[Start, Any], ...] = (("other tasks", fitted), ("scratch", None))
    points = []
    for size in sizes:
        for start, given in ways if size else ways[:1]:
            make = partial(_make, target.metric, surrogate, seed, given)
            points.append(transfer_point(target, make, (surrogate, start, size), seed))
    return [point for point in points if point is not None]


def transfer_point(target: TrainingData, make: Make, what: tuple[str, Start, int], seed: int) -> TransferPoint | None:
    """Returns the error of one way of learning a task from so many of its traces, None where a fold has not so many.

    Args:
        target: traces of the task.
        make: makes the model, given the configurations that it will be asked about.
        what: name of the surrogate, what it begins with, and the number of traces.
        seed: of splits, draws, models and bootstrap.
    """
    surrogate, start, size = what
    if size > len(target.target) - int(np.ceil(len(target.target) / 5)):
        return None
    splitters = [FewerTraces(ConfigurationFolds(seed=seed + each), size, seed + each) for each in range(REPEATS)]
    result = out_of_fold(target, surrogate, splitters, seed=seed, make=make)
    weights = group_weights(result.groups, seed=seed)
    scores = {name: estimate(averaged(result, weights, STATISTICS[name])) for name in ("r2", "spearman", "link_rmse")}
    if not result.differs_within_a_fold:
        scores["spearman"] = Estimate.undefined()
    task = str(target.labels["task"][0]) if "task" in target.labels else ""
    return TransferPoint(task, surrogate, start, size, len(result.observed), **scores)


def _make(metric: str | Metric, surrogate: str, seed: int, fitted: Any, asked: NDArray[Any]) -> Any:
    if fitted is None:
        return make_surrogate(surrogate, metric, seed=seed)
    return TransferredSurrogate(fitted(asked), surrogate, log_target=metric_named(metric).log_target, seed=seed)


def _sources_without(
    sources: Sequence[TrainingData],
    surrogate: str,
    seed: int,
    kept: dict[frozenset[Any], list[AbstractSurrogate]],
    asked: NDArray[Any],
) -> list[AbstractSurrogate]:
    """Returns models of the sources that saw none of the configurations asked about; the same ones are fitted once."""
    key = frozenset(asked.tolist())
    if key not in kept:
        kept[key] = []
        for source in sources:
            rows = np.flatnonzero(~np.isin(source.groups, asked))
            own = rows_of(source, rows)
            model = make_surrogate(surrogate, source.metric, seed=seed)
            kept[key].append(model.fit(own.features, own.target, own.groups))
    return kept[key]


def _slope(prior: NDArray[np.float64], link: NDArray[np.float64]) -> float:
    """Returns the least-squares slope of link on prior, drawn towards 1."""
    centred = prior - prior.mean()
    variance = float(np.mean(centred**2))
    if variance <= 0:
        return 1.0
    strength = _SLOPE_PRIOR * variance
    return float((centred @ (link - link.mean()) + strength) / (centred @ centred + strength))
