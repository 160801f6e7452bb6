"""The seconds that a trial would take: by the time model of a device, or by the times of measured trials.

Notation:
    n: configurations.
    d: dimensions of the space.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError
from perfmodel.memory.load import BatchLoad
from perfmodel.model.architecture import Architecture
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Space
from perfmodel.timing.device_profiles import DeviceProfile
from perfmodel.timing.step_time import step_time, step_work
from perfmodel.traces.trace import Trace
from search.benchmark.truncated_traces import trial_seconds

Floats = NDArray[np.float64]


class AbstractCost(ABC):
    """What trials cost."""

    @abstractmethod
    def seconds(self, vectors: NDArray[np.int64], at: float) -> Floats:
        """Returns the seconds of each trial, shape ``(n,)``.

        Args:
            vectors: index vectors, shape ``(n, d)``.
            at: share of the full training.
        """


@final
class ModelledCost(AbstractCost):
    """Seconds of the optimiser's steps by ``perfmodel.timing.step_time``; evaluation and preparation are left out.

    Args:
        space: that the index vectors are of.
        architecture: of the unpruned base model.
        recipe: of the full training: its steps and optimiser.
        load: the batch of tokens of a step.
        profile: measured rates of the device.
    """

    def __init__(
        self, space: Space, architecture: Architecture, recipe: Recipe, load: BatchLoad, profile: DeviceProfile
    ) -> None:
        self._space, self._architecture = space, architecture
        self._recipe, self._load, self._profile = recipe, load, profile

    def seconds(self, vectors: NDArray[np.int64], at: float) -> Floats:
        """Returns the seconds of each trial's steps, shape ``(n,)``."""
        device = self._profile.device_class
        steps = round(at * self._recipe.steps)
        return np.asarray(
            [
                steps
                * step_time(
                    step_work(self._architecture, each, self._recipe, self._load, device_class=device), self._profile
                ).seconds
                for each in self._space.decode(vectors)
            ],
            dtype=np.float64,
        )


@final
class MeasuredCost(AbstractCost):
    """Seconds of measured trials: a configuration's own mean where it was run, else the mean over all.

    Args:
        space: that the index vectors are of.
        traces: measured, all of one setting.

    Raises:
        NotEnoughTracesError: when no trace has its times.
    """

    def __init__(self, space: Space, traces: Sequence[Trace]) -> None:
        self._space = space
        self._traces = [trace for trace in traces if trial_seconds(trace, 1.0) is not None]
        if not self._traces:
            raise NotEnoughTracesError(
                "no trace has its times", "one or more are needed", "collect traces, or give a device's profile"
            )
        self._known: dict[float, tuple[dict[str, float], float]] = {}

    def seconds(self, vectors: NDArray[np.int64], at: float) -> Floats:
        """Returns the seconds of each whole trial, shape ``(n,)``."""
        if at not in self._known:
            self._known[at] = self._means(at)
        own, mean = self._known[at]
        identifiers = [each.identifier for each in self._space.decode(vectors)]
        return np.asarray([own.get(identifier, mean) for identifier in identifiers], dtype=np.float64)

    def _means(self, at: float) -> tuple[dict[str, float], float]:
        groups: dict[str, list[float]] = {}
        for trace in self._traces:
            groups.setdefault(trace.asked.configuration.identifier, []).append(trial_seconds(trace, at) or 0.0)
        own = {identifier: float(np.mean(times)) for identifier, times in groups.items()}
        return own, float(np.mean(list(own.values())))


@final
class UnknownCost(AbstractCost):
    """Nothing is known: the back end tells what its own trials took."""

    def seconds(self, vectors: NDArray[np.int64], at: float) -> Floats:
        """Returns NaN for each trial, shape ``(n,)``."""
        del at
        return np.full(len(vectors), np.nan)
