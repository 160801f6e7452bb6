"""A comparison's runs as one record: everything that its page shows, in plain values.

answer       what to use, in words                                                     ``answer``, ``sentences``
sentences    what won and what did not, task by task, in words                  ``task_findings``, ``sentences``
findings     the same two as facts with their numbers
tasks        yardstick, curves, attainment, and a row a contender                                  ``metrics``
ranks        at each budget over all tasks and seeds                                                 ``ranks``
ablations    what each stage of a method is worth                                                ``ablations``
optima       the correlation of bits and ranks over all tasks and seeds                             ``optima``
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from perfmodel.statistics.interval import LEVEL
from search.comparison.ablations import ablations
from search.comparison.answer import answer
from search.comparison.metrics import (
    Record,
    Yardstick,
    attainment,
    over_seeds,
    regret_after,
    regret_curve,
    time_to_uniform,
    yardstick,
)
from search.comparison.optima import correlations, stability
from search.comparison.ranks import ranks
from search.comparison.sentences import sentence
from search.comparison.task_findings import task_findings

VERSION: Final = 3


def summary(runs: Sequence[Record], references: dict[str, Any], budgets: Sequence[int]) -> dict[str, Any]:
    """Returns the record of a comparison.

    Args:
        runs: of ``search.comparison.runs``; failed ones are listed and not counted.
        references: the record of the long search without noise, by task.
        budgets: full trainings at which regrets are compared, rising.
    """
    usable = [run for run in runs if run["status"] == "ok" and run["vectors"]]
    against = {task: yardstick(_of(usable, task), known) for task, known in references.items()}
    tasks = {
        task: _task(_of(usable, task), references[task], against[task], budgets)
        for task in references
        if _of(usable, task)
    }
    failed = [{key: run[key] for key in ("contender", "task", "seed", "reason")} for run in runs if run not in usable]
    blocks = {budget: _ranks(usable, against, budget) for budget in budgets}
    found = {
        "version": VERSION,
        "level": LEVEL,
        "budgets": list(budgets),
        "tasks": tasks,
        "ranks": {str(budget): entry for budget, entry in blocks.items() if entry},
        "ablations": ablations(usable, against, budgets),
        "optima": _optima(usable, references),
        "failed": failed,
    }
    findings = {"answer": answer(found), "sentences": task_findings(usable, against, budgets)}
    said = {name: [sentence(each) for each in those] for name, those in findings.items()}
    return {**found, **said, "findings": {name: [asdict(each) for each in those] for name, those in findings.items()}}


def _task(runs: Sequence[Record], known: Record, against: Yardstick, budgets: Sequence[int]) -> dict[str, Any]:
    by_name: dict[str, list[Record]] = {}
    for run in runs:
        by_name.setdefault(run["contender"], []).append(run)
    return {
        "objectives": known["objectives"],
        "front": sorted(against.front.tolist(), key=lambda point: point[-1]),
        "reference_point": against.reference.tolist(),
        "reference_evaluations": known["evaluations"],
        "uniform": known["uniform"],
        "contenders": {name: _contender(of, known, against, budgets) for name, of in by_name.items()},
    }


def _contender(runs: Sequence[Record], known: Record, against: Yardstick, budgets: Sequence[int]) -> dict[str, Any]:
    uniform, units = known["uniform"], known["space"]["units"]
    reached = [time_to_uniform(run, uniform) for run in runs]
    alike, loss = stability(runs, np.inf if uniform is None else uniform[1])
    of_regret = {str(b): over_seeds([regret_after(run, against, b) for run in runs]).to_dict() for b in budgets}
    return {
        "seeds": len(runs),
        "regret": of_regret,
        "over_trainings": regret_curve(runs, against, "shares"),
        "over_seconds": regret_curve(runs, against, "seconds"),
        "attainment": attainment(runs),
        "reached_uniform": sum(each is not None for each in reached),
        "trainings_to_uniform": over_seeds([each[0] for each in reached if each]).to_dict(),
        "seconds_to_uniform": over_seeds([each[1] for each in reached if each]).to_dict(),
        "stability": alike.to_dict(),
        "loss_within_uniform": loss.to_dict(),
        "bits_ranks_correlation": over_seeds(correlations(runs, units)).to_dict(),
        "overhead_s": over_seeds([run["overhead_s"] for run in runs]).to_dict(),
    }


def _ranks(runs: Sequence[Record], against: dict[str, Yardstick], budget: int) -> dict[str, Any] | None:
    found: dict[str, dict[tuple[str, int], float]] = {}
    for run in runs:
        regret = regret_after(run, against[run["task"]], budget)
        if regret is not None:
            found.setdefault(run["contender"], {})[run["task"], run["seed"]] = regret
    if not found:
        return None
    common = sorted(set.intersection(*(set(blocks) for blocks in found.values())))
    return ranks({name: [blocks[block] for block in common] for name, blocks in found.items()})


def _optima(runs: Sequence[Record], references: dict[str, Any]) -> dict[str, Any]:
    """Returns the correlation of bits and ranks over all tasks and seeds of each contender that has one."""
    found = {}
    for name in dict.fromkeys(run["contender"] for run in runs):
        values = {
            task: correlations(own, references[task]["space"]["units"])
            for task in references
            if (own := [run for run in _of(runs, task) if run["contender"] == name])
        }
        pooled = over_seeds([value for each in values.values() for value in each])
        if pooled.n:
            tasks = sum(any(value is not None for value in each) for each in values.values())
            found[name] = {**pooled.to_dict(), "tasks": tasks}
    return found


def _of(runs: Sequence[Record], task: str) -> list[Record]:
    return [run for run in runs if run["task"] == task]
