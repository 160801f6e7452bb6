"""What the traces of other tasks predict of a loss: knowledge that a search of a new task starts with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.model.architecture import Architecture
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import LOSS
from perfmodel.space.space import Space
from perfmodel.traces.trace import Setting, Trace

ENOUGH: Final = 20
"""Configurations of a task: of fewer, a predictor of its loss says little of another's."""


@dataclass(frozen=True)
class PriorLoss:
    """The mean log loss that several tasks' predictors give, up to a constant that of a new task.

    Args:
        predictors: of the other tasks, one or more, over one space.
    """

    predictors: tuple[Predictor, ...]

    def __call__(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns it for index vectors, shape ``(n,)``."""
        losses = [each.predict_arrays(vectors).mean[:, each.metrics.index(LOSS)] for each in self.predictors]
        return np.asarray(np.log(losses).mean(axis=0))


def other_tasks(traces: Sequence[Trace], setting: Setting, space: Space) -> dict[str, list[Trace]]:
    """Returns the traces that ended well of each other task with enough of them, under the same model and recipe.

    Args:
        traces: of any settings.
        setting: of the new task.
        space: whose methods and units the traces must have.
    """
    found: dict[str, list[Trace]] = {}
    for trace in traces:
        asked = trace.asked
        alike = (asked.setting.model_sha256, asked.setting.recipe, asked.setting.device_class) == (
            *(setting.model_sha256, setting.recipe, setting.device_class),
        )
        configuration = asked.configuration
        same_space = configuration.methods == space.methods and len(configuration.bits) == space.units
        if trace.ok and alike and same_space and asked.setting.task_sha256 != setting.task_sha256:
            found.setdefault(asked.setting.task, []).append(trace)
    return {
        task: own for task, own in sorted(found.items()) if len({each.asked.configuration for each in own}) >= ENOUGH
    }


def fit_priors(others: Mapping[str, Sequence[Trace]], space: Space, architecture: Architecture) -> list[Predictor]:
    """Returns a predictor of the loss for each of the other tasks."""
    return [Predictor.fit(own, space, architecture, metrics=(LOSS,)) for own in others.values()]
