"""What the closed form makes of the steps that traces measured: the seconds of each trace's median timed step, by part.

The step is that of the trial: its own batches, its own shapes after pruning.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from collectors.device.step_loads import timed_loads, training_examples
from collectors.scoring.encode import Encoded
from datasets_cache import resolve
from perfmodel.memory.load import BatchLoad
from perfmodel.model.architecture import Architecture, LayerShape
from perfmodel.timing.correction import PARTS, Array
from perfmodel.timing.device_profiles import DeviceProfile
from perfmodel.timing.step_time import StepTime, step_time, step_work
from perfmodel.traces.trace import Trace


@dataclass(frozen=True)
class StepTimes:
    """The closed form beside what was measured.

    Args:
        traces: in the order of the rows.
        parts: seconds of each part of the closed form, shape ``(n, 4)``.
        seconds: measured median step, shape ``(n,)``.
        settings: identifiers, shape ``(n,)``.
    """

    traces: tuple[Trace, ...]
    parts: Array
    seconds: Array
    settings: tuple[str, ...]


def of_this_device(profile: DeviceProfile, traces: Iterable[Trace]) -> list[Trace]:
    """Returns the traces whose step times the profile's own device measured, as it was when it was calibrated.

    A trial that went on from a checkpoint is left out: which of its steps were timed is not recorded.

    Args:
        profile: measured.
        traces: of any device.
    """
    return [
        trace
        for trace in traces
        if trace.ok
        and trace.measured.step_time_s
        and trace.measured.resumed_from_step is None
        and trace.asked.setting.device_class == profile.device_class
        and trace.ran_on.device_name == profile.name
        and (profile.device_class == "cuda" or trace.ran_on.threads == profile.threads)
    ]


def step_times(profile: DeviceProfile, traces: Iterable[Trace]) -> StepTimes:
    """Returns the closed form of each trace's timed steps; a correction of the profile is not applied.

    Args:
        profile: of the device that made the traces.
        traces: of ``of_this_device``.
    """
    bare, rows = replace(profile, correction=None), tuple(traces)
    trains: dict[str, list[Encoded]] = {}
    architectures: dict[str, Architecture] = {}
    loads: dict[tuple[str, int], list[BatchLoad]] = {}
    parts = []
    for trace in rows:
        setting = trace.asked.setting
        if setting.identifier not in trains:
            trains[setting.identifier] = training_examples(setting)
            architectures[setting.identifier] = Architecture.from_config(resolve(setting.model).config)
        drawn = setting.identifier, trace.asked.seed
        if drawn not in loads:
            loads[drawn] = timed_loads(trace.asked, trains[setting.identifier])
        parts.append(_median_parts(bare, trace, architectures[setting.identifier], loads[drawn]))
    return StepTimes(
        rows,
        np.asarray(parts, dtype=np.float64).reshape(-1, len(PARTS)),
        np.asarray([trace.measured.step_time_s for trace in rows], dtype=np.float64),
        tuple(trace.asked.setting.identifier for trace in rows),
    )


def predicted_step_s(profile: DeviceProfile, trace: Trace, architecture: Architecture, loads: list[BatchLoad]) -> float:
    """Returns the seconds to compare with a trace's ``step_time_s``: the median over its timed steps.

    Args:
        profile: of the device; its correction is applied.
        trace: of that device.
        architecture: of the unpruned base model.
        loads: of ``timed_loads``.
    """
    return median(step.seconds for step in _steps(profile, trace, architecture, loads))


def _median_parts(
    profile: DeviceProfile, trace: Trace, architecture: Architecture, loads: list[BatchLoad]
) -> list[float]:
    """Returns the parts of the middle step, or the mean of the two middle ones, whose sum is the median's seconds."""
    steps = sorted(_steps(profile, trace, architecture, loads), key=lambda step: step.seconds)
    middle = steps[(len(steps) - 1) // 2 : len(steps) // 2 + 1]
    return [sum(getattr(step, part) for step in middle) / len(middle) for part in PARTS]


def _steps(profile: DeviceProfile, trace: Trace, architecture: Architecture, loads: list[BatchLoad]) -> list[StepTime]:
    asked, measured = trace.asked, trace.measured
    shapes = None
    if measured.channels:
        layers = (LayerShape(*pair) for pair in zip(measured.kv_groups, measured.channels, strict=True))
        shapes = replace(architecture, layers=tuple(layers))
    known = {}
    for load in set(loads):
        work = step_work(
            architecture,
            asked.configuration,
            asked.setting.recipe,
            load,
            device_class=profile.device_class,
            shapes=shapes,
        )
        known[load] = step_time(work, profile)
    return [known[load] for load in loads]
