"""Searchers x tasks x seeds on one problem each, every run a small file, so that what is there is not made again.

runs/<task>/<contender>/<seed>.json    what one search asked for, saw and cost
reference/<task>.json                  the front of a long search without noise, or of all that was measured
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import CorruptFileError
from perfmodel.files.json_file import parse_json, read_json_object
from perfmodel.files.processes import as_done
from perfmodel.files.whole_file import write_whole
from search.benchmark.nearest_measured import NearestMeasured
from search.benchmark.problem import BenchmarkProblem
from search.comparison.contenders import Contender, contender
from search.comparison.metrics import plain
from search.contract.budget_check import corners, require_feasible
from search.contract.knowledge import Knowledge
from search.contract.loop import run
from search.contract.pareto import non_dominated
from search.contract.problem import Evaluation
from search.registry import searcher

VERSION: Final = 1

# The searcher's seed and the noise of its trials must not be the same draws.
_NOISE: Final = 10_000
_REFERENCE_POPULATION: Final = 100

Say = Callable[[str], None]


@final
@dataclass(frozen=True)
class SearchTask:
    """A task to search on.

    Args:
        identity: of everything that decides its answers: a run of another identity is made again.
        problem: from the noise's seed, None for no noise, to a fresh problem.
        knowledge: that every searcher is given.
        uniform: the uniform 4-bit configuration to reach, as an index vector, None where the space has none.
        measured: index vectors of all that can be answered, shape ``(n, d)``, where a table answers; None for any.
    """

    identity: str
    problem: Callable[[int | None], BenchmarkProblem]
    knowledge: Knowledge
    uniform: tuple[int, ...] | None
    measured: NDArray[np.int64] | None = None


MakeTask = Callable[[str], SearchTask]
"""From the name of a task to what is searched; equal by value and sent to worker processes: a frozen dataclass."""


@final
@dataclass(frozen=True)
class Plan:
    """What is compared.

    Args:
        contenders: names of the searchers and variants.
        tasks: names that the maker of tasks knows.
        seeds: of each contender on each task.
        evaluations: full trainings of each search.
        batch: configurations between two proposals.
        reference: evaluations of the long search.
    """

    contenders: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    evaluations: int
    batch: int
    reference: int

    def jobs(self) -> Iterator[tuple[str, str, int]]:
        """Returns contender, task and seed of every run; seeds go round first, so that an early stop is balanced."""
        return ((name, task, seed) for seed in self.seeds for task in self.tasks for name in self.contenders)


def compare(plan: Plan, make_task: MakeTask, folder: Path, workers: int, say: Say) -> None:
    """Makes every run and reference that the folder does not hold.

    A searcher that raises leaves a file with its reason, and is tried again next time.

    Args:
        plan: contenders, tasks, seeds and numbers of evaluations.
        make_task: from the name of a task to what is searched.
        folder: where the comparison keeps its files.
        workers: processes, 1 for this one.
        say: told one line after each run.

    Raises:
        UnknownNameError: when a contender does not exist.
        InfeasibleBudgetError: when no configuration meets a task's budget.
        OutputFolderError: when a file cannot be written.
    """
    for name in plan.contenders:
        contender(name)
    for task in plan.tasks:
        require_feasible(_task(make_task, task).problem(None), 0)
    for task in plan.tasks:
        _reference(plan, task, _task(make_task, task), folder)
    todo = [job for job in plan.jobs() if not _is_done(plan, job, _task(make_task, job[1]).identity, folder)]
    for record in as_done(partial(run_job, plan, make_task=make_task, folder=folder), todo, workers):
        say(_line(record))


def run_job(plan: Plan, job: tuple[str, str, int], make_task: MakeTask, folder: Path) -> dict[str, Any]:
    """Returns the record of one search, and writes it."""
    name, task, seed = job
    chosen, on = contender(name), _task(make_task, task)
    record: dict[str, Any] = {"version": VERSION, "contender": name, "task": task, "seed": seed}
    record |= {"identity": on.identity, "batch": plan.batch, "evaluations": plan.evaluations}
    record["options"] = dict(chosen.options)
    try:
        record |= _searched(plan, chosen, seed, on)
    except Exception as error:  # noqa: BLE001 - whatever a searcher does wrong, the others are compared
        record |= {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
    write_whole(run_path(folder, job), json.dumps(record, allow_nan=False))
    return record


def run_path(folder: Path, job: tuple[str, str, int]) -> Path:
    """Returns where a run's record lies, from its contender, task and seed."""
    name, task, seed = job
    return folder / "runs" / file_name(task) / name / f"{seed}.json"


