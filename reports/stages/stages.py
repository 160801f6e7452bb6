"""The stages of a run, in order: collect, fit, search, validate, report.

Each reads and writes files in the run's folder, can be run alone, and is skipped when its output is there and its
inputs have not changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from collectors.trial.retention import Retention
from datasets_cache.release.card_pilot import one_axis_at_a_time
from perfmodel.effects.axis_effects import axis_effects
from perfmodel.errors import NotEnoughTracesError, StageOrderError, TrialsFailedError
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.space import Configuration
from perfmodel.traces.parquet import read_traces, write_traces
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Asked, Trace
from reports.figures.quantity import counted
from reports.report.choice import Noise
from reports.run.checks import check_run
from reports.run.known import predicted_memory, run_knowledge, run_sensitivities
from reports.run.manifest import Manifest
from reports.run.progress import bar, outcome
from reports.run.run import Run


@dataclass(frozen=True)
class Stage:
    """One stage.

    Args:
        name: also the folder of its output.
        needs: stages whose output it reads.
        sections: keys of the suite that it depends on.
        work: does it and says in a few words what came out.
    """

    name: str
    needs: tuple[str, ...]
    sections: tuple[str, ...]
    work: Callable[[Run], str]


def run_stages(run: Run, until: str, *, alone: bool = False) -> None:
    """Runs the stages up to and including one, those that are up to date left out.

    Args:
        run: which run.
        until: name of the last stage.
        alone: run that stage only; the output of those before it must be there.

    Raises:
        StageOrderError: when ``alone`` and an earlier stage has no current output.
        StoreBusyError: when another driver works in the run's folder.
        PerfModelError: whatever a stage raises.
    """
    wanted = STAGES[: [each.name for each in STAGES].index(until) + 1]
    check_run(run, [until] if alone else [stage.name for stage in wanted])
    if alone:
        _require_earlier(run, Manifest(run), wanted)
    with run.held():
        run.write_json("suite.json", run.suite.model_dump(mode="json", by_alias=True))
        if any(stage.work is search for stage in wanted):
            # What a searcher needs is measured, or refused, before the first fine-tune is paid for.
            run_sensitivities(run, run.suite.search.evaluations)
        _work_through(run, wanted)


def _work_through(run: Run, wanted: Sequence[Stage]) -> None:
    manifest = Manifest(run)
    for stage in wanted:
        inputs = _inputs(run, manifest, stage)
        if manifest.is_current(stage.name, inputs) and not (stage.work in (collect, validate) and _has_to_retry(run)):
            run.say(f"{stage.name}: up to date")
            continue
        outcome_text = stage.work(run)
        manifest.record(stage.name, inputs)
        run.say(f"{stage.name}: {outcome_text}")


def _has_to_retry(run: Run) -> bool:
    """Returns whether a stored trial ended in a way that ``collect.retry`` names."""
    if not run.suite.collect.retry or not run.store_path.is_file():
        return False
    with TraceStore(run.store_path) as store:
        return bool(set(run.suite.collect.retry) & set(store.statuses().values()))


def _inputs(run: Run, manifest: Manifest, stage: Stage) -> str:
    values = [run.suite.model_dump(mode="json", include=set(stage.sections)), run.setting.identifier]
    return manifest.digest(stage.needs, [values, run.shelf.sha256 if run.shelf else None])


def _require_earlier(run: Run, manifest: Manifest, wanted: Sequence[Stage]) -> None:
    """Refuses a stage alone where one before it has no current output."""
    for stage in wanted[:-1]:
        if not manifest.is_current(stage.name, _inputs(run, manifest, stage)):
            raise StageOrderError(
                f"stage {stage.name} has no current output in {run.folder}",
                f"{wanted[-1].name} reads it",
                f"run bench {stage.name} with the same suite first, or bench run",
            )


def collect(run: Run) -> str:
    """Makes the run's own trials: ``collect/traces.parquet``, and ``collect/<plan>.parquet`` where recipes differ.

    The first holds the trials of the suite's own recipe. Of a pilot ``collect/pilot.md`` is written too.
    """
    from reports.run.trial_plans import planned_trials

    section = run.suite.collect
    traces = _carry_out(run, planned_trials(run), section.keep)
    own = [trace for trace in traces if trace.asked.setting.identifier == run.setting.identifier]
    write_traces(own, run.folder / "collect" / "traces.parquet")
    if traces and all(trace.measured.status == "failed" for trace in traces):
        raise TrialsFailedError(
            f"all {len(traces)} trials failed, the last with: {traces[-1].measured.reason}",
            "at least one must end otherwise",
            "mend the cause, then run the same command with collect.retry=[failed]",
        )
    if len(own) < len(traces):
        write_traces(traces, run.folder / "collect" / f"{section.plan}.parquet")
    if section.plan == "pilot":
        run.write_text("collect/pilot.md", "\n\n".join(one_axis_at_a_time(traces)) + "\n")
    return _ended(traces)


def fit(run: Run) -> str:
    """Fits and scores the surrogates, and measures which axes matter: ``fit/predictor`` and ``fit/effects.json``."""
    traces = training_traces(run)
    section = run.suite.fit
    with bar("fitting", None):
        predictor = Predictor.fit(
            traces, run.space, run.architecture, metrics=section.metrics, surrogates=section.surrogates
        )
        try:
            effects: dict[str, Any] = {"effects": asdict(axis_effects(traces)), "reason": ""}
        except NotEnoughTracesError as error:
            effects = {"effects": None, "reason": str(error)}
    _say_what_is_constant(run, traces, predictor.metrics)
    predictor.save(run.folder / "fit" / "predictor")
    run.write_json("fit/effects.json", effects)
    chosen = ", ".join(f"{metric} by {kind}" for metric, kind in predictor.record.chosen.items())
    return f"{chosen}; from {len(traces)} traces, {len(run.shelf_traces)} of them from the shelf"


def _say_what_is_constant(run: Run, traces: Sequence[Trace], learnt: Sequence[str]) -> None:
    """Tells which metrics have one value in all fine-tunes and are left out; refuses to search for one of them.

    Raises:
        NotEnoughTracesError: when it is an objective or has a budget.
    """
    for name in run.suite.fit.metrics:
        if name in learnt:
            continue
        values = {value for trace in traces if (value := getattr(trace.measured, name)) is not None}
        told = f"{name} is {', '.join(f'{value:g}' for value in values)} in all {len(traces)} fine-tunes"
        if name in (*run.suite.objectives, *run.suite.budget):
            raise NotEnoughTracesError(
                told,
                "an objective must differ between configurations to be searched for",
                "train longer or at a higher rate (recipe.steps, recipe.learning_rate), or take it out of objectives",
            )
        run.say(f"{told}: there is nothing to learn of it, and it is left out")


def search(run: Run) -> str:
    """Searches on the surrogates: ``search/history.json`` and ``search/front.json``."""
    from reports.stages.searching import search_front

    predictor = Predictor.load(run.folder / "fit" / "predictor")
    names = tuple(run.suite.search.evaluations)
    known = run_knowledge(run, names, predicted_memory(run, predictor))
    histories, front = search_front(predictor, run.suite, known, seed_noise(run))
    run.write_json("search/history.json", histories)
    run.write_json("search/front.json", front)
    return (
        f"{counted(len(front), 'configuration')} worth a choice, of {sum(run.suite.search.evaluations.values())} tried"
    )


def validate(run: Run) -> str:
    """Fine-tunes what was proposed, with fresh seeds: ``validate/plan.json`` and ``validate/traces.parquet``."""
    from reports.run.question_blind import question_blind
    from reports.stages.validation_plan import Wanted, choose_candidates

    predictor = Predictor.load(run.folder / "fit" / "predictor")
    front = [Configuration.from_dict(point["configuration"]) for point in run.read_json("search/front.json")]
    section = run.suite.validation
    wanted = Wanted(
        section.front,
        section.random,
        section.references,
        run.suite.budget,
        question_blind(run)["loss"],
        seed_noise(run),
        run.suite.objectives[-1],
        section.seeds[0],
    )
    seen = {trace.asked.configuration for trace in training_traces(run)}
    candidates = choose_candidates(predictor, front, seen, wanted)
    # What may be recommended is run with every seed, what it is compared with as often as asked.
    trials = [
        Asked(run.setting, each.configuration, seed, "validation")
        for place, seed in enumerate(section.seeds)
        for each in candidates
        if place < {"front": len(section.seeds), "reference": section.reference_runs, "random": 1}[each.role]
    ]
    traces = _carry_out(run, trials, section.keep)
    run.write_json("validate/plan.json", [asdict(each) for each in candidates])
    write_traces(traces, run.folder / "validate" / "traces.parquet")
    return _ended(traces)


def report(run: Run) -> str:
    """Writes the report from the records of the other stages: ``report/report.html``, ``.json`` and ``.md``."""
    from reports.report.page import write_report
    from reports.report.record import build_record

    write_report(build_record(run, Manifest(run).checksums()), run.folder / "report")
    return "written"


STAGES: tuple[Stage, ...] = (
    Stage("collect", (), ("model", "task", "recipe", "space", "methods", "collect"), collect),
    Stage("fit", ("collect",), ("space", "fit"), fit),
    Stage("search", ("fit",), ("objectives", "budget", "search"), search),
    Stage("validate", ("collect", "fit", "search"), ("objectives", "budget", "validation"), validate),
    Stage(
        "report", ("collect", "fit", "search", "validate"), ("name", "model", "task", "objectives", "budget"), report
    ),
)


def training_traces(run: Run) -> list[Trace]:
    """Returns what the surrogates learn from: the shelf's traces of this setting and the run's own."""
    return run.shelf_traces + read_traces(run.folder / "collect" / "traces.parquet")


def seed_noise(run: Run) -> Noise:
    """Returns what a change of seed does to the held-out loss, as the fit found it."""
    return Noise.of_effects(run.read_json("fit/effects.json")["effects"])


def report_path(folder: Path) -> Path:
    """Returns where the report of a run lies."""
    return folder / "report" / "report.html"


def _ended(traces: Sequence[Trace]) -> str:
    failed = sum(not trace.ok for trace in traces)
    return f"{counted(len(traces), 'fine-tune')}" + (f", {failed} of them failed" if failed else "")


def _carry_out(run: Run, trials: Sequence[Asked], retention: Retention) -> list[Trace]:
    """Returns the traces of the trials, those that the store held already included."""
    from collectors.campaign.campaign import left_to_run, run_campaign

    with TraceStore.writer(run.store_path) as store:
        retry = run.suite.collect.retry
        count = len(left_to_run(trials, store.statuses(), retry))
        with bar(f"{count} fine-tunes", count) as advance:
            run_campaign(
                trials,
                store,
                run.executor(retention),
                lambda trace: advance(outcome(trace)),
                say=run.say,
                retry=retry,
            )
        keys = {asked.key for asked in trials}
        return [trace for trace in store if trace.asked.key in keys]
