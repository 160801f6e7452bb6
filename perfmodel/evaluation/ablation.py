"""What each group of features is worth: the out-of-fold error without it less that with it.

A group may be worth nothing because another says the same: leaving one out shows what nothing else says, adding one
shows what the defaults do not. Both are paired: the same folds, and the same bootstrap samples of configurations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perfmodel.evaluation.named_splits import REPEATS
from perfmodel.evaluation.out_of_fold import out_of_fold
from perfmodel.evaluation.score_table import STATISTICS, averaged
from perfmodel.evaluation.selection import require_configurations
from perfmodel.evaluation.splits import ConfigurationFolds
from perfmodel.features.columns import BYTE_COLUMNS, SUMMARY_COLUMNS, THIRDS
from perfmodel.features.monotone import unit_kind
from perfmodel.features.sensitivity_columns import SENSITIVITY_GROUPS
from perfmodel.features.training_data import TrainingData
from perfmodel.statistics.bootstrap import estimate, group_weights
from perfmodel.statistics.interval import Estimate

Way = Literal["left out", "added", "left out of all"]
"""Left out of the default columns; added to them; left out of them and all sensitivities together."""

EVERY_SENSITIVITY = "all sensitivities"

DEFAULT_GROUPS = ("raw choices", "summaries", "position", "bytes")
"""Bits and ranks of each unit; their means and shares; what lies in which third and from which layer on adapters
train; closed-form bytes. The pruning rate is in none of them: it is a choice that nothing else tells."""


@dataclass(frozen=True)
class Worth:
    """One group of features to one surrogate.

    Args:
        surrogate: name of the surrogate that is judged.
        group: one of ``DEFAULT_GROUPS``, of ``SENSITIVITY_GROUPS``, or ``EVERY_SENSITIVITY``.
        way: whether the group was left out or added.
        columns: number of columns of the group.
        error_with: root mean squared error on the modelled scale, by configuration, of the columns with the group.
        error_without: of those without it.
        worth: the latter less the former, positive where the group helps.
    """

    surrogate: str
    group: str
    way: Way
    columns: int
    error_with: float
    error_without: float
    worth: Estimate


def feature_group(column: str) -> str | None:
    """Returns the group that a column belongs to; None for one that is never left out."""
    if unit_kind(column):
        return "raw choices"
    if column in BYTE_COLUMNS:
        return "bytes"
    if column.startswith("active_") or (column in SUMMARY_COLUMNS and column.rpartition("_")[2] in THIRDS):
        return "position"
    for group, columns in SENSITIVITY_GROUPS.items():
        if column in columns:
            return group
    return "summaries" if column in SUMMARY_COLUMNS and column != "pruning_rate" else None


def feature_worths(data: TrainingData, surrogate: str, *, repeats: int = REPEATS, seed: int = 0) -> list[Worth]:
    """Returns what each group is worth to one surrogate: defaults left out, sensitivities added and left out.

    Args:
        data: traces of one metric and setting, with the columns of sensitivities where there are any.
        surrogate: name of the surrogate that is judged.
        repeats: times that the configurations are split.
        seed: of splits, surrogate and bootstrap.

    Raises:
        NotEnoughTracesError: with fewer than ten configurations.
        UnknownNameError: when the surrogate does not exist.
    """
    require_configurations(data)
    columns = data.features.columns
    groups: dict[str, tuple[str, ...]] = {
        group: tuple(column for column in columns if feature_group(column) == group)
        for group in (*DEFAULT_GROUPS, *SENSITIVITY_GROUPS)
    }
    known = {name: group for name, group in groups.items() if group}
    measured = tuple(column for name in SENSITIVITY_GROUPS for column in groups[name])
    default = tuple(column for column in columns if column not in measured)
    pairs: list[tuple[str, Way, tuple[str, ...], tuple[str, ...]]] = []
    for name, group in known.items():
        if name in DEFAULT_GROUPS:
            pairs.append((name, "left out", group, default))
        else:
            pairs.append((name, "added", group, (*default, *group)))
            pairs.append((name, "left out of all", group, columns))
    if measured:
        pairs.append((EVERY_SENSITIVITY, "added", measured, columns))
    return _worths(data, surrogate, pairs, repeats, seed)


def _worths(
    data: TrainingData,
    surrogate: str,
    pairs: Sequence[tuple[str, Way, tuple[str, ...], tuple[str, ...]]],
    repeats: int,
    seed: int,
) -> list[Worth]:
    splitters = [ConfigurationFolds(seed=seed + repeat) for repeat in range(repeats)]
    weights = group_weights(data.groups, seed=seed)
    errors: dict[frozenset[str], NDArray[np.float64]] = {}

    def error(kept: Sequence[str]) -> NDArray[np.float64]:
        """Returns the error of each bootstrap sample; the same columns are judged once."""
        key = frozenset(kept)
        if key not in errors:
            ordered = [column for column in data.features.columns if column in key]
            result = out_of_fold(replace(data, features=data.features.select(ordered)), surrogate, splitters, seed=seed)
            errors[key] = averaged(result, weights, STATISTICS["link_rmse"])
        return errors[key]

    found = []
    for name, way, group, everything in pairs:
        kept = [column for column in everything if column not in group]
        if not kept:
            continue
        beside, alone = error(everything), error(kept)
        ends = float(beside[0]), float(alone[0])
        found.append(Worth(surrogate, name, way, len(group), *ends, estimate(alone - beside)))
    return found
