"""All that is known of how good the surrogates of one metric are: every split, every score, and two controls.

    n   traces
    b   bootstrap samples over configurations

A split that the traces cannot show (one searcher, one task) is listed with the reason, never left out in silence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.named_splits import REPEATS, SPLITS, splitters
from perfmodel.evaluation.out_of_fold import out_of_fold
from perfmodel.evaluation.score_lines import ADDITIVE, BASELINE, Line, score_line
from perfmodel.evaluation.score_table import STATISTICS, averaged
from perfmodel.evaluation.selection import MINIMUM_CONFIGURATIONS, require_configurations
from perfmodel.evaluation.splits import ConfigurationFolds, FewerTraces, Splitter
from perfmodel.features.training_data import TrainingData, rows_of
from perfmodel.space.metrics import metric as metric_named
from perfmodel.statistics.bootstrap import estimate, group_weights
from perfmodel.statistics.interval import Estimate
from perfmodel.surrogates.registry import SURROGATES

if TYPE_CHECKING:
    from perfmodel.effects.noise_ceiling import NoiseCeiling

SIZES = (25, 50, 100, 200)
"""Training traces at which the learning curve is read, beside all of them."""

SHUFFLES = 3


@dataclass(frozen=True)
class Point:
    """One surrogate learnt from so many traces.

    Args:
        surrogate: name of the surrogate.
        traces: mean number that trained, over the folds.
        r2: on the modelled scale, of the same left-out traces at every size.
        spearman: rank correlation of the same traces.
    """

    surrogate: str
    traces: float
    r2: Estimate
    spearman: Estimate


@dataclass(frozen=True)
class Sheet:
    """The scores of every surrogate of one metric.

    Args:
        metric: name of the metric.
        n_traces: usable traces of the setting.
        n_configurations: their configurations.
        lines: a line for each split and surrogate.
        undone: reason by split, of those that the traces cannot show.
        curve: the learning curves.
        control: rank correlation within folds when the targets are shuffled, by surrogate: it has to be 0.
    """

    metric: str
    n_traces: int
    n_configurations: int
    lines: tuple[Line, ...]
    undone: Mapping[str, str]
    curve: tuple[Point, ...]
    control: Mapping[str, Estimate]


POOLED = ("task", "model")
"""Splits over the traces of several settings."""


def score_sheet(
    data: TrainingData,
    surrogates: Sequence[str],
    *,
    pooled: TrainingData | None = None,
    ceiling: "NoiseCeiling | None" = None,
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
) -> Sheet:
    """Returns the sheet of one metric.

    Args:
        data: traces of one setting, n rows.
        surrogates: names of the surrogates, one or more.
        pooled: traces of several settings, for the splits by task and model; those of ``data`` when left out.
        ceiling: of the setting; without it no score is compared with it, and there is no sparse rank correlation.
        sizes: training traces at which the learning curve is read, beside all of them.
        seed: of splits, surrogates and bootstrap.

    Raises:
        NotEnoughTracesError: with fewer than ten configurations in the setting.
        UnknownNameError: when a surrogate does not exist.
    """
    require_configurations(data)
    several = comparable(pooled) if pooled is not None else data
    lines: list[Line] = []
    undone: dict[str, str] = {}
    for split in SPLITS:
        shown = several if split in POOLED else data
        own_ceiling = None if split in POOLED else ceiling
        # What knows a single metric reads a column that is made for one setting.
        names = [name for name in surrogates if split not in POOLED or name in SURROGATES]
        try:
            lines += split_lines(shown, names, split, ceiling=own_ceiling, seed=seed)
        except NotEnoughTracesError as error:
            undone[split] = error.given
    return Sheet(
        metric=metric_named(data.metric).name,
        n_traces=len(data.target),
        n_configurations=len(np.unique(data.groups)),
        lines=tuple(lines),
        undone=undone,
        curve=tuple(learning_curve(data, surrogates, sizes=sizes, seed=seed)),
        control={name: shuffled_control(data, name, seed=seed) for name in surrogates if name != BASELINE},
    )


def comparable(data: TrainingData) -> TrainingData:
    """Returns the rows of those settings that were measured on enough configurations to say anything within them."""
    counts = {block: len(np.unique(data.groups[data.blocks == block])) for block in np.unique(data.blocks)}
    rows = np.flatnonzero([counts[block] >= MINIMUM_CONFIGURATIONS for block in data.blocks])
    return rows_of(data, rows)


def split_lines(
    data: TrainingData, surrogates: Sequence[str], split: str, *, ceiling: "NoiseCeiling | None" = None, seed: int = 0
) -> list[Line]:
    """Returns the lines of several surrogates under one split.

    Args:
        data: traces of one metric.
        surrogates: names of the surrogates, one or more.
        split: one of ``perfmodel.evaluation.named_splits.SPLITS``.
        ceiling: of the setting, where there is one.
        seed: of splits, surrogates and bootstrap.

    Raises:
        NotEnoughTracesError: when the traces cannot show this split.
        UnknownNameError: when a surrogate does not exist.
    """
    repeated = splitters(data, split, seed)
    names = dict.fromkeys((*surrogates, BASELINE, ADDITIVE))
    results = {name: out_of_fold(data, name, repeated, seed=seed) for name in names}
    return [score_line(split, results[name], results, ceiling=ceiling, seed=seed) for name in surrogates]


def learning_curve(
    data: TrainingData, surrogates: Sequence[str], *, sizes: Sequence[int] = SIZES, seed: int = 0
) -> list[Point]:
    """Returns how good each surrogate is when it learns from fewer traces, then from all of them.

    Args:
        data: traces of one metric and setting.
        surrogates: names of the surrogates, one or more.
        sizes: training traces; those that a fold does not have are left out.
        seed: of splits, draws, surrogates and bootstrap.
    """
    inner = ConfigurationFolds(seed=seed)
    counts = [len(train) for train, _ in inner.split(data.features, groups=data.groups)]
    weights = group_weights(data.groups, seed=seed)
    points = []
    for name in surrogates:
        for size in (*(each for each in sizes if each < min(counts)), None):
            used: list[Splitter] = [inner]
            if size is not None:
                used = [FewerTraces(inner, size, seed + repeat) for repeat in range(REPEATS)]
            result = out_of_fold(data, name, used, seed=seed)
            spearman = estimate(averaged(result, weights, STATISTICS["spearman"]))
            points.append(
                Point(
                    name,
                    float(np.mean(counts)) if size is None else float(size),
                    estimate(averaged(result, weights, STATISTICS["r2"])),
                    spearman if result.differs_within_a_fold else Estimate.undefined(),
                )
            )
    return points


def shuffled_control(data: TrainingData, surrogate: str, *, shuffles: int = SHUFFLES, seed: int = 0) -> Estimate:
    """Returns the rank correlation within folds of a surrogate that learns shuffled targets.

    It is 0 unless something leaks, and then its interval lies above 0; by chance one interval in twenty leaves 0 out.
    Within folds, because pooled over them even a constant is anti-correlated with what it left out.

    Args:
        data: traces of one metric and setting.
        surrogate: name of the surrogate.
        shuffles: that are averaged.
        seed: of shuffles, splits, surrogate and bootstrap.
    """
    rng = np.random.default_rng(seed)
    weights = group_weights(data.groups, seed=seed)
    total: NDArray[np.float64] = np.zeros(len(weights))
    for shuffle in range(shuffles):
        shuffled = replace(data, target=rng.permutation(data.target))
        result = out_of_fold(shuffled, surrogate, [ConfigurationFolds(seed=seed + shuffle)], seed=seed)
        if not result.differs_within_a_fold:
            return Estimate.undefined()
        total += averaged(replace(result, blocks=result.folds[0]), weights, STATISTICS["spearman"])
    return estimate(total / shuffles)
