"""Columns as linear models read them: squared errors of the chosen widths, logarithms of ranks and of bytes."""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.columns import relative_error
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import MonotoneColumns, unit_kinds
from perfmodel.space.methods import DEFAULT_METHODS, WIDTHS


@final
class Terms:
    """Summary columns, then the units' squared errors, then their log2(1 + rank).

    Args:
        columns: names of the columns of the features that are read, shape ``(q,)``.
        log: whether the target is modelled as its logarithm; columns of bytes are then logarithms, too.

    Attributes:
        columns: names of the columns that are read.
        common: number of summary terms, which come first.
        errors: number of squared errors, which come next.
    """

    def __init__(self, columns: Sequence[str], *, log: bool) -> None:
        self.columns = tuple(columns)
        kinds = unit_kinds(self.columns)
        summary = [column for column, kind in zip(self.columns, kinds, strict=True) if kind is None]
        bits, ranks = (
            [column for column, kind in zip(self.columns, kinds, strict=True) if kind == wanted]
            for wanted in ("bits", "rank")
        )
        self._order = (*summary, *bits, *ranks)
        self.common, self.errors = len(summary), len(bits)
        # Bytes act on a log target through their ratio, not their difference.
        in_log = [index for index, column in enumerate(summary) if log and column.endswith("_bytes")]
        self._in_log = np.array(in_log, dtype=np.intp)

    def of(self, features: FeatureMatrix) -> NDArray[np.float64]:
        """Returns the terms, shape ``(n, q)``.

        Args:
            features: n rows that have the columns.

        Raises:
            UserError: when a column is missing, NaN or infinite.
            InvalidConfigurationError: when a width is unknown.
        """
        values = features.take(self._order)
        if len(self._in_log):
            values[:, self._in_log] = np.log(np.maximum(values[:, self._in_log], 1.0))
        end = self.common + self.errors
        if self.errors:
            widths = values[:, self.common : end].astype(np.intp)
            # The default formats' errors: a format of another error at a width only rescales what that width costs.
            values[:, self.common : end] = _SQUARED_ERRORS.take(widths, mode="clip")
            if np.isnan(values[:, self.common : end]).any():
                relative_error(widths, DEFAULT_METHODS)  # names the width that is unknown
        np.log2(1 + values[:, end:], out=values[:, end:])
        return values

    def signs(self, monotone: MonotoneColumns) -> tuple[int, ...]:
        """Returns the sign that each term's coefficient must have, 0 where any will do, shape ``(q,)``.

        Args:
            monotone: columns in which the metric is known to rise or to fall.
        """
        signs = monotone.signs(self._order)
        end = self.common + self.errors
        return (*signs[: self.common], *(-sign for sign in signs[self.common : end]), *signs[end:])


_SQUARED_ERRORS = np.full(max(WIDTHS) + 2, np.nan)
_SQUARED_ERRORS[list(WIDTHS)] = relative_error(np.array(WIDTHS), DEFAULT_METHODS) ** 2
