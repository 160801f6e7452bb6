"""Splits by what will be asked: a new configuration, the best ones, or a new label of a column such as the task."""

from collections.abc import Callable

import numpy as np

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.splits import ConfigurationFolds, Extrapolation, LeaveOneLabelOut, RandomFolds, Splitter
from perfmodel.features.training_data import TrainingData
from perfmodel.space.metrics import metric as metric_named

REPEATS = 3
SPLIT = "configuration"
"""The split by which a predictor chooses: it is asked about new configurations of a setting that it knows."""

SPLITS = ("random", SPLIT, "searcher", "extrapolation", "task", "model")
"""Those of a score sheet."""

_WORDS = {"model": "base model"}
_DRAWN: dict[str, Callable[..., Splitter]] = {"random": RandomFolds, SPLIT: ConfigurationFolds}


def splitters(data: TrainingData, split: str, seed: int, repeats: int = REPEATS) -> list[Splitter]:
    """Returns one splitter a repeat.

    Args:
        data: traces of one metric, n rows.
        split: ``random``, ``configuration``, ``extrapolation``, or the name of one of the data's labels.
        seed: of the draws, 0 or more.
        repeats: times that traces or configurations are divided into folds; other splits are made once.

    Raises:
        NotEnoughTracesError: when the column is not known, or has one label only.
    """
    if split in _DRAWN:
        return [_DRAWN[split](seed=seed + repeat) for repeat in range(repeats)]
    if split == "extrapolation":
        return [Extrapolation(minimize=metric_named(data.metric).minimize)]
    labels = data.labels.get(split, np.empty(0, dtype=object))
    known = [str(label) for label in np.unique(labels)]
    if len(known) < 2:
        raise NotEnoughTracesError(
            f"there is only one {_WORDS.get(split, split)} ({', '.join(known) or 'not known'})",
            "a split that leaves one out needs two",
            "collect traces of another",
        )
    # Labels that share their configurations leave nothing to train on, unless these are left out part by part.
    shared = len(set(zip(data.groups, labels, strict=True))) > len(np.unique(data.groups))
    return [LeaveOneLabelOut(labels, folds=5 if shared and split != "searcher" else 1, seed=seed)]
