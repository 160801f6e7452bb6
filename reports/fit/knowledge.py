"""What knowledge is worth to the surrogates, as plain values: each group of features, and losses before fine-tuning."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from datasets_cache.shelf.sensitivities import load_sensitivities
from perfmodel.errors import InvalidConfigurationError, NotEnoughTracesError, UnknownNameError
from perfmodel.evaluation.ablation import feature_worths
from perfmodel.evaluation.score_lines import BASELINE
from perfmodel.evaluation.selection import MINIMUM_CONFIGURATIONS
from perfmodel.evaluation.step_0_losses import start_points, starting_losses, with_measured_starts
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.sensitivity_columns import SensitivityFeaturizer
from perfmodel.features.training_data import TrainingData, training_data
from perfmodel.model.architecture import Architecture
from perfmodel.space.metrics import ACCURACY, LOSS
from perfmodel.space.space import Unit
from perfmodel.traces.trace import Trace

ON_QUALITY = (LOSS, ACCURACY)
"""Metrics of which sensitivities may say something."""


def worth_entry(
    traces: Sequence[Trace],
    metric: str,
    architecture: Architecture,
    featurizer: Featurizer,
    surrogates: Sequence[str],
    *,
    seed: int,
) -> dict[str, Any]:
    """Returns what each group of features is worth, and why sensitivities are not among them.

    Args:
        traces: of one setting.
        metric: that is judged.
        architecture: of the unpruned base model.
        featurizer: of the setting.
        surrogates: names; a constant is left out, since it reads no features.
        seed: of splits, surrogates and bootstrap.
    """
    data, reason = training_data(traces, metric, featurizer), ""
    if metric in ON_QUALITY:
        try:
            data = training_data(traces, metric, featurizer, _sensitivity_features(traces[0], architecture))
        except (UnknownNameError, InvalidConfigurationError) as error:
            reason = error.given
    worths = [asdict(each) for name in _judged(surrogates) for each in feature_worths(data, name, seed=seed)]
    return {"worths": worths, "without_sensitivities": reason}


def start_entry(
    data: TrainingData,
    traces: Sequence[Trace],
    featurizers: Mapping[str, Featurizer],
    others: Mapping[str, TrainingData],
    surrogates: Sequence[str],
    *,
    seed: int,
) -> dict[str, Any]:
    """Returns the error against the number of fine-tuned traces from losses before fine-tuning, and why there is none.

    Args:
        data: of the setting that is judged.
        traces: of this setting and others of the same base model; those of the same task give cheap pairs, whatever
            their recipe and whether or not they were trained.
        featurizers: of the settings, by their identifier.
        others: data of the other settings, by their identifier.
        surrogates: names; a constant is left out, since it reads no features.
        seed: of splits, draws, models and bootstrap.
    """
    if data.metric != LOSS:
        return {"starts": [], "without_starts": ""}
    own = data.blocks[0]
    points: list[dict[str, Any]] = []
    try:
        cheap = {name: _pairs_of_task(traces, name, featurizers[name]) for name in (own, *others)}
        started = [with_measured_starts(each, cheap[name]) for name, each in others.items()]
        usable = [each for each in started if len(np.unique(each.groups)) >= MINIMUM_CONFIGURATIONS]
        for name in _judged(surrogates):
            points += [asdict(point) for point in start_points(data, cheap[own], name, sources=usable, seed=seed)]
    except NotEnoughTracesError as error:
        return {"starts": [], "without_starts": error.given}
    return {"starts": points, "without_starts": ""}


def _judged(surrogates: Sequence[str]) -> list[str]:
    return [name for name in surrogates if name != BASELINE]


def _pairs_of_task(traces: Sequence[Trace], setting: str, featurizer: Featurizer) -> TrainingData:
    task = next(each.asked.setting for each in traces if each.asked.setting.identifier == setting).task_sha256
    return starting_losses([each for each in traces if each.asked.setting.task_sha256 == task], featurizer)


def _sensitivity_features(example: Trace, architecture: Architecture) -> SensitivityFeaturizer:
    """Returns the columns of the record of the traces' model and task.

    Raises:
        UnknownNameError: when there is no record of these weights and examples.
        InvalidConfigurationError: when it is of another number of units.
    """
    setting, units = example.asked.setting, len(example.asked.configuration.bits)
    unit: Unit = "layer" if units == len(architecture.layers) else "module"
    record = load_sensitivities(setting.model, setting.task, unit)
    if (record.model_sha256, record.task_sha256) != (setting.model_sha256, setting.task_sha256):
        raise UnknownNameError(
            f"the sensitivities of {setting.model} on {setting.task} are of other weights or examples",
            "those of the traces' are needed",
            "measure them: bench sense",
        )
    return SensitivityFeaturizer(record, architecture)
