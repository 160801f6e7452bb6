"""``bench compare``: from options to runs, a record and a page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from datasets_cache import resolve
from datasets_cache.shelf.shelf import load_shelf
from perfmodel.errors import InvalidSuiteError, OutputFolderError
from perfmodel.model.architecture import Architecture
from perfmodel.space.space import Space
from perfmodel.surrogates.registry import surrogate_class
from perfmodel.traces.trace import Trace
from reports.run.known import known_sensitivities
from reports.run.progress import bar, say
from search.comparison.contenders import contender
from search.comparison.runs import Plan, compare, records
from search.comparison.summary import summary
from search.comparison.tasks import OBJECTIVES, StoredTasks, setting_traces, store_task
from search.knowledge_of import other_tasks

BATCH = 8
REFERENCE = 20_000
TABLE = "table"


@dataclass(frozen=True)
class Options:
    """What ``bench compare`` was asked.

    Args:
        suite: its name or file, None to use the shelf alone.
        shelf: name of the release, None for the suite's.
        contenders: names.
        seeds: how many.
        evaluations: budgets, full trainings.
        tasks: names; the suite's, or all of the shelf with repeated runs, when empty.
        workers: processes.
        folder: of the comparison.
        profile: of a device, for the simulated seconds.
        batch: configurations between two proposals.
        reference: evaluations of the long search that finds the front to be compared with.
        surrogate: name of the model that answers searchers, or ``TABLE`` for the measured traces alone; None for the
            model of the lowest out-of-fold error on each task.
    """

    suite: str | None
    shelf: str | None
    contenders: tuple[str, ...]
    seeds: int
    evaluations: tuple[int, ...]
    tasks: tuple[str, ...]
    workers: int
    folder: Path
    profile: Path | None = None
    batch: int = BATCH
    reference: int = REFERENCE
    surrogate: str | None = None


def compare_command(options: Options) -> Path:
    """Returns the page of the comparison, ``compare.html``, beside ``compare.json`` and ``compare.md``.

    Raises:
        UserError: when an option cannot be used.
        NotEnoughTracesError: when a task has too few traces.
    """
    from reports.comparison.page import comparison_page
    from reports.pages.write import write_page

    _check(options)
    everything, traces, space, tasks, objectives, budget = _source(options)
    _make(options.folder)
    architecture = Architecture.from_config(resolve(traces[0].asked.setting.model, progress=say).config)
    space = space or Space.for_architecture(architecture, methods=traces[0].asked.configuration.methods)
    for task in tasks:
        own = setting_traces(traces, task, space)
        say(f"{task}: {len(own)} traces")
        known = known_sensitivities(own[0].asked.setting, space)
        others = other_tasks(everything, own[0].asked.setting, space)
        surrogate = None if options.surrogate == TABLE else options.surrogate
        store_task(options.folder, task, own, space, architecture, known, objectives, others, surrogate)
    plan = Plan(
        options.contenders,
        tasks,
        tuple(range(options.seeds)),
        max(options.evaluations),
        options.batch,
        options.reference,
    )
    with bar("searching", len(plan.contenders) * len(tasks) * options.seeds) as advance:
        compare(
            plan,
            StoredTasks(options.folder.resolve(), options.profile, budget, options.surrogate == TABLE),
            options.folder,
            options.workers,
            advance,
        )
    runs, references = records(plan, options.folder)
    record = {**summary(runs, references, options.evaluations), "setting": _setting(options)}
    return write_page(options.folder, "compare", record, comparison_page(record))


def names(text: str) -> tuple[str, ...]:
    """Returns the names of a comma-separated text, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def numbers(option: str, text: str) -> tuple[int, ...]:
    """Returns the numbers of a comma-separated text, rising, each once.

    Args:
        option: that was given, such as ``--seeds``.
        text: its value, whole numbers with commas between.

    Raises:
        InvalidSuiteError: when one is no whole number.
    """
    try:
        return tuple(sorted({int(name) for name in names(text)}))
    except ValueError as error:
        raise InvalidSuiteError(
            f"{option} is {text!r}", "whole numbers with commas between", f"write {option} 25,50,100"
        ) from error


def _check(options: Options) -> None:
    for name in options.contenders:
        contender(name)
    if options.surrogate not in (None, TABLE):
        surrogate_class(options.surrogate)
    if not options.evaluations or min(options.evaluations) < 1 or options.seeds < 1 or options.workers < 1:
        raise InvalidSuiteError(
            f"{options.seeds} seeds, {options.evaluations} evaluations, {options.workers} workers",
            "numbers of 1 or more",
            "change the option",
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFolderError(f"{folder} cannot be made ({error})", "a writable folder", "choose another") from error


class _Source(NamedTuple):
    """Where a comparison's tasks come from; no space means that of the model."""

    everything: Sequence[Trace]
    traces: list[Trace]
    space: Space | None
    tasks: tuple[str, ...]
    objectives: tuple[str, ...]
    budget: float | None


def _source(options: Options) -> _Source:
    """Returns what the suite, or else the shelf, says."""
    if options.suite is None:
        if options.shelf is None:
            raise InvalidSuiteError("neither a suite nor a shelf", "one of them has the traces", "give --shelf NAME")
        traces = list(load_shelf(options.shelf).traces)
        return _Source(traces, traces, None, options.tasks or _repeated(traces), OBJECTIVES, None)
    from reports.run.run import Run
    from reports.run.suite import load_suite

    suite = load_suite(options.suite, [f"fit.shelf={options.shelf}"] if options.shelf else [])
    run = Run(suite, options.folder, f"bench compare {options.suite}", say)
    if not run.shelf_traces:
        raise InvalidSuiteError(
            f"the suite {suite.name} has no traces on a shelf",
            "fit.shelf names one with traces of its setting",
            "give --shelf NAME, or another suite",
        )
    if suite.objectives[:2] != OBJECTIVES or len(suite.objectives) > 3 or set(suite.budget) - {OBJECTIVES[1]}:
        raise InvalidSuiteError(
            f"the suite's objectives are {', '.join(suite.objectives)}, its budgets of {', '.join(suite.budget)}",
            f"searchers are compared on {' and '.join(OBJECTIVES)} and perhaps a third, with no budget but memory's",
            "choose another suite",
        )
    tasks, budget = options.tasks or (suite.task,), suite.budget.get(OBJECTIVES[1])
    everything = run.shelf.traces if run.shelf else ()
    return _Source(everything, run.shelf_traces, run.space, tasks, suite.objectives, budget)


def _repeated(traces: Sequence[Trace]) -> tuple[str, ...]:
    """Returns the tasks in which more than one configuration, and one of them more than once, ended well."""
    found: dict[str, list[str]] = {}
    for trace in traces:
        if trace.ok:
            found.setdefault(trace.asked.setting.task, []).append(trace.asked.configuration.identifier)
    return tuple(sorted(task for task, own in found.items() if 1 < len(set(own)) < len(own)))


def _setting(options: Options) -> dict[str, Any]:
    values = {
        "live": False,
        "suite": options.suite,
        "shelf": options.shelf,
        "seeds": options.seeds,
        "batch": options.batch,
        "surrogate": options.surrogate,
    }
    known: dict[str, Any] = json.loads(json.dumps({**values, "contenders": list(options.contenders)}))
    return known
