"""Searches on real fine-tunes: every searcher spends the same number of them, with a seed that no model saw.

live/<searcher>-<seed>.json    what one search asked for and measured

Two kinds take part. A searcher proposes from what its own trials measured. ``<searcher>_on_surrogate`` has searched the
fitted surrogate first, and spends its trials on points spread over the front that it found there.
"""

import time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import unknown_name
from perfmodel.predictor.predictor import Predictor
from reports.live.backend import LiveTrials
from reports.run.known import closed_form_memory, run_knowledge
from reports.run.run import Run
from reports.stages.stages import run_stages
from search.benchmark.backends import LiveBackend
from search.benchmark.costs import UnknownCost
from search.benchmark.problem import BenchmarkProblem
from search.comparison.metrics import plain
from search.contract.loop import History
from search.contract.loop import run as run_search
from search.contract.pareto import non_dominated, spread
from search.contract.problem import SurrogateProblem
from search.registry import SEARCHERS, searcher

ON_SURROGATE: Final = "_on_surrogate"


def live_search(run: Run, name: str, trials: int, seed: int, batch: int) -> dict[str, Any]:
    """Returns the record of one search, and writes it.

    Args:
        run: its setting, space, objectives, store and executor.
        name: a searcher, or one with ``_on_surrogate``.
        trials: full trainings to spend.
        seed: of the searcher and of every trial.
        batch: configurations between two proposals.

    Raises:
        UnknownNameError: when there is no such searcher.
        UserError: when a searcher needs knowledge that is not there.
    """
    check_name(name)
    problem = _problem(run, name, seed)
    began = time.process_time()
    if name.endswith(ON_SURROGATE):
        history = _on_surrogate(run, problem, name.removesuffix(ON_SURROGATE), trials, seed)
    else:
        known = run_knowledge(run, [name], closed_form_memory(run, seed))
        made = searcher(name, run.space, len(problem.objectives), seed, known)
        history = run_search(made, problem, trials, batch)
    measured = plain(history.objectives)
    record = {
        "version": 1,
        "status": "ok",
        "contender": name,
        "task": run.setting.task_name,
        "seed": seed,
        "evaluations": trials,
        "batch": batch,
        "identity": run.setting.identifier,
        "vectors": history.vectors.tolist(),
        "shares": history.shares.tolist(),
        "observed": measured,
        "true": measured,  # of a real fine-tune its own value is all that is known
        "violations": plain(history.violations),
        "seconds": plain(_seconds(problem)),
        "overhead_s": time.process_time() - began - problem.answering_s,
    }
    run.write_json(f"live/{name}-{seed}.json", record)
    return record


def _seconds(problem: BenchmarkProblem) -> NDArray[np.float64]:
    """Returns the seconds of each trial; one that failed leaves no times and counts as the mean of the others."""
    found = problem.seconds
    known = np.isfinite(found)
    return np.where(known, found, found[known].mean() if known.any() else 0.0)


def check_name(name: str) -> None:
    """Checks that a contender exists.

    Raises:
        UnknownNameError: when it does not.
    """
    if name.removesuffix(ON_SURROGATE) not in SEARCHERS:
        raise unknown_name("searcher", name, [each + end for end in ("", ON_SURROGATE) for each in SEARCHERS])


def _problem(run: Run, name: str, seed: int) -> BenchmarkProblem:
    suite = run.suite
    return BenchmarkProblem(
        run.space,
        suite.objectives,
        {"live": LiveBackend(run.space, LiveTrials(run, name))},
        steps=suite.recipe.steps,
        cost=UnknownCost(),
        metrics=tuple(dict.fromkeys((*suite.objectives, *suite.budget))),
        budget=suite.budget,
        backend="live",
        seed=seed,
    )


def _on_surrogate(run: Run, problem: BenchmarkProblem, name: str, trials: int, seed: int) -> History:
    run_stages(run, "fit")
    predictor = Predictor.load(run.folder / "fit" / "predictor")
    cheap = SurrogateProblem(
        run.space, problem.objectives, predictor.predict_mean, metrics=predictor.metrics, budget=problem.budget
    )
    tries = max(run.suite.search.evaluations.values())
    known = run_knowledge(run, [name], closed_form_memory(run, seed))
    made = searcher(name, run.space, len(problem.objectives), seed, known)
    found = run_search(made, cheap, tries, run.suite.search.batch)
    front = np.flatnonzero(non_dominated(found.objectives, found.violations))
    picked = found.vectors[front[spread(found.objectives[front], trials, -1)]]
    told = problem.evaluate_vectors(picked)
    return History(run.space, picked, told.objectives, told.violations, np.ones(len(picked)))
