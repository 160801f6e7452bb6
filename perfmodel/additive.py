"""A linear model with a cost per layer, shrunk towards the same cost in every layer.

    z = c + w . s + sum_i (a_i e_i^2 + b_i log2(1 + r_i)) + noise

with s the summary columns, e_i the relative quantisation error and r_i the rank of layer i. The mean of the layers'
terms is a summary column too, so the penalty on a and b is a penalty on what sets a layer apart. The squared error
is what a second-order expansion of the loss gives; on SmolLM2 log loss rose by 0.06, 0.18 and 1.23 at 4, 3 and 2
bits where e^2 is 0.009, 0.036 and 0.20 (single runs of 20 steps before the first shelf).
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features import relative_error
from perfmodel.methods import DEFAULT_METHODS
from perfmodel.ridge import Ridge, fit_ridge
from perfmodel.state_file import read_state, write_state
from perfmodel.surrogate import AbstractSurrogate, Posterior, column_matrix, fitted, link_target

if TYPE_CHECKING:
    import pandas as pd

_FILE = "additive.json"
_UNIT = re.compile(r"(bits|rank)_\d+")


@final
class AdditiveSurrogate(AbstractSurrogate):
    """Ridge regression on summary columns and per-layer terms; see the module."""

    kind: ClassVar[str] = "additive"
    version: ClassVar[int] = 1

    def __init__(self, *, log_target: bool, rising: Sequence[str] = (), seed: int = 0) -> None:
        del rising, seed  # signs are left to the data, and nothing is drawn
        self._log = log_target
        self._columns: tuple[str, ...] = ()
        self._ridge: Ridge | None = None

    def fit(self, features: "pd.DataFrame", target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        self._columns = tuple(str(column) for column in features.columns)
        link = link_target(features, target, groups, log_target=self._log)
        self._ridge = fit_ridge(*self._terms(features), link, groups)
        return self

    def posterior(self, features: "pd.DataFrame") -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        ridge = fitted(self._ridge, self.kind)
        return Posterior(*ridge.predict(np.hstack(self._terms(features))), self._log)

    def save(self, folder: Path) -> None:
        """Writes ``additive.json``; see ``AbstractSurrogate.save``."""
        ridge = fitted(self._ridge, self.kind)
        body = {"log_target": self._log, "columns": list(self._columns), "ridge": ridge.to_dict()}
        write_state(folder / _FILE, self.kind, self.version, body)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version)
        model = cls(log_target=body["log_target"])
        model._columns = tuple(body["columns"])
        model._ridge = Ridge.from_dict(body["ridge"])
        return model

    def _terms(self, features: "pd.DataFrame") -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Returns the summary terms, the layers' errors and the layers' ranks, each of shape ``(n, ...)``."""
        values = column_matrix(features, self._columns)
        units = [_UNIT.fullmatch(column) for column in self._columns]
        bits = np.array([unit is not None and unit[1] == "bits" for unit in units], dtype=bool)
        ranks = np.array([unit is not None and unit[1] == "rank" for unit in units], dtype=bool)
        # Bytes act on a log target through their ratio, not their difference.
        in_log = np.array([self._log and column.endswith("_bytes") for column in self._columns], dtype=bool)
        values = np.where(in_log, np.log(np.where(in_log, np.maximum(values, 1.0), 1.0)), values)
        # The default formats' errors: a format of another error at a width only rescales what that width costs.
        errors = relative_error(values[:, bits].astype(np.int64), DEFAULT_METHODS) ** 2
        return values[:, ~bits & ~ranks], errors, np.log2(1 + values[:, ranks])
