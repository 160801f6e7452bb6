"""What losses before fine-tuning are worth: a quantised, pruned model that is not trained costs one evaluation.

    k   what such a loss depends on: the pruning rate and the bits, not the ranks
    m   log of the loss at step 0

A surrogate of the loss after fine-tuning gets m as one more column, ``STEP_0_LOSS_COLUMN``, in which it may not fall:

measured    m was evaluated for every configuration that trains or is asked about;
predicted   m is what a model of the cheap pairs says that holds none of the bits and rates asked about. For what trains
            too it comes from models that did not hold it, so that the column means the same on both sides.

Without one fine-tuned trace the answer is m itself: it ranks configurations but cannot know how much training repairs.
Source: Wang et al. (2020), APQ, arXiv:2006.08509, which starts a predictor of fine-tuned accuracy from cheap pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.out_of_fold import Model
from perfmodel.evaluation.splits import ConfigurationFolds
from perfmodel.evaluation.transfer import SIZES, Start, TransferPoint, transfer_point, transfer_points
from perfmodel.features.columns import STEP_0_LOSS_COLUMN
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.training_data import TrainingData, rows_of
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.metrics import LOSS
from perfmodel.surrogates.contract import Posterior
from perfmodel.surrogates.registry import make_surrogate
from perfmodel.traces.trace import Trace

START_MODEL = "damage"
"""Predicts m: damage is all that happened to a model that was not fine-tuned."""

FOLDS = 5
"""Into which the cheap pairs are divided to predict each from the rest."""


def starting_losses(traces: Sequence[Trace], featurizer: Featurizer) -> TrainingData:
    """Returns the losses at step 0 of all traces that have one, whatever came of them; groups are k.

    Args:
        traces: of one base model and task; of any recipe, since none has begun.
        featurizer: of the traces' base model.

    Raises:
        NotEnoughTracesError: when none has one.
    """
    known = [trace for trace in traces if 0 in trace.measured.curve_steps]
    if not known:
        raise NotEnoughTracesError(
            "no trace has a loss at step 0", "one or more are needed", "evaluate before training"
        )
    features = featurizer.matrix(ConfigurationArrays.from_configurations([each.asked.configuration for each in known]))
    losses = np.array([trace.loss_at(0) for trace in known])
    return TrainingData(LOSS, features, losses, start_keys(features))


def start_keys(features: FeatureMatrix) -> NDArray[Any]:
    """Returns k of each row as text, shape ``(n,)``.

    Args:
        features: n rows with the pruning rate and the raw bits.
    """
    rows = features.take(("pruning_rate", *(name for name in features.columns if name.startswith("bits_"))))
    return np.array([" ".join(f"{value:g}" for value in row) for row in rows], dtype=object)


def with_measured_starts(data: TrainingData, cheap: TrainingData) -> TrainingData:
    """Returns the rows whose loss at step 0 was measured, with ``STEP_0_LOSS_COLUMN``.

    Args:
        data: traces of one metric and task.
        cheap: pairs of the same base model and task.
    """
    known = _mean_logs(cheap)
    keys = start_keys(data.features)
    kept = rows_of(data, np.flatnonzero([key in known for key in keys]))
    starts = [known[key] for key in start_keys(kept.features)]
    return replace(kept, features=kept.features.with_column(STEP_0_LOSS_COLUMN, starts))


def start_points(
    target: TrainingData,
    cheap: TrainingData,
    surrogate: str,
    *,
    sources: Sequence[TrainingData] = (),
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
) -> list[TransferPoint]:
    """Returns the error on a task against the number of its fine-tuned traces, starting from losses at step 0.

    Args:
        target: fine-tuned traces of the task.
        cheap: pairs of the task, of these and any other configurations.
        surrogate: name of the model of the loss after fine-tuning.
        sources: traces of other tasks with ``with_measured_starts``; with them models of how other tasks end from where
            they start are tried, too.
        sizes: fine-tuned traces of the task; those that a fold does not have are left out.
        seed: of splits, draws, models and bootstrap.

    Raises:
        NotEnoughTracesError: with fewer than ten configurations, or fewer than ten different losses at step 0.
        UnknownNameError: when the surrogate does not exist.
    """
    measured = with_measured_starts(target, cheap)
    if len(np.unique(measured.groups)) < 2 * FOLDS or len(np.unique(cheap.groups)) < 2 * FOLDS:
        raise NotEnoughTracesError(
            f"the loss at step 0 is known of {len(np.unique(cheap.groups))} pairs of bits and pruning rate and "
            f"{len(np.unique(measured.groups))} fine-tuned configurations",
            f"{2 * FOLDS} of each are needed",
            "collect more traces with curve points, or evaluate more configurations without training",
        )
    key_of = dict(zip(measured.groups.tolist(), start_keys(measured.features).tolist(), strict=True))
    learned = partial(_learned, cheap, seed, key_of, {})
    ways: tuple[tuple[Start, Any], ...] = (("step 0 predicted", learned), ("step 0 measured", None))
    points = []
    for size in sizes:
        for start, given in ways:
            make = partial(_started, surrogate, seed, given)
            if (point := transfer_point(measured, make, (surrogate, start, size), seed)) is not None:
                points.append(point)
    if sources:
        both = transfer_points(measured, sources, surrogate, sizes=sizes, seed=seed)
        points += [replace(p, start="other tasks and step 0") for p in both if p.start == "other tasks"]
    return points


@final
class LearnedStarts:
    """Logs of losses at step 0 as a model of cheap pairs gives them.

    Args:
        cheap: the pairs that it may learn from, of two k or more.
        seed: of the model and the folds.
    """

    def __init__(self, cheap: TrainingData, *, seed: int = 0) -> None:
        self._model = _fitted(cheap, seed)
        self._left_out: dict[str, float] = {}
        folds = ConfigurationFolds(min(FOLDS, len(np.unique(cheap.groups))), seed)
        for train, test in folds.split(cheap.features, groups=cheap.groups):
            model = _fitted(rows_of(cheap, train), seed)
            location = model.posterior(cheap.features.rows(test)).location
            self._left_out.update(zip(cheap.groups[test].tolist(), location.tolist(), strict=True))

    def of(self, features: FeatureMatrix) -> NDArray[np.float64]:
        """Returns m of each row by a model that did not hold its k, shape ``(n,)``."""
        location = self._model.posterior(features).location
        return np.array([self._left_out.get(key, own) for key, own in zip(start_keys(features), location, strict=True)])


@final
class StartedSurrogate:
    """A surrogate of the loss that sees where a configuration starts.

    Args:
        surrogate: name of the surrogate.
        seed: of every random choice.
        starts: of the configurations; where left out, the features have ``STEP_0_LOSS_COLUMN`` already.
    """

    def __init__(self, surrogate: str, *, seed: int = 0, starts: LearnedStarts | None = None) -> None:
        self._name = surrogate
        self._seed = seed
        self._starts = starts
        self._model: Model | None = None

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; no row at all is allowed. See ``AbstractSurrogate.fit``."""
        self._model = None
        if len(target):
            self._model = make_surrogate(self._name, LOSS, seed=self._seed)
            self._model.fit(self._started(features), target, groups)
        return self

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; without a fitted trace m, and a spread that means nothing."""
        started = self._started(features)
        if self._model is not None:
            return self._model.posterior(started)
        start = started.column(STEP_0_LOSS_COLUMN)
        return Posterior(start, np.ones(len(start)), log=True)

    def _started(self, features: FeatureMatrix) -> FeatureMatrix:
        if self._starts is None:
            return features
        return features.with_column(STEP_0_LOSS_COLUMN, self._starts.of(features))


def _started(surrogate: str, seed: int, learned: Any, asked: NDArray[Any]) -> StartedSurrogate:
    return StartedSurrogate(surrogate, seed=seed, starts=None if learned is None else learned(asked))


def _learned(
    cheap: TrainingData,
    seed: int,
    key_of: Mapping[str, str],
    kept: dict[frozenset[str], LearnedStarts],
    asked: NDArray[Any],
) -> LearnedStarts:
    """Returns starts learned from nothing of the bits and rates of the configurations asked; fitted once for each."""
    keys = frozenset(key_of[name] for name in asked.tolist())
    if keys not in kept:
        rows = np.flatnonzero([key not in keys for key in cheap.groups])
        kept[keys] = LearnedStarts(rows_of(cheap, rows), seed=seed)
    return kept[keys]


def _fitted(cheap: TrainingData, seed: int) -> Model:
    model = make_surrogate(START_MODEL, LOSS, seed=seed)
    return model.fit(cheap.features, cheap.target, cheap.groups)


def _mean_logs(cheap: TrainingData) -> dict[str, float]:
    names, inverse, counts = np.unique(cheap.groups, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, np.log(cheap.target)) / counts
    return dict(zip(names.tolist(), means.tolist(), strict=True))
