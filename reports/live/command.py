"""``bench live``: searchers on real fine-tunes, and the page that compares them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perfmodel.errors import InvalidSuiteError
from perfmodel.space.metrics import metric
from perfmodel.traces.trace import Trace
from reports.comparison.page import comparison_page
from reports.live.record import check_name, live_search
from reports.pages.write import write_page
from reports.run.progress import bar
from reports.run.run import Run
from search.comparison.metrics import affordable, array
from search.comparison.runs import read
from search.comparison.summary import summary
from search.comparison.tasks import uniform_vector

Record = dict[str, Any]


def live_command(run: Run, *, searchers: Sequence[str], trials: int, seeds: Sequence[int], batch: int) -> Path:
    """Returns the page of the comparison, ``live/compare.html`` of the run's folder.

    A search that was made is not made again; one that was stopped goes on from the trials in the run's store.

    Args:
        run: its suite settles task, recipe, space, objectives and budget.
        searchers: names, see ``live_search``.
        trials: full trainings that each search spends.
        seeds: of the searches and their trials; those of training traces are refused.
        batch: configurations between two proposals.

    Raises:
        InvalidSuiteError: when the seeds are none, or those of traces that a surrogate learns from.
        UnknownNameError: when there is no such searcher.
        UserError: whatever a search raises.
    """
    for name in searchers:
        check_name(name)
    known = {trace.asked.seed for trace in run.shelf_traces} | set(run.suite.collect.seeds)
    if not seeds or not searchers or known & set(seeds):
        raise InvalidSuiteError(
            f"{len(searchers)} searchers with seeds {', '.join(map(str, seeds)) or 'none'}",
            f"one or more, with seeds that no training trace has ({', '.join(map(str, sorted(known)))})",
            "name others",
        )
    run.prepare_folder()
    records = []
    with bar("searching on real fine-tunes", len(searchers) * len(seeds)) as advance:
        for seed in seeds:
            for name in searchers:
                records.append(_kept(run, name, trials, seed, batch) or live_search(run, name, trials, seed, batch))
                advance(f"{name}, seed {seed}")
    budgets = sorted({max(1, trials * part // 3) for part in (1, 2, 3)})
    setting = {"live": True, "suite": run.suite.name, "shelf": run.suite.fit.shelf, "seeds": len(seeds), "batch": batch}
    found = summary(records, {run.setting.task_name: _reference(run, records)}, budgets)
    record = {**found, "setting": {**setting, "contenders": list(searchers)}}
    return write_page(run.folder / "live", "compare", record, comparison_page(record))


def _kept(run: Run, name: str, trials: int, seed: int, batch: int) -> Record | None:
    path = run.folder / "live" / f"{name}-{seed}.json"
    if not path.exists():
        return None
    found = read(path)
    same = (found["identity"], found["evaluations"], found["batch"]) == (run.setting.identifier, trials, batch)
    return found if same else None


def _reference(run: Run, records: Sequence[Record]) -> Record:
    """Returns what the searches are measured against: the best of all their trials together."""
    seen = [array(each["observed"])[affordable(each)] for each in records]
    pooled = np.concatenate(seen)
    return {
        "task": run.setting.task_name,
        "objectives": list(run.suite.objectives),
        "evaluations": int(sum(map(len, seen))),
        "front": pooled[np.isfinite(pooled).all(axis=1)].tolist(),
        "uniform": _uniform(run),
        "space": {"units": run.space.units},
    }


def _uniform(run: Run) -> list[float] | None:
    """Returns what uniform 4 bits of rank 8 measured on the shelf, None where it was not run."""
    vector = uniform_vector(run.space)
    if vector is None:
        return None
    (uniform,) = run.space.decode(np.asarray([vector], dtype=np.int64))
    own = [trace for trace in run.shelf_traces if trace.ok and trace.asked.configuration == uniform]
    values = [[_value(trace, name) for name in run.suite.objectives] for trace in own]
    return np.mean(values, axis=0).tolist() if values else None


def _value(trace: Trace, name: str) -> float:
    return float(metric(name).to_loss(getattr(trace.measured, name)))
