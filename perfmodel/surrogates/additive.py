"""A linear model with a cost per layer, shrunk towards the same cost in every layer.

    z = c + w . s + sum_i (a_i e_i^2 + b_i log2(1 + r_i)) + noise

with s the summary columns, e_i the relative quantisation error and r_i the rank of layer i. The mean of the layers'
terms is a summary column too, so the penalty on a and b is a penalty on what sets a layer apart. The squared error
is what a second-order expansion of the loss gives.

Where the metric is known to rise or fall in a column, its coefficient has that sign: a fitted loss cannot rise with
bits in any unit.
"""

from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, MonotoneColumns
from perfmodel.files.state_file import read_state, write_state
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, fitted, link_target
from perfmodel.surrogates.ridge import Ridge, fit_ridge
from perfmodel.surrogates.terms import Terms

_FILE = "additive.json"


@final
class AdditiveSurrogate(AbstractSurrogate):
    """Ridge regression on summary columns and per-layer terms; see the module."""

    kind: ClassVar[str] = "additive"
    version: ClassVar[int] = 2

    def __init__(self, *, log_target: bool, monotone: MonotoneColumns = FREE, seed: int = 0) -> None:
        del seed  # nothing is drawn
        self._log = log_target
        self._monotone = monotone
        self._terms = Terms((), log=log_target)
        self._ridge: Ridge | None = None

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        self._terms = Terms(self._monotone.read(features.columns), log=self._log)
        values = self._terms.of(features)
        link = link_target(features, target, groups, log_target=self._log)
        common, errors = self._terms.common, self._terms.common + self._terms.errors
        blocks = values[:, :common], values[:, common:errors], values[:, errors:]
        self._ridge = fit_ridge(*blocks, link, groups, self._terms.signs(self._monotone))
        return self

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        ridge = fitted(self._ridge, self.kind)
        return Posterior(*ridge.predict(self._terms.of(features)), self._log, ridge.run_noise)

    def save(self, folder: Path) -> None:
        """Writes ``additive.json``; see ``AbstractSurrogate.save``."""
        ridge = fitted(self._ridge, self.kind)
        body = {"log_target": self._log, "columns": list(self._terms.columns), "ridge": ridge.to_dict()}
        write_state(folder / _FILE, self.kind, self.version, body)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version, oldest=2)
        model = cls(log_target=body["log_target"])
        model._terms = Terms(tuple(body["columns"]), log=model._log)
        model._ridge = Ridge.from_dict(body["ridge"])
        return model
