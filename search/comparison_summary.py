"""A comparison's runs as one record: everything that its page shows, in plain values.

tasks        yardstick, curves, attainment, and a row a contender
ranks        at each budget over all tasks and seeds
sentences    what won, what did not, in words
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from search.comparison_metrics import (
    LEVEL,
    Record,
    Yardstick,
    at,
    attainment,
    over_seeds,
    regret_curve,
    spent,
    time_to_uniform,
    yardstick,
)
from search.comparison_ranks import ranks
from search.found_optima import bits_ranks_correlation, stability

VERSION: Final = 1
OURS: Final = "joint"
BASELINE: Final = "random"


def summary(runs: Sequence[Record], references: dict[str, Any], budgets: Sequence[int]) -> dict[str, Any]:
    """Returns the record of a comparison.

    Args:
        runs: of ``search.compare``; failed ones are listed and not counted.
        references: by task.
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
        "failed": failed,
    }
    return {**found, "sentences": _sentences(usable, against, budgets)}


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
    of_regret = {str(budget): asdict(over_seeds(_regrets(runs, against, budget))) for budget in budgets}
    return {
        "seeds": len(runs),
        "regret": of_regret,
        "over_trainings": regret_curve(runs, against, "shares"),
        "over_seconds": regret_curve(runs, against, "seconds"),
        "attainment": attainment(runs),
        "reached_uniform": sum(each is not None for each in reached),
        "trainings_to_uniform": asdict(over_seeds([each[0] for each in reached if each])),
        "seconds_to_uniform": asdict(over_seeds([each[1] for each in reached if each])),
        "stability": asdict(alike),
        "loss_within_uniform": asdict(loss),
        "bits_ranks_correlation": asdict(bits_ranks_correlation(runs, units)),
        "overhead_s": asdict(over_seeds([run["overhead_s"] for run in runs])),
    }


def _regrets(runs: Sequence[Record], against: Yardstick, budget: int) -> list[float | None]:
    """Returns each run's regret at a budget, None where it ended before."""
    grid = np.asarray([float(budget)])
    return [
        float(at(run, against, "shares", grid)[0]) if spent(run, "shares")[-1] > budget - 1 else None for run in runs
    ]


def _ranks(runs: Sequence[Record], against: dict[str, Yardstick], budget: int) -> dict[str, Any] | None:
    found: dict[str, dict[tuple[str, int], float]] = {}
    for run in runs:
        (regret,) = _regrets([run], against[run["task"]], budget)
        if regret is not None:
            found.setdefault(run["contender"], {})[run["task"], run["seed"]] = regret
    if not found:
        return None
    common = sorted(set.intersection(*(set(blocks) for blocks in found.values())))
    return ranks({name: [blocks[block] for block in common] for name, blocks in found.items()})


def _sentences(runs: Sequence[Record], against: dict[str, Yardstick], budgets: Sequence[int]) -> list[str]:
    """Returns who is first, and whether ours beats the baseline, at each budget on each task."""
    said = []
    for task, measure in against.items():
        own = _of(runs, task)
        for budget in budgets:
            found = {
                name: {
                    run["seed"]: regret
                    for run in own
                    if run["contender"] == name
                    if (regret := _regrets([run], measure, budget)[0]) is not None
                }
                for name in dict.fromkeys(run["contender"] for run in own)
            }
            means = {name: float(np.mean(list(values.values()))) for name, values in found.items() if values}
            if not means:
                continue
            first = min(means, key=means.__getitem__)
            said.append(f"{task}, {budget} evaluations: {first} has the least regret ({means[first]:.3f}).")
            if OURS in means and BASELINE in means:
                said.append(_paired(found[OURS], found[BASELINE], f"{budget} evaluations on {task}"))
    return said


def _paired(ours: dict[int, float], theirs: dict[int, float], where: str) -> str:
    difference = over_seeds([ours[seed] - theirs[seed] for seed in sorted(set(ours) & set(theirs))])
    if difference.value is None or difference.low is None or difference.high is None:
        return f"{OURS} and {BASELINE} at {where}: too few common seeds to say."
    figures = (
        f"regret {np.mean(list(ours.values())):.3f} against {np.mean(list(theirs.values())):.3f}, paired difference "
        f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}], {difference.n} seeds"
    )
    verb = "beats" if difference.high < 0 else "is worse than" if difference.low > 0 else "does not beat"
    return f"{OURS} {verb} {BASELINE} at {where}: {figures}."


def _of(runs: Sequence[Record], task: str) -> list[Record]:
    return [run for run in runs if run["task"] == task]
