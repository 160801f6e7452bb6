"""A linear model with a cost per layer, shrunk towards the same cost in every layer.

    z = c + w . s + sum_i (a_i e_i^2 + b_i log2(1 + r_i)) + noise

with s the summary columns, e_i the relative quantisation error and r_i the rank of layer i. The mean of the layers'
terms is a summary column too, so the penalty on a and b is a penalty on what sets a layer apart. The squared error
is what a second-order expansion of the loss gives; on SmolLM2 log loss rose by 0.06, 0.18 and 1.23 at 4, 3 and 2
bits where e^2 is 0.009, 0.036 and 0.20 (single runs of 20 steps before the first shelf).

Where the metric is known to rise or fall in a column, its coefficient has that sign: a fitted loss cannot rise with
bits in any unit.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.columns import relative_error
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, Slopes, unit_kind
from perfmodel.files.state_file import read_state, write_state
from perfmodel.space.methods import DEFAULT_METHODS, WIDTHS
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, fitted, link_target
from perfmodel.surrogates.ridge import Ridge, fit_ridge

_FILE = "additive.json"


@final
class AdditiveSurrogate(AbstractSurrogate):
    """Ridge regression on summary columns and per-layer terms; see the module."""

    kind: ClassVar[str] = "additive"
    version: ClassVar[int] = 2

    def __init__(self, *, log_target: bool, slopes: Slopes = FREE, seed: int = 0) -> None:
        del seed  # nothing is drawn
        self._log = log_target
        self._slopes = slopes
        self._terms = AdditiveTerms((), log=log_target)
        self._ridge: Ridge | None = None
        self._noise: float | None = None

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        self._terms = AdditiveTerms(self._slopes.read(features.columns), log=self._log)
        values = self._terms.of(features)
        link = link_target(features, target, groups, log_target=self._log)
        common, errors = self._terms.common, self._terms.common + self._terms.errors
        blocks = values[:, :common], values[:, common:errors], values[:, errors:]
        self._ridge = fit_ridge(*blocks, link, groups, self._terms.signs(self._slopes))
        self._noise = self._ridge.run_noise
        return self

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        ridge = fitted(self._ridge, self.kind)
        return Posterior(*ridge.predict(self._terms.of(features)), self._log, self._noise)

    def save(self, folder: Path) -> None:
        """Writes ``additive.json``; see ``AbstractSurrogate.save``."""
        ridge = fitted(self._ridge, self.kind)
        body = {"log_target": self._log, "columns": list(self._terms.columns), "ridge": ridge.to_dict()}
        body["noise"] = self._noise
        write_state(folder / _FILE, self.kind, self.version, body)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version)
        model = cls(log_target=body["log_target"])
        model._terms = AdditiveTerms(tuple(body["columns"]), log=model._log)
        model._ridge = Ridge.from_dict(body["ridge"])
        model._noise = body.get("noise")  # version 1 lifted the mean by what it did not know
        return model


@final
class AdditiveTerms:
    """The columns as the model reads them: summary terms, then the units' squared errors, then their log2(1 + rank).

    Args:
        columns: of the features.
        log: whether the target is modelled as its logarithm.

    Attributes:
        common: number of summary terms.
        errors: number of squared errors.
    """

    def __init__(self, columns: Sequence[str], *, log: bool) -> None:
        self.columns = tuple(columns)
        kinds = [unit_kind(column) for column in self.columns]
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
        """Returns the terms, shape ``(n, len(columns))``."""
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

    def signs(self, slopes: Slopes) -> tuple[int, ...]:
        """Returns the sign that each term's coefficient must have, 0 where any will do."""
        signs = slopes.signs(self._order)
        end = self.common + self.errors
        return (*signs[: self.common], *(-sign for sign in signs[self.common : end]), *signs[end:])


_SQUARED_ERRORS = np.full(max(WIDTHS) + 2, np.nan)
_SQUARED_ERRORS[list(WIDTHS)] = relative_error(np.array(WIDTHS), DEFAULT_METHODS) ** 2
