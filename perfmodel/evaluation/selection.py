"""Which surrogate a predictor takes for each metric: the one of the lowest error on configurations it never saw.

The harder splits and the rest of the scores are in ``perfmodel.evaluation.score_sheet``.

n   traces
k   repeats of the whole cross-validation
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.conformal import Conformal
from perfmodel.evaluation.out_of_fold import OutOfFold, out_of_fold
from perfmodel.evaluation.score_lines import BASELINE, CHOICE_SCORES, Line, score_line
from perfmodel.evaluation.splits import FOLDS, ConfigurationFolds
from perfmodel.features.training_data import TrainingData

MINIMUM_CONFIGURATIONS = 10
"""Below this, five folds hold one configuration each and every score is a matter of luck."""

REPEATS = 3
SPLIT = "configuration"
"""Name of the split that it goes by."""


@dataclass(frozen=True)
class Judged:
    """Surrogates of one metric under the same splits.

    Args:
        scores: in the order of their names.
        calibrations: of each surrogate's intervals, for the same surrogate fitted to everything.
    """

    scores: list[Line]
    calibrations: dict[str, Conformal]


def cross_validate(
    data: TrainingData, surrogate: str, *, folds: int = FOLDS, repeats: int = REPEATS, seed: int = 0
) -> OutOfFold:
    """Returns out-of-fold predictions; the splits depend only on the configurations, ``folds`` and ``seed``.

    Args:
        data: traces of one metric, n rows.
        surrogate: name of the surrogate.
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
        surrogates: names of the surrogates, one or more.
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
        [score_line(SPLIT, results[name], results, names=CHOICE_SCORES, seed=seed) for name in surrogates],
        {name: results[name].calibration() for name in surrogates},
    )


def choose(scores: Sequence[Line]) -> dict[str, str]:
    """Returns the surrogate of each metric with the lowest out-of-fold error, the constant where none beats it.

    Args:
        scores: of one or more metrics, the surrogates of each under the same splits.
    """
    chosen: dict[str, tuple[float, str]] = {}
    for entry in scores:
        error = entry.scores["error_ratio_to_constant"].value
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
