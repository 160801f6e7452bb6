"""Which surrogate a predictor takes for each metric: the one of the lowest error on configurations it never saw.

The harder splits and the rest of the scores are in ``perfmodel.evaluation.score_sheet``.

n   traces
k   repeats of the whole cross-validation
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.conformal import Conformal
from perfmodel.evaluation.named_splits import REPEATS, SPLIT, splitters
from perfmodel.evaluation.out_of_fold import Make, OutOfFold, out_of_fold
from perfmodel.evaluation.score_lines import BASELINE, CHOICE_SCORES, Line, score_line
from perfmodel.features.training_data import TrainingData
from perfmodel.space.metrics import metric as metric_named

MINIMUM_CONFIGURATIONS = 10
"""Below this, five folds hold one configuration each and every score is a matter of luck."""


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
    data: TrainingData,
    surrogate: str,
    *,
    split: str = SPLIT,
    repeats: int = REPEATS,
    seed: int = 0,
    make: Make | None = None,
) -> OutOfFold:
    """Returns out-of-fold predictions; the splits depend only on the configurations, the labels and ``seed``.

    Args:
        data: traces of one metric, n rows.
        surrogate: name of the surrogate, or of what ``make`` makes.
        split: as ``perfmodel.evaluation.named_splits.splitters`` takes it.
        repeats: k, times that configurations are divided into folds.
        seed: of the splits and of the surrogate.
        make: makes the model in the place of the surrogate of that name.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` different configurations, or one label only.
        UnknownNameError: when the surrogate does not exist.
    """
    require_configurations(data)
    return out_of_fold(data, surrogate, splitters(data, split, seed, repeats), seed=seed, make=make)


def judge(
    data: TrainingData,
    surrogates: Sequence[str] | Mapping[str, Make],
    *,
    split: str = SPLIT,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Judged:
    """Returns the scores and the calibrations of several surrogates under the split that will be asked.

    Intervals are calibrated by what the split leaves out: by new configurations, or by new labels of a column.

    Args:
        data: traces of one metric, n rows.
        surrogates: names of the surrogates, one or more; or a maker by name, for models with settings of their own.
        split: as ``perfmodel.evaluation.named_splits.splitters`` takes it.
        repeats: times that configurations are divided into folds.
        seed: of splits, surrogates and bootstrap.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` different configurations, or one label only.
        UnknownNameError: when a surrogate does not exist.
    """
    makers = surrogates if isinstance(surrogates, Mapping) else {}
    results = {
        name: cross_validate(data, name, split=split, repeats=repeats, seed=seed, make=makers.get(name))
        for name in dict.fromkeys((*surrogates, BASELINE))
    }
    return Judged(
        [score_line(split, results[name], results, names=CHOICE_SCORES, seed=seed) for name in surrogates],
        {name: results[name].calibration() for name in surrogates},
    )


def choose(scores: Sequence[Line]) -> dict[str, str]:
    """Returns the surrogate of each metric with the lowest out-of-fold error, the constant where none surely beats it.

    A surrogate beats the constant where the whole interval of its error over the constant's lies below 1.

    Args:
        scores: of one or more metrics, the surrogates of each under the same splits.
    """
    chosen: dict[str, tuple[float, str]] = {}
    for entry in scores:
        error = entry.scores["error_ratio_to_constant"]
        chosen.setdefault(entry.metric, (1.0, BASELINE))
        sure = error.high is not None and error.high < 1
        if sure and error.value is not None and error.value < chosen[entry.metric][0]:
            chosen[entry.metric] = error.value, entry.surrogate
    return {metric: name for metric, (_, name) in chosen.items()}


def require_configurations(data: TrainingData) -> None:
    """Refuses data that no surrogate can be judged by.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` different configurations.
    """
    count = len(np.unique(data.groups))
    if count < MINIMUM_CONFIGURATIONS:
        raise NotEnoughTracesError(
            f"{metric_named(data.metric).name} was measured on {count} different configurations "
            f"({len(data.target)} traces)",
            f"at least {MINIMUM_CONFIGURATIONS} configurations are needed to judge a surrogate",
            "collect more traces of this setting, or leave the metric out",
        )
