"""What is known of a task before its first fine-tune, for every command that searches.

    closed forms     peak of training, resident weights, adapters               ``known_peak``, ``KnownCosts``
    other tasks      what the predictors of their traces say of the loss        ``other_tasks``, ``fit_priors``
    all of it        as a searcher is given it                                  ``knowledge_of``

Notation:
    n: configurations.
    d: dimensions of the space, ``1 + 2 * units``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import InvalidConfigurationError
from perfmodel.features.featurizer import SpaceFeatures
from perfmodel.features.sensitivities import Sensitivities
from perfmodel.memory.load import BatchLoad
from perfmodel.memory.peak import allocated_peaks
from perfmodel.memory.peak_tables import PeakTables
from perfmodel.model.architecture import Architecture
from perfmodel.predictor.fitting import setting_featurizer
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.metrics import ACCURACY, ADAPTERS, LOSS, PEAK, WEIGHTS
from perfmodel.space.space import Space
from perfmodel.traces.trace import Setting, Trace
from search.contract.knowledge import Knowledge, Memory
from search.joint.remembered_memory import RememberedMemory
from search.registry import SEARCHERS

Vectors = NDArray[np.int64]
Floats = NDArray[np.float64]

ENOUGH: Final = 20
"""Configurations of a task: of fewer, a predictor of its loss says little of another's."""

COSTS: Final = (PEAK, WEIGHTS, ADAPTERS)
_STORED: Final = ("state_weight_bytes", "state_adapter_bytes")


def knowledge_of(
    objectives: Sequence[str],
    budget: Mapping[str, float],
    memory: Memory,
    *,
    sensitivities: Sensitivities | None = None,
    others: Sequence[Predictor] = (),
    fidelities: tuple[float, ...] = (1.0,),
    untrained: tuple[Vectors, Floats] | None = None,
) -> Knowledge:
    """Returns what a searcher of these objectives is given.

    Args:
        objectives: names of the metrics to trade off.
        budget: limit of each budgeted metric, in its unit; that of the peak of training memory is used.
        memory: from index vectors ``(n, d)`` to the peak of training memory in bytes, shape ``(n,)``.
        sensitivities: of the units of the space, None where they were not measured.
        others: predictors of the loss of other tasks, over the same space.
        fidelities: shares of the full training at which a configuration may be run, rising, the last one 1.
        untrained: index vectors ``(n, d)`` and losses before training ``(n,)``, as ``untrained_losses`` gives them.
    """
    quality = next((name for name in (LOSS, ACCURACY) if name in objectives), objectives[0])
    return Knowledge(
        sensitivities,
        memory,
        budget.get(PEAK),
        memory_objective=objectives.index(PEAK) if PEAK in objectives else None,
        loss_objective=objectives.index(quality),
        fidelities=fidelities,
        prior=PriorLoss(tuple(others)) if others else None,
        untrained=untrained,
    )


def untrained_losses(traces: Sequence[Trace], space: Space) -> tuple[Vectors, Floats] | None:
    """Returns configurations and their measured losses before the first step, in nats; None where there are none.

    Args:
        traces: of one setting; the first point of a learning curve counts where it is of step 0 and the
            configuration is of the space.
        space: whose index vectors are wanted, shape ``(n, d)``, beside losses of shape ``(n,)``.
    """
    found = {
        trace.asked.configuration: trace.measured.curve_losses[0]
        for trace in of_space(traces, space)
        if trace.measured.curve_steps[:1] == (0,)
    }
    return (space.encode(list(found)), np.asarray(list(found.values()), dtype=np.float64)) if found else None


def of_space(traces: Iterable[Trace], space: Space) -> list[Trace]:
    """Returns the traces that ended well and whose configuration is one of the space.

    Args:
        traces: measured, of any settings.
        space: the legal configurations.
    """
    found = []
    for trace in traces:
        with suppress(InvalidConfigurationError):
            space.validate(trace.asked.configuration)
            found.append(trace)
    return [trace for trace in found if trace.ok]


def facts_wanted(names: Iterable[str]) -> Collection[str]:
    """Returns the fields of ``Knowledge`` that some of the searchers use, so that no other is worked out.

    Args:
        names: of the searchers, keys of ``SEARCHERS``.
    """
    return {field for name in names for field in (*SEARCHERS[name].needs, *SEARCHERS[name].uses)}


def known_peak(architecture: Architecture, space: Space, setting: Setting, load: BatchLoad) -> Memory:
    """Returns the closed form of the allocator's peak as searches ask for it: vectors ``(n, d)`` to bytes ``(n,)``.

    Args:
        architecture: of the unpruned base model.
        space: that the index vectors are of.
        setting: whose recipe and device class are meant.
        load: the batch of tokens that peaks.
    """
    if space.units == len(architecture.layers):
        return PeakTables(space, architecture, setting.recipe, setting.device_class, load)
    return RememberedMemory(partial(_allocated_peak, architecture, space, setting, load))


def _allocated_peak(
    architecture: Architecture, space: Space, setting: Setting, load: BatchLoad, vectors: Vectors
) -> Floats:
    configurations, device_class = space.decode(vectors), setting.device_class
    return allocated_peaks(architecture, configurations, setting.recipe, load, device_class=device_class).astype(float)


@final
class KnownCosts:
    """Peak of training, resident weights and adapters of configurations, without a fine-tune.

    Args:
        architecture: of the unpruned base model.
        space: that the index vectors are of.
        setting: whose recipe and device class are meant.
        load: the batch of tokens that peaks.
    """

    def __init__(self, architecture: Architecture, space: Space, setting: Setting, load: BatchLoad) -> None:
        self._features = SpaceFeatures(space, setting_featurizer(architecture, setting))
        self._peak = known_peak(architecture, space, setting, load)

    def __call__(self, vectors: Vectors) -> Floats:
        """Returns bytes of index vectors ``(n, d)``, shape ``(n, 3)``, columns as in ``COSTS``."""
        stored = self._features.matrix(vectors).take(_STORED)
        return np.column_stack([self._peak(vectors), stored])


@final
@dataclass(frozen=True)
class PriorLoss:
    """The mean log loss that several tasks' predictors give, up to a constant that of a new task.

    Args:
        predictors: of the other tasks, one or more, over one space.
    """

    predictors: tuple[Predictor, ...]

    def __call__(self, vectors: Vectors) -> Floats:
        """Returns it for index vectors ``(n, d)``, in log nats per answer token, shape ``(n,)``."""
        losses = [each.predict_arrays(vectors).mean[:, each.metrics.index(LOSS)] for each in self.predictors]
        return np.asarray(np.log(losses).mean(axis=0))


def other_tasks(traces: Sequence[Trace], setting: Setting, space: Space) -> dict[str, list[Trace]]:
    """Returns the traces that ended well of each other task with enough of them, under the same model and recipe.

    Args:
        traces: measured, of any settings.
        setting: of the new task: model, recipe and device class.
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
    """Returns a predictor of the loss for each of the other tasks.

    Args:
        others: traces by task, as ``other_tasks`` gives them.
        space: of the vectors that the predictors will be asked about.
        architecture: of the unpruned base model.
    """
    return [Predictor.fit(own, space, architecture, metrics=(LOSS,)) for own in others.values()]