def file_name(task: str) -> str:
    """Returns a task's name as a name of a file: those of local copies hold slashes."""
    return task.replace("/", "--")


def records(plan: Plan, folder: Path) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Returns the records of the plan's runs that are there, and each task's reference.

    Raises:
        CorruptFileError: when a file cannot be read.
    """
    runs = [read(run_path(folder, job)) for job in plan.jobs() if run_path(folder, job).exists()]
    return runs, {task: read(folder / "reference" / f"{file_name(task)}.json") for task in plan.tasks}


def read(path: Path) -> dict[str, Any]:
    """Returns a record.

    Raises:
        CorruptFileError: when it cannot be read.
    """
    return read_json_object(path, "delete it: it is made again")


def _searched(plan: Plan, chosen: Contender, seed: int, on: SearchTask) -> dict[str, Any]:
    problem, truth = on.problem(_NOISE + seed), on.problem(None)
    began = time.process_time()
    made = searcher(chosen.searcher, problem.space, len(problem.objectives), seed, on.knowledge, **dict(chosen.options))
    stand_in = None if on.measured is None else NearestMeasured(problem.space, on.measured)
    history = run(made, problem, plan.evaluations, plan.batch, stand_in=stand_in)
    overhead = time.process_time() - began - problem.answering_s
    known = truth.evaluate_vectors(history.vectors)
    return {
        "status": "ok",
        "vectors": history.vectors.tolist(),
        "shares": history.shares.tolist(),
        "observed": plain(history.objectives),
        "true": plain(known.objectives),
        "violations": plain(known.violations),
        "seconds": problem.seconds.tolist(),
        "overhead_s": overhead,
    }


def _reference(plan: Plan, task: str, on: SearchTask, folder: Path) -> None:
    path = folder / "reference" / f"{file_name(task)}.json"
    if path.exists():
        found = read(path)
        if found["identity"] == on.identity and found["evaluations"] >= plan.reference:
            return
    problem = on.problem(None)
    # Where a budget is hard to meet, an end of the space may be all that meets it.
    vectors = corners(problem.space, np.random.default_rng(0)) if on.measured is None else on.measured
    told = problem.evaluate_vectors(vectors)
    if on.measured is None:
        made = searcher("nsga2", problem.space, len(problem.objectives), 0, population=_REFERENCE_POPULATION)
        made.tell_vectors(vectors, told)
        history = run(made, problem, plan.reference, _REFERENCE_POPULATION)
        vectors = np.concatenate([vectors, history.vectors])
        told = Evaluation(
            np.concatenate([told.objectives, history.objectives]),
            np.concatenate([told.violations, history.violations]),
        )
    front = non_dominated(told.objectives, told.violations)
    body = {"version": VERSION, "identity": on.identity, "evaluations": plan.reference, "task": task}
    uniform = None
    if on.uniform is not None:
        uniform = problem.evaluate_vectors(np.asarray([on.uniform], dtype=np.int64)).objectives[0].tolist()
    space = parse_json(problem.space.to_json(), "the space")
    known = {"front": told.objectives[front].tolist(), "vectors": vectors[front].tolist(), "uniform": uniform}
    record = {**body, **known, "objectives": list(problem.objectives), "space": space}
    write_whole(path, json.dumps(record, allow_nan=False))


def _is_done(plan: Plan, job: tuple[str, str, int], identity: str, folder: Path) -> bool:
    path = run_path(folder, job)
    if not path.exists():
        return False
    try:
        found = read(path)
    except CorruptFileError:
        return False
    options = dict(contender(job[0]).options)
    asked = (identity, plan.batch, options, "ok")
    same = (found["identity"], found["batch"], found.get("options", {}), found["status"]) == asked
    return same and bool(found["evaluations"] >= plan.evaluations)


@cache
def _task(make_task: MakeTask, task: str) -> SearchTask:
    """Returns a task to search on, made once in each process."""
    return make_task(task)


def _line(record: dict[str, Any]) -> str:
    what = f"{record['contender']} on {record['task']}, seed {record['seed']}"
    return what if record["status"] == "ok" else f"{what}: {record['reason']}"
