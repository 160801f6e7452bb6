"""What must hold within one stored trace, whatever was measured.

identity    key, setting and configuration are what the asked part hashes to
legal       every asked value lies in the space
status      a value where the trial ended well, none and a reason where it did not
curve       the learning curve has the recipe's steps and ends at the final loss
numbers     finite; losses above 0; accuracy a whole number of examples
bytes       weights, adapters and optimiser as the closed form says, and less than the peak
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from perfmodel.errors import PerfModelError
from perfmodel.memory.state_bytes import adapter_parameters, state_bytes
from perfmodel.model.architecture import Architecture, LayerShape
from perfmodel.space.metrics import ACCURACY, ADAPTERS, LOSS, OPTIMIZER, STEP_TIME, WEIGHTS
from perfmodel.space.space import Space
from perfmodel.traces.columns import COLUMNS, LISTS
from perfmodel.traces.trace import STATUSES, DeviceClass, Measured, Trace

WEIGHT_TOLERANCE = 1e-4
"""The closed form leaves out a few bytes that a library keeps beside each matrix."""

OPTIMIZER_TOLERANCE = 1e-2
"""AdamW's step counters are not in the closed form."""

BLOCK_STATISTICS = 4.0
"""Optimisers of 8 bits keep small tensors in 32: at most four times the closed form."""

SECONDS = (STEP_TIME, "step_time_p95_s", "prepare_time_s", "eval_time_s", "tokens_per_s")
SCORES = (LOSS, ACCURACY, "accuracy_examples")


def broken_invariants(row: Mapping[str, Any], architecture: Architecture | None) -> list[str]:
    """Returns one sentence for each rule that a stored row breaks; none where it keeps all.

    Args:
        row: of this version's columns.
        architecture: of its unpruned base model; without it neither shapes nor bytes are compared.
    """
    try:
        trace = Trace.from_row(row)
    except (KeyError, TypeError, ValueError, PerfModelError) as error:
        return [f"it cannot be read as a trace ({error})"]
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: _identity(row, trace),
        lambda: _legal(trace, architecture),
        lambda: _status(trace.measured),
        lambda: _numbers(row),
        lambda: _curve(trace) if trace.ok else iter(()),
        lambda: _scores(trace) if trace.ok else iter(()),
        lambda: _bytes(trace, architecture) if trace.ok and architecture else iter(()),
    )
    found = [text for check in checks[:3] for text in check()]
    # A configuration that is no configuration, or a loss that is not there, has no bytes and no curve to compare.
    return found or [text for check in checks[3:] for text in check()]


def _identity(row: Mapping[str, Any], trace: Trace) -> Iterator[str]:
    asked = trace.asked
    for name, expected in (
        ("setting", asked.setting.identifier),
        ("configuration", asked.configuration.identifier),
        ("key", asked.key),
    ):
        if row[name] != expected:
            yield f"{name} is {row[name]!r}, what was asked hashes to {expected!r}"


def _legal(trace: Trace, architecture: Architecture | None) -> Iterator[str]:
    configuration, setting = trace.asked.configuration, trace.asked.setting
    if setting.device_class not in get_args(DeviceClass):
        yield f"device_class is {setting.device_class!r}, allowed are {', '.join(get_args(DeviceClass))}"
    if trace.asked.seed < 0:
        yield f"seed is {trace.asked.seed}, allowed is 0 or more"
    units = len(configuration.bits)
    if architecture:
        layers, modules = len(architecture.layers), len(architecture.modules)
        if units not in (layers, layers * modules):
            yield f"bits has {units} entries, the model has {layers} layers of {modules} linear modules"
            return
    try:
        Space(units, methods=configuration.methods).validate(configuration)
    except PerfModelError as error:
        yield f"{error.given}, {error.allowed}"


def _status(measured: Measured) -> Iterator[str]:
    if measured.status not in STATUSES:
        yield f"status is {measured.status!r}, allowed are {', '.join(STATUSES)}"
    elif measured.status == "ok":
        missing = [name for name in SCORES if getattr(measured, name) is None]
        if missing or not measured.curve_steps:
            yield f"status is ok, and {', '.join(missing or ['the learning curve'])} is missing"
        if measured.reason:
            yield f"status is ok, and the reason of a failure is {measured.reason!r}"
    else:
        there = [name for name in SCORES if getattr(measured, name) is not None]
        if there:
            yield f"status is {measured.status}, and {', '.join(there)} has a value"
        if not measured.reason:
            yield f"status is {measured.status}, and no reason is given"


