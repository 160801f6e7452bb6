"""Predictions of traces by models that did not see their configuration, with conformal intervals.

n   predicted traces
k   repeats of the whole split
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.conformal import Conformal
from perfmodel.evaluation.splits import ConfigurationFolds, Fold, LeaveOneLabelOut, Splitter
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.training_data import TrainingData
from perfmodel.space.metrics import Metric
from perfmodel.space.metrics import metric as metric_named
from perfmodel.surrogates.contract import Posterior
from perfmodel.surrogates.registry import make_surrogate

INTERVAL_LEVEL = 0.9
LEVELS = (0.5, INTERVAL_LEVEL)
"""Of the intervals that are kept."""


class Model(Protocol):
    """What can be judged: every surrogate, and models made of several."""

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> object:
        """Fits the model; see ``AbstractSurrogate.fit``."""

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""


Make = Callable[[NDArray[Any]], Model]
"""Makes an unfitted model, given the configurations that it will be asked about: whatever else it learns from must
not hold them."""


@dataclass(frozen=True)
class View:
    """One repeat of an ``OutOfFold`` within one block.

    Args:
        observed: measured values in the metric's unit, shape ``(rows,)``.
        mean: predicted, in the metric's unit, shape ``(rows,)``.
        posterior: predicted, shape ``(rows,)``.
        intervals: conformal ends by level, each of shape ``(rows,)``.
    """

    observed: NDArray[np.float64]
    mean: NDArray[np.float64]
    posterior: Posterior
    intervals: dict[float, tuple[NDArray[np.float64], NDArray[np.float64]]]

    @property
    def link(self) -> NDArray[np.float64]:
        """The measured values in link space, shape ``(rows,)``."""
        return np.log(self.observed) if self.posterior.log else self.observed


@final
@dataclass(frozen=True)
class OutOfFold:
    """Predictions for traces whose configuration was left out of the fit.

    Args:
        metric: what was predicted.
        surrogate: name of the model.
        groups: configuration of each trace, shape ``(n,)``.
        blocks: setting of each trace, shape ``(n,)``; what is said of the predictions is said within a block.
        observed: measured values, shape ``(n,)``, in the metric's unit.
        folds: number of the fold that each trace was in, shape ``(k, n)``.
        mean: predictions in the metric's unit, shape ``(k, n)``.
        location: predicted means in link space, shape ``(k, n)``.
        scale: predicted standard deviations in link space, shape ``(k, n)``.
        half_widths: of the conformal intervals in ``scale``, by level, each of shape ``(k, n)``.
        units: what was new to the model, shape ``(n,)``: the label that the split left out, else the configuration.
            Intervals of scores and of predictions count units, not traces.
    """

    metric: str | Metric
    surrogate: str
    groups: NDArray[Any]
    blocks: NDArray[Any]
    observed: NDArray[np.float64]
    folds: NDArray[np.int64]
    mean: NDArray[np.float64]
    location: NDArray[np.float64]
    scale: NDArray[np.float64]
    half_widths: dict[float, NDArray[np.float64]]
    units: NDArray[Any]

    @property
    def posterior(self) -> Posterior:
        """What was predicted, shape ``(k, n)``."""
        return Posterior(self.location, self.scale, metric_named(self.metric).log_target)

    @property
    def differs_within_a_fold(self) -> bool:
        """Whether some two predictions of one fold differ.

        Pooled over folds a constant is perfectly anti-correlated with what it left out: an artefact, not a ranking.
        """
        for folds, means in zip(self.folds, self.location, strict=True):
            if any(np.ptp(means[folds == fold]) > 0 for fold in np.unique(folds)):
                return True
        return False

    def interval(self, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the ends of the conformal intervals of one of ``LEVELS``, in the metric's unit, shape ``(k, n)``."""
        return self.posterior.within(self.half_widths[level])

    def views(self) -> Iterator[tuple[NDArray[np.int64], View]]:
        """Returns the rows of every repeat and block, and what is known of them."""
        ends = {level: self.interval(level) for level in self.half_widths}
        for repeat in range(len(self.location)):
            for block in np.unique(self.blocks):
                rows = np.flatnonzero(self.blocks == block)
                at = (repeat, rows)
                yield (
                    rows,
                    View(
                        self.observed[rows],
                        self.mean[at],
                        Posterior(self.location[at], self.scale[at], self.posterior.log),
                        {level: (low[at], high[at]) for level, (low, high) in ends.items()},
                    ),
                )

    def calibration(self) -> Conformal:
        """Returns what these predictions teach about the intervals of the same surrogate fitted to everything."""
        repeats = len(self.location)
        whole = Posterior(self.location.ravel(), self.scale.ravel(), self.posterior.log)
        return Conformal.calibrate(whole, np.tile(self.observed, repeats), np.tile(self.units, repeats))


