"""The answer to "what should I use" as findings, from the figures of a comparison alone.

Two searchers are told apart on a task where their intervals over seeds do not touch. Nothing is claimed beyond that.
``sentences`` says each finding in words.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from perfmodel.statistics.finding import Finding
from search.comparison.contenders import VARIANTS

Estimate = Mapping[str, Any]
"""A mean over seeds as ``OverSeeds`` has it: value, low, high, n."""
Tasks = Mapping[str, Mapping[str, Any]]
Regrets = Mapping[str, Mapping[str, Estimate]]
"""By contender and task."""

BASELINE: Final = "random"
UNIFORM: Final = "uniform"


def answer(found: Mapping[str, Any]) -> list[Finding]:
    """Returns the findings of the answer in the order of their weight, none where no search ended well.

    Methods with a stage left out are not recommended.

    Args:
        found: the summary's ``tasks``, ``budgets`` and ``optima``.
    """
    tasks: Tasks = found["tasks"]
    if not tasks:
        return []
    names = dict.fromkeys(name for entry in tasks.values() for name in entry["contenders"])
    whole = [name for name in names if name not in VARIANTS or VARIANTS[name].whole is None]
    findings, leaders = [_scope(tasks, whole)], {}
    for budget in found["budgets"]:
        regrets = _regrets(tasks, whole, str(budget))
        if regrets:
            leader = min(regrets, key=lambda name: _mean(regrets[name]))
            leaders[budget] = leader, regrets
            findings.append(_first(budget, leader, regrets))
    if not leaders:
        return [*findings, Finding("nothing to recommend")]
    last = max(leaders)
    leader, regrets = leaders[last]
    others = _uniform(leaders), _overhead(last, leader, regrets, tasks), _four_bits(leader, tasks)
    return [*findings, *(each for each in (*others, _bits_and_ranks(leader, found["optima"])) if each is not None)]


def _scope(tasks: Tasks, names: Sequence[str]) -> Finding:
    counts = [each["seeds"] for entry in tasks.values() for each in entry["contenders"].values()]
    numbers = {"searchers": len(names), "tasks": list(tasks), "fewest_seeds": min(counts), "most_seeds": max(counts)}
    return Finding("scope", numbers)


def _regrets(tasks: Tasks, names: Sequence[str], budget: str) -> Regrets:
    """Returns the regrets of the contenders that reached a budget on every task."""
    found = {}
    for name in names:
        of = {task: entry["contenders"].get(name, {}).get("regret", {}).get(budget) for task, entry in tasks.items()}
        if all(estimate is not None and estimate["value"] is not None for estimate in of.values()):
            found[name] = of
    return found


def _first(budget: int, leader: str, regrets: Regrets) -> Finding:
    """Returns who has the least mean regret with a budget, and on which tasks it is told apart from random search."""
    own, theirs = regrets[leader], regrets.get(BASELINE)
    numbers: dict[str, Any] = {
        "budget": budget,
        "searcher": leader,
        "regret": _mean(own),
        "first_on": [
            task for task in own if own[task]["value"] == min(each[task]["value"] for each in regrets.values())
        ],
        "tasks": list(own),
        "alike": _alike(leader, regrets),
    }
    if theirs is not None and leader != BASELINE:
        numbers |= {
            "random_regret": _mean(theirs),
            "has_intervals": all(each["high"] is not None for each in (*own.values(), *theirs.values())),
            "better_than_random_on": [task for task in own if _below(own[task], theirs[task])],
        }
    return Finding("first", numbers)


def _alike(leader: str, regrets: Regrets) -> list[str]:
    """Returns who is told apart from the leader on no task."""
    own = regrets[leader]
    return [
        name
        for name, of in regrets.items()
        if name != leader and not any(_below(own[task], of[task]) or _below(of[task], own[task]) for task in own)
    ]


def _uniform(leaders: Mapping[int, tuple[str, Regrets]]) -> Finding | None:
    """Returns the budgets by task at which uniform choices are not told apart from the first, or better."""
    compared = {budget: found for budget, found in leaders.items() if UNIFORM in found[1]}
    places: dict[str, list[int]] = {}
    for budget, (leader, regrets) in compared.items():
        for task, estimate in regrets[UNIFORM].items():
            if leader == UNIFORM or not _below(regrets[leader][task], estimate):
                places.setdefault(task, []).append(budget)
    return Finding("uniform choices", {"as_good_on": places}) if compared else None


def _overhead(budget: int, leader: str, regrets: Regrets, tasks: Tasks) -> Finding:
    """Returns the processor seconds of a search by the leader, and of the cheapest that is not told apart from it."""
    seconds = {
        name: _mean({task: entry["contenders"][name]["overhead_s"] for task, entry in tasks.items()})
        for name in (leader, *_alike(leader, regrets))
    }
    cheapest = min(seconds, key=seconds.__getitem__)
    numbers = {"searcher": leader, "overhead_s": seconds[leader], "budget": budget}
    return Finding("overhead", {**numbers, "cheapest": cheapest, "cheapest_s": seconds[cheapest]})


def _four_bits(leader: str, tasks: Tasks) -> Finding | None:
    """Returns in how many searches, and how soon, the leader found something no worse than uniform 4-bit."""
    runs = [entry["contenders"][leader] for entry in tasks.values() if entry["uniform"]]
    if not runs:
        return None
    searches, reached = (sum(run[key] for run in runs) for key in ("seeds", "reached_uniform"))
    spent = [run["trainings_to_uniform"] for run in runs if run["reached_uniform"]]
    mean = sum(each["value"] * each["n"] for each in spent) / sum(each["n"] for each in spent) if spent else None
    numbers = {"searcher": leader, "reached": reached, "searches": searches, "fine_tunes": mean}
    return Finding("uniform 4-bit reached", numbers)


def _bits_and_ranks(leader: str, optima: Mapping[str, Estimate]) -> Finding | None:
    """Returns whether the leader's choices give bits and ranks to the same units: the interval's sign, or 0."""
    known = optima.get(leader)
    if known is None or known["low"] is None:
        return None
    sign = 1 if known["low"] > 0 else -1 if known["high"] < 0 else 0
    return Finding("bits and ranks", {"searcher": leader, "sign": sign, **known})


def _below(first: Estimate, second: Estimate) -> bool:
    """Returns whether the first interval lies below the second without touching it; an unknown one never does."""
    return first["high"] is not None and second["low"] is not None and bool(first["high"] < second["low"])


def _mean(of: Mapping[str, Estimate]) -> float:
    return float(sum(each["value"] for each in of.values()) / len(of))
