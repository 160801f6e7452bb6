"""How far the surrogates can be trusted, on one page: every surrogate, split and score, with what was left undone.

The record is made here from traces alone; ``fit_tables`` says it in cells and sentences, ``fit_page`` writes it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfmodel.effects.noise_ceiling import noise_ceiling
from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.score_lines import BASELINE
from perfmodel.evaluation.score_sheet import SIZES, score_sheet
from perfmodel.evaluation.transfer import transfer_points
from perfmodel.features.featurizer import Featurizer
from perfmodel.features.training_data import TrainingData, common_setting, pooled_data, rows_of, training_data
from perfmodel.files.processes import as_done, usable_cores
from perfmodel.model.architecture import Architecture
from perfmodel.space.metrics import PEAK
from perfmodel.surrogates.closed_form import ClosedFormSurrogate, load_that_peaks, with_closed_form
from perfmodel.surrogates.registry import SURROGATES
from perfmodel.traces.trace import Setting, Trace
from reports.fit.knowledge import start_entry, worth_entry
from reports.run.progress import bar

if TYPE_CHECKING:
    from reports.run.run import Run

FIT_REPORT_VERSION = 2
"""Version 1 knew neither what groups of features are worth nor losses before fine-tuning."""


def report_of_run(run: "Run") -> Path:
    """Returns the page on the surrogates of a run, written to its folder ``scores``: no stage reads it.

    Args:
        run: whose traces are collected.

    Raises:
        NotEnoughTracesError: when a metric was measured on too few configurations.
        MissingExtraError: when plotly or jinja2 is not installed.
        OutputFolderError: when the folder cannot be written.
    """
    from reports.fit.page import fit_page
    from reports.pages.write import write_page
    from reports.stages.stages import training_traces

    section = run.suite.fit
    with bar("scoring", len(section.metrics)) as advance:
        record = fit_record(
            training_traces(run),
            run.shelf.traces if run.shelf else (),
            run.architecture,
            metrics=section.metrics,
            surrogates=section.surrogates,
            workers=min(len(section.metrics), usable_cores()),
            done=advance,
        )
    return write_page(run.folder / "scores", "scores", record, fit_page(record))


def fit_record(
    traces: Sequence[Trace],
    others: Sequence[Trace],
    architecture: Architecture,
    *,
    metrics: Sequence[str],
    surrogates: Sequence[str] | None = None,
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
    workers: int = 1,
    done: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Returns all scores as plain values.

    Args:
        traces: of the setting that is judged.
        others: of the same base model, space and device in other settings: what transfers from. Traces of other
            methods or units are left out.
        architecture: of the unpruned base model.
        metrics: columns to judge.
        surrogates: names; all by default.
        sizes: training traces at which the learning curve is read.
        seed: of splits, surrogates and bootstrap.
        workers: processes; metrics take turns.
        done: told which metric has been judged.

    Raises:
        NotEnoughTracesError: when a metric was measured on too few configurations.
        UserError: when the traces mix settings or methods.
        UnknownNameError: when a metric or surrogate does not exist.
    """
    setting = common_setting(traces)
    names = tuple(surrogates or SURROGATES)
    alike = [trace for trace in others if _is_alike(trace, traces[0], setting)]
    entries = {}
    how = names, tuple(sizes), seed
    for metric, entry in as_done(partial(_metric_entry, traces, alike, architecture, how), metrics, workers):
        entries[metric] = entry
        done(metric)
    return {
        "version": FIT_REPORT_VERSION,
        "setting": {**asdict(setting), "task": setting.task_name, "identifier": setting.identifier},
        "surrogates": list(names),
        "n_traces": len(traces),
        "n_failed": sum(not trace.ok for trace in traces),
        "n_configurations": len({trace.asked.configuration.identifier for trace in traces}),
        "other_traces": _counts(alike),
        "metrics": {metric: entries[metric] for metric in metrics},
    }


def _metric_entry(
    traces: Sequence[Trace],
    alike: Sequence[Trace],
    architecture: Architecture,
    how: tuple[tuple[str, ...], tuple[int, ...], int],
    metric: str,
) -> tuple[str, dict[str, Any]]:
    names, sizes, seed = how
    everything = [*traces, *alike]
    featurizers = {
        trace.asked.setting.identifier: Featurizer(
            architecture,
            device_class=trace.asked.setting.device_class,
            optimizer=trace.asked.setting.recipe.optimizer,
        )
        for trace in everything
    }
    own = traces[0].asked.setting.identifier
    data, judged = training_data(traces, metric, featurizers[own]), names
    if metric == PEAK and (load := load_that_peaks(traces, architecture)) is not None:
        data, judged = with_closed_form(data, traces, architecture, load), (*names, ClosedFormSurrogate.kind)
    pooled = pooled_data(everything, metric, featurizers)
    best, without_ceiling = None, ""
    try:
        best = noise_ceiling(traces, metric, seed=seed)
    except NotEnoughTracesError as error:
        without_ceiling = str(error)
    sheet = score_sheet(data, judged, pooled=pooled, ceiling=best, sizes=sizes, seed=seed)
    others = {setting: _only(pooled, setting) for setting in dict.fromkeys(pooled.blocks.tolist()) if setting != own}
    points, without_transfer = _transfer(data, list(others.values()), names, seed)
    return metric, {
        **asdict(sheet),
        **worth_entry(traces, metric, architecture, featurizers[own], names, seed=seed),
        **start_entry(data, everything, featurizers, others, names, seed=seed),
        "ceiling": None if best is None else asdict(best),
        "without_ceiling": without_ceiling,
        "transfer": points,
        "without_transfer": without_transfer,
    }


def _transfer(
    data: TrainingData, sources: Sequence[TrainingData], names: Sequence[str], seed: int
) -> tuple[list[dict[str, Any]], str]:
    points: list[dict[str, Any]] = []
    try:
        for name in names:
            if name != BASELINE:
                points += [asdict(point) for point in transfer_points(data, sources, name, seed=seed)]
    except NotEnoughTracesError as error:
        return [], str(error)
    return points, ""


def _only(pooled: TrainingData, setting: str) -> TrainingData:
    return rows_of(pooled, (pooled.blocks == setting).nonzero()[0])


def _is_alike(trace: Trace, example: Trace, setting: Setting) -> bool:
    asked, ours = trace.asked, example.asked.configuration
    return (
        asked.setting.identifier != setting.identifier
        and asked.setting.model_sha256 == setting.model_sha256
        and asked.setting.device_class == setting.device_class
        and asked.configuration.methods == ours.methods
        and len(asked.configuration.bits) == len(ours.bits)
    )


def _counts(traces: Sequence[Trace]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for trace in traces:
        name = trace.asked.setting.task_name
        counts[name] = counts.get(name, 0) + 1
    return counts
