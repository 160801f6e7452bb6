"""How a predictor is fitted: for each metric the candidate of the lowest out-of-fold error, then all the rest."""

from collections.abc import Sequence

import numpy as np

from perfmodel.effects.resolved import unresolved_axes
from perfmodel.errors import InvalidConfigurationError, NotEnoughTracesError, UserError
from perfmodel.evaluation.out_of_fold import INTERVAL_LEVEL
from perfmodel.evaluation.peak_intervals import judged_by_seed
from perfmodel.evaluation.score_lines import BASELINE, Line
from perfmodel.evaluation.selection import choose, judge
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import common_setting, measured, training_data
from perfmodel.model.architecture import Architecture
from perfmodel.predictor.record import PredictorRecord
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.metrics import LOSS, METRICS, PEAK
from perfmodel.space.space import Configuration, Space
from perfmodel.surrogates.closed_form import ClosedFormSurrogate, load_that_peaks, with_closed_form
from perfmodel.surrogates.contract import AbstractSurrogate
from perfmodel.surrogates.feasibility import Feasibility
from perfmodel.surrogates.learning_curve import recorded_steps
from perfmodel.surrogates.registry import candidates, make_surrogate
from perfmodel.traces.trace import Setting, Trace

CLOSED_FORM = ClosedFormSurrogate.kind

DOMAIN_COLUMNS = ("pruning_rate", "mean_bits", "mean_log2_error", "mean_log2_rank", "state_total_bytes")
"""Summary features that say where a configuration lies; outside the training range of any, it is extrapolation."""


def fit_surrogates(
    traces: Sequence[Trace],
    space: Space,
    architecture: Architecture,
    *,
    metrics: Sequence[str],
    surrogates: Sequence[str] | None,
    seed: int,
) -> tuple[PredictorRecord, dict[str, AbstractSurrogate], dict[int, AbstractSurrogate]]:
    """Returns the record, the surrogate of each metric, and that of the loss at each earlier step of the curves.

    Args and errors are those of ``Predictor.fit``.
    """
    setting = common_setting(traces)
    _check_request(space, architecture, traces[0].asked.configuration, metrics)
    featurizer = setting_featurizer(architecture, setting)
    metrics = _varying(traces, metrics)
    scores: list[Line] = []
    fitted: dict[str, AbstractSurrogate] = {}
    load = load_that_peaks(traces, architecture) if surrogates is None else None
    chosen, half_widths, n_traces, domain = {}, {}, {}, np.empty((0, len(DOMAIN_COLUMNS)))
    for metric in metrics:
        data = training_data(traces, metric, featurizer)
        names = _names(metric, surrogates)
        if metric == PEAK and load is not None:
            data, names = with_closed_form(data, traces, architecture, load), (*names, CLOSED_FORM)
        judged = judge(data, names, seed=seed)
        if CLOSED_FORM in names:
            seeds = np.array([trace.asked.seed for trace in measured(traces, PEAK)[0]])
            judged = judged_by_seed(judged, data, seeds, seed)
        scores += judged.scores
        chosen[metric] = names[0] if len(names) == 1 else choose(scores)[metric]
        half_widths[metric] = judged.calibrations[chosen[metric]].half_width(INTERVAL_LEVEL)
        fitted[metric] = make_surrogate(chosen[metric], metric, seed=seed).fit(data.features, data.target, data.groups)
        n_traces[metric] = len(data.target)
        domain = np.vstack((domain, data.features.take(DOMAIN_COLUMNS)))
    ends = zip(domain.min(axis=0).tolist(), domain.max(axis=0).tolist(), strict=True)
    curve = _fit_curve(traces, featurizer, chosen[LOSS], seed) if LOSS in chosen else {}
    arrays = ConfigurationArrays.from_configurations([trace.asked.configuration for trace in traces])
    record = PredictorRecord(
        setting=setting,
        architecture=architecture,
        space=space,
        chosen=chosen,
        half_widths=half_widths,
        scores=tuple(scores),
        domain=dict(zip(DOMAIN_COLUMNS, ends, strict=True)),
        n_traces=n_traces,
        curve_steps=tuple(curve),
        feasibility=Feasibility.fit(traces, featurizer.matrix(arrays)),
        load=load if chosen.get(PEAK) == CLOSED_FORM else None,
        unresolved=unresolved_axes(traces, metrics),
    )
    return record, fitted, curve


def setting_featurizer(architecture: Architecture, setting: Setting) -> Featurizer:
    """Returns the featurizer of a setting's model."""
    return Featurizer(architecture, device_class=setting.device_class, optimizer=setting.recipe.optimizer)


def _names(metric: str, surrogates: Sequence[str] | None) -> tuple[str, ...]:
    """Returns the candidates for a metric; among several the constant, which is left where none of them beats it."""
    names = tuple(surrogates or candidates(metric))
    return names if len(names) == 1 else tuple(dict.fromkeys((*names, BASELINE)))


def _varying(traces: Sequence[Trace], metrics: Sequence[str]) -> list[str]:
    """Returns the metrics that have more than one value in the traces: of the others there is nothing to learn."""
    found = [metric for metric in metrics if len({*measured(traces, metric)[1].tolist()}) != 1]
    if metrics and not found:
        raise NotEnoughTracesError(
            f"{', '.join(metrics)} have one value each in all traces",
            "a surrogate learns from values that differ",
            "collect traces of other configurations, or train longer or at a higher rate",
        )
    return found


def _fit_curve(traces: Sequence[Trace], featurizer: Featurizer, name: str, seed: int) -> dict[int, AbstractSurrogate]:
    usable, _ = measured(traces, LOSS)
    data = training_data(usable, LOSS, featurizer)
    fitted: dict[int, AbstractSurrogate] = {}
    for step in recorded_steps(usable):
        target = np.array([trace.loss_at(step) for trace in usable])
        fitted[step] = make_surrogate(name, LOSS, seed=seed).fit(data.features, target, data.groups)
    return fitted


def _check_request(space: Space, architecture: Architecture, example: Configuration, metrics: Sequence[str]) -> None:
    layers, modules = len(architecture.layers), len(architecture.modules)
    if space.units not in (layers, layers * modules) or len(example.bits) != space.units:
        raise InvalidConfigurationError(
            f"the space has {space.units} units and the traces {len(example.bits)}",
            f"the architecture has {layers} layers of {modules} linear modules",
            "make the space with Space.for_architecture",
        )
    if example.methods != space.methods:
        raise InvalidConfigurationError(
            f"the traces were made with {example.methods}", f"the space asks for {space.methods}", "use the same"
        )
    if not metrics:
        raise UserError("no metric is asked for", f"metrics are {', '.join(METRICS)}", "name one or more")
