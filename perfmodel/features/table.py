"""A table that is not ours as training data: its own metric, numeric and categorical inputs, and its own labels.

    n   rows

Numbers are read as they are. A categorical input becomes one column of 0 and 1 for each of its labels; a label that the
table did not have is 0 in all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.training_data import TrainingData
from perfmodel.space.metrics import Metric

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True)
class TableInputs:
    """Which columns of a table are read, and how.

    Args:
        numeric: names of the columns that are read as numbers.
        categories: labels of each categorical column, by its name.
    """

    numeric: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, table: "pd.DataFrame", columns: Sequence[str]) -> Self:
        """Returns how a table's columns are read: numbers as numbers, all else as categories.

        Args:
            table: n rows.
            columns: names of the inputs, one or more.

        Raises:
            UserError: when a column is missing, or lacks a value in some row.
        """
        from pandas.api.types import is_numeric_dtype

        _complete(table, columns)
        numeric = tuple(name for name in columns if is_numeric_dtype(table[name]))
        rest = [name for name in columns if name not in numeric]
        return cls(numeric, {name: tuple(sorted(set(map(str, table[name])))) for name in rest})

    def features(self, table: "pd.DataFrame") -> FeatureMatrix:
        """Returns the inputs of each row.

        Args:
            table: n rows, of the table that ``of`` was given or of another with its columns.

        Raises:
            UserError: when a column is missing, or lacks a value in some row.
        """
        _complete(table, (*self.numeric, *self.categories))
        names, values = [*self.numeric], [table[name].to_numpy(dtype=np.float64) for name in self.numeric]
        for name, labels in self.categories.items():
            found = table[name].astype(str).to_numpy()
            names += [f"{name}={label}" for label in labels]
            values += [(found == label).astype(np.float64) for label in labels]
        return FeatureMatrix(tuple(names), np.column_stack(values))


def table_data(
    table: "pd.DataFrame",
    metric: Metric,
    inputs: TableInputs,
    *,
    labels: Sequence[str] = (),
    configuration: Sequence[str] = (),
) -> TrainingData:
    """Returns a table as training data.

    Args:
        table: n rows.
        metric: of the table's column of the same name: its unit, direction, link (``log_target``) and bounds.
        inputs: the columns that are learnt from.
        labels: names of columns by which the data can be split, such as the base model.
        configuration: names of the columns that tell configurations apart: rows alike in them are runs of one
            configuration, and no split separates them. By default the inputs and the labels.

    Raises:
        UserError: when a column is missing, lacks a value, or the metric leaves its bounds in some row.
    """
    apart = configuration or (*inputs.numeric, *inputs.categories, *labels)
    _complete(table, (metric.name, *labels, *apart))
    target = table[metric.name].to_numpy(dtype=np.float64)
    outside = np.flatnonzero((target < metric.lower) | (target > metric.upper) | (metric.log_target & (target <= 0)))
    if len(outside):
        raise UserError(
            f"{metric.name} is {target[outside[0]]:g} in row {outside[0]}",
            f"it lies between {metric.lower:g} and {metric.upper:g}{', above 0' * metric.log_target}",
            "drop the row, or declare other bounds",
        )
    groups = table.groupby(list(dict.fromkeys(apart)), sort=False).ngroup().to_numpy()
    known = {name: table[name].astype(str).to_numpy(dtype=object) for name in labels}
    return TrainingData(metric, inputs.features(table), target, groups, known)


def copied_rows(data: TrainingData) -> NDArray[np.int64]:
    """Returns the rows that stand, with the same inputs and the same value, in another configuration too.

    A split by configuration does not keep such copies apart: what it predicts, it may have learnt.

    Args:
        data: n rows.
    """
    whole = np.column_stack((data.features.values, data.target))
    same = np.unique(whole, axis=0, return_inverse=True)[1].ravel()
    pairs = np.unique(np.column_stack((same, np.unique(data.groups, return_inverse=True)[1])), axis=0)
    return np.flatnonzero(np.bincount(pairs[:, 0])[same] > 1)


def _complete(table: "pd.DataFrame", columns: Sequence[Any]) -> None:
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise UserError(
            f"the table has no column {absent[0]!r}",
            f"it has {', '.join(map(str, table.columns))}",
            "name one of these",
        )
    for name in columns:
        empty = table[name].replace([np.inf, -np.inf], np.nan).isna().to_numpy()
        if empty.any():
            raise UserError(
                f"{name} has no finite value in {empty.sum()} of {len(table)} rows, first in row {empty.argmax()}",
                "each row needs one",
                "drop these rows, or fill them in before",
            )
