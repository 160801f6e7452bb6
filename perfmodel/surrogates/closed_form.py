"""The peak of memory by its closed form: what a fit adds is how far measured peaks lie from it, and how much they vary.

Notation:
    n   rows
    z   measured peak over closed form

    location = closed form times the mean of z over configurations,  scale = closed form times the deviation of z
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError, UserError
from perfmodel.features.columns import PEAK_COLUMN
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, MonotoneColumns
from perfmodel.features.training_data import TrainingData, measured
from perfmodel.files.state_file import read_state, write_state
from perfmodel.memory.load import BatchLoad, typical_load
from perfmodel.memory.peak import allocated_peaks
from perfmodel.model.architecture import Architecture
from perfmodel.space.metrics import PEAK
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, fitted, link_target
from perfmodel.traces.trace import Trace

LEAST_SCALE = 1e-6
"""Of z. Peaks that agree to the byte are no proof that the next one will."""

_FILE = "closed_form.json"


def load_that_peaks(traces: Sequence[Trace], architecture: Architecture) -> BatchLoad | None:
    """Returns the load that the closed form needs, None where no trace tells it, or units are modules."""
    if len(traces[0].asked.configuration.bits) != len(architecture.layers):
        return None
    try:
        return typical_load(traces)
    except NotEnoughTracesError:
        return None


def with_closed_form(
    data: TrainingData, traces: Sequence[Trace], architecture: Architecture, load: BatchLoad
) -> TrainingData:
    """Returns the data with ``PEAK_COLUMN``.

    Args:
        data: of the peak, one row for each usable trace.
        traces: of one setting, as the data was made from.
        architecture: of the unpruned base model.
        load: the batch that peaks.
    """
    usable, _ = measured(traces, PEAK)
    setting = usable[0].asked.setting
    configurations = [trace.asked.configuration for trace in usable]
    peaks = allocated_peaks(
        architecture, configurations, setting.recipe, load, device_class=setting.device_class
    ).astype(np.float64)
    return replace(data, features=data.features.with_column(PEAK_COLUMN, peaks))


@final
class ClosedFormSurrogate(AbstractSurrogate):
    """Reads ``PEAK_COLUMN``; see the module."""

    kind: ClassVar[str] = "closed_form"
    version: ClassVar[int] = 1

    def __init__(self, *, log_target: bool, monotone: MonotoneColumns = FREE, seed: int = 0) -> None:
        del monotone, seed  # the closed form knows how it rises, and nothing is drawn
        if log_target:
            raise UserError("a closed form of the logarithm", "peaks are modelled in bytes", "take log_target=False")
        self._moments: tuple[float, float] | None = None

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        known = features.column(PEAK_COLUMN)
        apart = link_target(features, target, groups, log_target=False) / known
        configurations, counts = np.unique(groups, return_inverse=True, return_counts=True)[1:]
        mean = float((np.bincount(configurations, apart) / counts).mean())
        spread = float(np.sqrt(((apart - mean) ** 2).sum() / (len(apart) - 1) * (1 + 1 / len(counts))))
        self._moments = mean, max(spread, LEAST_SCALE)
        return self

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        mean, scale = fitted(self._moments, self.kind)
        known = features.column(PEAK_COLUMN)
        return Posterior(known * mean, known * scale, log=False)

    def save(self, folder: Path) -> None:
        """Writes ``closed_form.json``; see ``AbstractSurrogate.save``."""
        write_state(folder / _FILE, self.kind, self.version, {"moments": fitted(self._moments, self.kind)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        mean, scale = read_state(folder / _FILE, cls.kind, cls.version)["moments"]
        model = cls(log_target=False)
        model._moments = mean, scale
        return model