def _numbers(row: Mapping[str, Any]) -> Iterator[str]:
    for name, kind in COLUMNS.items():
        if kind == "text" or row[name] is None:
            continue
        values = row[name] if name in LISTS else [row[name]]
        positive = name in SECONDS or name in (LOSS, "curve_losses")
        for value in values:
            if not math.isfinite(value) or value < 0 or (positive and value == 0):
                yield f"{name} holds {value}, allowed are finite numbers {'above 0' if positive else 'of 0 or more'}"
                break


def _curve(trace: Trace) -> Iterator[str]:
    measured, recipe = trace.measured, trace.asked.setting.recipe
    if measured.curve_steps != recipe.curve_steps():
        yield f"curve_steps is {measured.curve_steps}, the recipe's steps are {recipe.curve_steps()}"
    for name, last in (("curve_losses", LOSS), ("curve_accuracies", ACCURACY)):
        values = getattr(measured, name)
        if name == "curve_accuracies" and not values:
            continue  # of a version that did not keep them
        if len(values) != len(measured.curve_steps):
            yield f"{name} has {len(values)} entries for {len(measured.curve_steps)} steps"
        elif values[-1] != getattr(measured, last):
            yield f"{last} is {getattr(measured, last)}, {name} ends at {values[-1]}"


def _scores(trace: Trace) -> Iterator[str]:
    measured, recipe = trace.measured, trace.asked.setting.recipe
    assert measured.accuracy is not None  # the status was checked
    assert measured.accuracy_examples is not None
    right = measured.accuracy * measured.accuracy_examples
    if measured.accuracy > 1 or abs(right - round(right)) > 1e-6:
        yield f"accuracy is {measured.accuracy}: {right:g} of {measured.accuracy_examples} examples"
    if not 0 < measured.accuracy_examples <= recipe.eval_examples:
        yield f"accuracy_examples is {measured.accuracy_examples}, the recipe scores {recipe.eval_examples}"
    if measured.step_time_s and measured.step_time_p95_s and measured.step_time_p95_s < measured.step_time_s:
        yield f"step_time_p95_s is {measured.step_time_p95_s}, below the median {measured.step_time_s}"


def _bytes(trace: Trace, architecture: Architecture) -> Iterator[str]:
    measured, configuration, setting = trace.measured, trace.asked.configuration, trace.asked.setting
    shapes = architecture.pruned(configuration.pruning_rate)
    if measured.kv_groups or measured.channels:
        found = tuple(map(LayerShape, measured.kv_groups, measured.channels))
        if len(measured.kv_groups) != len(shapes.layers) or len(measured.channels) != len(shapes.layers):
            yield f"kv_groups and channels have {len(found)} entries, the model has {len(shapes.layers)} layers"
            return
        if configuration.methods.pruning_scope == "per_layer" and found != shapes.layers:
            yield f"kv_groups and channels are not those of rate {configuration.pruning_rate} within each layer"
        shapes = replace(architecture, layers=found)
    optimizer = setting.recipe.optimizer
    state = state_bytes(
        architecture, configuration, device_class=setting.device_class, optimizer=optimizer, shapes=shapes
    )
    most = 1 + OPTIMIZER_TOLERANCE if optimizer == "adamw" else BLOCK_STATISTICS
    parameters = adapter_parameters(architecture, configuration, shapes)
    for name, expected, low, high in (
        ("adapter_parameters", parameters, 1.0, 1.0),
        (ADAPTERS, state.adapters, 1.0, 1.0),
        (WEIGHTS, state.weights, 1 - WEIGHT_TOLERANCE, 1 + WEIGHT_TOLERANCE),
        (OPTIMIZER, state.optimizer, 1 - OPTIMIZER_TOLERANCE, most),
    ):
        value = getattr(measured, name)
        if value is not None and not low * expected <= value <= high * expected:
            yield f"{name} is {value}, the closed form says {expected}"
    resident = state.weights + state.adapters + state.optimizer
    if measured.peak_memory_bytes is not None and measured.peak_memory_bytes <= resident:
        yield f"peak_memory_bytes is {measured.peak_memory_bytes}, what stays resident alone is {resident}"