def out_of_fold(
    data: TrainingData, surrogate: str, splitters: Sequence[Splitter], *, seed: int = 0, make: Make | None = None
) -> OutOfFold:
    """Returns the predictions of every trace that each splitter leaves out once.

    The intervals of a fold are calibrated by what was predicted for the other folds, so that under a hard split they
    know how hard it is; where there is one fold only, by a split by configuration of what trains.

    Args:
        data: traces of one metric.
        surrogate: name of the surrogate, or of what ``make`` makes.
        splitters: one for each of k repeats.
        seed: of the surrogates.
        make: makes the model in the place of the surrogate of that name.

    Raises:
        NotEnoughTracesError: when no trace is left out, or too few train.
        UnknownNameError: when the surrogate does not exist.
    """
    chosen: Make = make or (lambda _: make_surrogate(surrogate, data.metric, seed=seed))
    units = splitters[0].labels if isinstance(splitters[0], LeaveOneLabelOut) else data.groups
    shape = (len(splitters), len(data.target))
    fold_of = np.full(shape, -1)
    mean, location, scale = np.zeros(shape), np.zeros(shape), np.ones(shape)
    half_widths = {level: np.zeros(shape) for level in LEVELS}
    for repeat, splitter in enumerate(splitters):
        folds = list(splitter.split(data.features, data.target, data.groups))
        for number, (train, test) in enumerate(folds):
            posterior = _predicted(data, chosen, train, test)
            fold_of[repeat, test] = number
            mean[repeat, test] = posterior.mean
            location[repeat, test], scale[repeat, test] = posterior.location, posterior.scale
        for number, (train, test) in enumerate(folds):
            others = (fold_of[repeat] >= 0) & (fold_of[repeat] != number)
            others &= ~np.isin(data.groups, data.groups[test]) & ~np.isin(units, units[test])
            known = _at(data, location[repeat], scale[repeat], np.flatnonzero(others), units)
            calibration = known if known is not None else _inner(data, chosen, (train, test), seed)
            for level in LEVELS:
                half_widths[level][repeat, test] = calibration.half_width(level)
    kept = (fold_of >= 0).all(axis=0)
    if not kept.any():
        raise NotEnoughTracesError(
            f"the split leaves out none of {shape[1]} traces of {metric_named(data.metric).name}",
            "each side of a split needs some",
            "collect more traces, or choose another split",
        )
    return OutOfFold(
        data.metric,
        surrogate,
        data.groups[kept],
        data.blocks[kept],
        data.target[kept],
        fold_of[:, kept],
        mean[:, kept],
        location[:, kept],
        scale[:, kept],
        {level: values[:, kept] for level, values in half_widths.items()},
        units[kept],
    )


def _predicted(data: TrainingData, make: Make, train: NDArray[np.int64], test: NDArray[np.int64]) -> Posterior:
    model = make(data.groups[test])
    model.fit(data.features.rows(train), data.target[train], data.groups[train])
    return model.posterior(data.features.rows(test))


def _at(
    data: TrainingData,
    location: NDArray[np.float64],
    scale: NDArray[np.float64],
    rows: NDArray[np.int64],
    units: NDArray[Any],
) -> Conformal | None:
    """Returns the calibration by some rows, None where there are none."""
    if not len(rows):
        return None
    posterior = Posterior(location[rows], scale[rows], metric_named(data.metric).log_target)
    return Conformal.calibrate(posterior, data.target[rows], units[rows])


def _inner(data: TrainingData, make: Make, fold: Fold, seed: int) -> Conformal:
    train, _ = fold
    location, scale = np.zeros(len(data.target)), np.ones(len(data.target))
    count = min(5, len(np.unique(data.groups[train])))
    splitter = ConfigurationFolds(count, seed)
    for inside, outside in splitter.split(data.features.rows(train), groups=data.groups[train]):
        posterior = _predicted(data, make, train[inside], train[outside])
        location[train[outside]], scale[train[outside]] = posterior.location, posterior.scale
    calibration = _at(data, location, scale, train, data.groups)
    assert calibration is not None  # there was something to train on
    return calibration
