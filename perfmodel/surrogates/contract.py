"""The contract of a learned model: fit on features and a target, answer with a posterior, save and load.

n   rows (traces when fitting, configurations when predicting)
y   target in the metric's own unit
z   target in link space: log(y) under ``log_target``, else y
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import NormalDist
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError, UserError
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, MonotoneColumns

State = TypeVar("State")

MINIMUM_ROWS = 2
"""Fewest rows with which a spread can be estimated."""


@dataclass(frozen=True)
class Posterior:
    """Predictive distribution of one new measurement: normal in link space, noise and model uncertainty together.

    Args:
        location: mean in link space, shape ``(n,)``.
        scale: standard deviation in link space, shape ``(n,)``.
        log: whether link space is log(y), so that y is log-normal and positive.
        noise: the part of ``scale`` that every row has, in link space; None where a model does not tell it apart.
    """

    location: NDArray[np.float64]
    scale: NDArray[np.float64]
    log: bool
    noise: float | None = None

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """Mean in the metric's unit, shape ``(n,)``.

        Under ``log`` it is that of a new run at the location, so that it rises and falls as the location does; what
        the model does not know widens the interval and does not lift the mean.
        """
        if not self.log:
            return self.location
        return np.exp(self.location + (self.scale if self.noise is None else self.noise) ** 2 / 2)

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation in the metric's unit, shape ``(n,)``."""
        return self.mean * np.sqrt(np.expm1(self.scale**2)) if self.log else self.scale

    def interval(self, level: float = 0.9) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the central interval's ends in the metric's unit, each of shape ``(n,)``.

        Args:
            level: share of new measurements that it should hold, in (0, 1).
        """
        return self.within(NormalDist().inv_cdf(0.5 + level / 2))

    def within(self, half_width: float | NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the ends of an interval about the location in the metric's unit, each of shape ``(n,)``.

        Args:
            half_width: from the location to either end, in standard deviations, 0 or more; one for all rows, or
                shape ``(n,)``.
        """
        half = half_width * self.scale
        low, high = self.location - half, self.location + half
        return (np.exp(low), np.exp(high)) if self.log else (low, high)


class AbstractSurrogate(ABC):
    """A model of one metric. Implementations are final, deterministic in their seed, and save no pickles."""

    kind: ClassVar[str]
    version: ClassVar[int]

    @abstractmethod
    def __init__(self, *, log_target: bool, monotone: MonotoneColumns = FREE, seed: int = 0) -> None:
        """Makes an unfitted model; all take the same arguments, so that one line makes any of them.

        Args:
            log_target: whether log(y) is modelled; targets must then be positive.
            monotone: columns in which the metric is known to rise or to fall; every model keeps to them but those of
                ``perfmodel.surrogates.registry.NOT_MONOTONE``.
            seed: of every random choice, 0 or more.
        """

    @abstractmethod
    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted.

        Args:
            features: what is known of each row's configuration, n rows.
            target: measured values in the metric's unit, shape ``(n,)``.
            groups: name or number of each row's configuration, shape ``(n,)``.

        Raises:
            NotEnoughTracesError: with fewer than two rows.
            UserError: when a value is NaN or infinite, or not positive under ``log_target``.
        """

    @abstractmethod
    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row.

        Args:
            features: of the configurations asked about, n rows; columns that the model was not fitted on are
                ignored.

        Raises:
            UserError: when the model is not fitted, or a column is missing, NaN or infinite.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes the fitted model.

        Raises:
            OutputFolderError: when the folder cannot be written.
            UserError: when the model is not fitted.
        """

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote.

        Raises:
            CorruptFileError: when a file is missing or damaged.
            SchemaVersionError: when a newer version wrote it.
        """


def link_target(
    features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any], *, log_target: bool
) -> NDArray[np.float64]:
    """Returns z, shape ``(n,)``, after checking that the rows can be fitted.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_ROWS`` rows.
        UserError: when lengths differ, a value is NaN or infinite, or a target is not positive under ``log_target``.
    """
    target = np.asarray(target, dtype=np.float64)
    if not len(features) == len(target) == len(groups):
        lengths = f"{len(features)}, {len(target)} and {len(groups)}"
        raise UserError(
            f"features, target and groups have {lengths} rows", "they need the same", "pass rows of one set"
        )
    if len(target) < MINIMUM_ROWS:
        raise NotEnoughTracesError(
            f"{len(target)} rows to fit", f"at least {MINIMUM_ROWS} are needed", "collect more traces"
        )
    if not np.all(np.isfinite(target)) or (log_target and np.any(target <= 0)):
        allowed = "finite and positive" if log_target else "finite"
        raise UserError(
            "the target holds a value that cannot be fitted", f"values must be {allowed}", "drop those rows"
        )
    return np.log(target) if log_target else target


def fitted(state: State | None, kind: str) -> State:
    """Returns the state of a fitted model.

    Raises:
        UserError: when there is none.
    """
    if state is None:
        raise UserError(f"the {kind} surrogate is not fitted", "a fitted model is needed", "call fit first")
    return state
