"""The mean of the training set: the baseline that every other surrogate has to beat."""

from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, MonotoneColumns
from perfmodel.files.state_file import read_state, write_state
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, fitted, link_target

_FILE = "constant.json"


@final
class ConstantSurrogate(AbstractSurrogate):
    """Predicts the same for every configuration: mean and spread of the training targets in link space."""

    kind: ClassVar[str] = "constant"
    version: ClassVar[int] = 1

    def __init__(self, *, log_target: bool, monotone: MonotoneColumns = FREE, seed: int = 0) -> None:
        del monotone, seed  # a constant keeps to every slope and draws nothing
        self._log = log_target
        self._moments: tuple[float, float] | None = None

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        features.take(features.columns)  # refuses NaN as every surrogate does
        link = link_target(features, target, groups, log_target=self._log)
        # The mean of n rows is itself uncertain by std / sqrt(n).
        self._moments = float(link.mean()), float(link.std(ddof=1) * np.sqrt(1 + 1 / len(link)))
        return self

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        location, scale = fitted(self._moments, self.kind)
        return Posterior(np.full(len(features), location), np.full(len(features), scale), self._log)

    def save(self, folder: Path) -> None:
        """Writes ``constant.json``; see ``AbstractSurrogate.save``."""
        moments = fitted(self._moments, self.kind)
        write_state(folder / _FILE, self.kind, self.version, {"log_target": self._log, "moments": moments})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version)
        model = cls(log_target=body["log_target"])
        location, scale = body["moments"]
        model._moments = (location, scale)
        return model
