"""The answer to "what should I use", in plain words, from the figures of a comparison alone.

Two searchers are told apart on a task where their intervals over seeds do not touch. Nothing is claimed beyond that.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from search.comparison.contenders import VARIANTS

Estimate = Mapping[str, Any]
Tasks = Mapping[str, Mapping[str, Any]]
Regrets = Mapping[str, Mapping[str, Estimate]]
"""By contender and task."""

BASELINE: Final = "random"
UNIFORM: Final = "uniform"


def answer(found: Mapping[str, Any]) -> list[str]:
    """Returns the sentences of the answer, none where no search ended well.

    Methods with a stage left out are not recommended.

    Args:
        found: the summary's tasks, budgets and optima.
    """
    tasks: Tasks = found["tasks"]
    if not tasks:
        return []
    names = dict.fromkeys(name for entry in tasks.values() for name in entry["contenders"])
    whole = [name for name in names if name not in VARIANTS or VARIANTS[name].whole is None]
    said, leaders = [_scope(tasks, whole)], {}
    for budget in found["budgets"]:
        regrets = _regrets(tasks, whole, str(budget))
        if regrets:
            leader = min(regrets, key=lambda name: _mean(regrets[name]))
            leaders[budget] = leader, regrets
            said.append(_leading(budget, leader, regrets))
    if not leaders:
        return [*said, "No searcher reached a budget on every task: nothing can be recommended."]
    last = max(leaders)
    leader, regrets = leaders[last]
    said += [_uniform(leaders), _cheap(last, leader, regrets, tasks), _four_bits(leader, tasks)]
    return [each for each in (*said, _correlated(leader, found["optima"])) if each]


def _regrets(tasks: Tasks, names: Sequence[str], budget: str) -> Regrets:
    """Returns the regrets of the contenders that reached a budget on every task."""
    found = {}
    for name in names:
        of = {task: entry["contenders"].get(name, {}).get("regret", {}).get(budget) for task, entry in tasks.items()}
        if all(estimate is not None and estimate["value"] is not None for estimate in of.values()):
            found[name] = of
    return found


def _scope(tasks: Tasks, names: Sequence[str]) -> str:
    counts = [each["seeds"] for entry in tasks.values() for each in entry["contenders"].values()]
    least = f"{min(counts)} to " if min(counts) < max(counts) else ""
    searchers, on, seeds = _count(len(names), "searcher"), _count(len(tasks), "task"), _count(max(counts), "seed")
    text = f"{searchers} on {on} ({', '.join(tasks)}), {least}{seeds} each"
    if min(counts) < 2:
        return f"{text}: one seed has no interval, so what follows may be luck."
    return f"{text}; two searchers are told apart where their intervals do not touch."


def _leading(budget: int, leader: str, regrets: Regrets) -> str:
    own = regrets[leader]
    first = sum(own[task]["value"] == min(each[task]["value"] for each in regrets.values()) for task in own)
    said = [
        f"With {_count(budget, 'fine-tune')}: {leader}, which misses least of the best known front, {_mean(own):.3f} "
        f"of its hypervolume on average, and is first on {first} of {_count(len(own), 'task')}"
    ]
    if leader == BASELINE:
        said.append("; no other searcher did better than random search on average")
    elif BASELINE in regrets:
        said.append(f"; random search misses {_mean(regrets[BASELINE]):.3f}, and {_against(own, regrets[BASELINE])}")
    if rivals := _alike(leader, regrets):
        said.append(f"; not told apart from it on any task: {', '.join(rivals)}")
    return "".join(said) + "."


def _against(own: Mapping[str, Estimate], theirs: Mapping[str, Estimate]) -> str:
    if any(each["high"] is None for each in (*own.values(), *theirs.values())):
        return "one seed does not tell the two apart"
    clear = [task for task in own if _below(own[task], theirs[task])]
    touching = [task for task in own if task not in clear]
    if not touching:
        return "its interval lies above on every task"
    if not clear:
        return "the intervals of the two touch on every task, so they are not told apart"
    return f"its interval lies above on {', '.join(clear)}, but touches on {', '.join(touching)}"


def _alike(leader: str, regrets: Regrets) -> list[str]:
    """Returns who is told apart from the leader on no task."""
    own = regrets[leader]
    return [
        name
        for name, of in regrets.items()
        if name != leader and not any(_below(own[task], of[task]) or _below(of[task], own[task]) for task in own)
    ]


def _uniform(leaders: Mapping[int, tuple[str, Regrets]]) -> str:
    """Returns where uniform choices are not told apart from the first, or better."""
    compared = {budget: found for budget, found in leaders.items() if UNIFORM in found[1]}
    if not compared:
        return ""
    places: dict[str, list[str]] = {}
    for budget, (leader, regrets) in compared.items():
        for task, estimate in regrets[UNIFORM].items():
            if leader == UNIFORM or not _below(regrets[leader][task], estimate):
                places.setdefault(task, []).append(str(budget))
    what = "Uniform choices (one width and one rank everywhere)"
    if not places:
        return f"{what} miss more on every task at every budget."
    where = "; ".join(f"on {task} with {', '.join(budgets)} fine-tunes" for task, budgets in places.items())
    return f"{what} do as well, as far as the intervals tell, {where}."


def _cheap(budget: int, leader: str, regrets: Regrets, tasks: Tasks) -> str:
    seconds = {
        name: _mean({task: entry["contenders"][name]["overhead_s"] for task, entry in tasks.items()})
        for name in (leader, *_alike(leader, regrets))
    }
    cheapest = min(seconds, key=seconds.__getitem__)
    text = f"A whole search by {leader} takes {seconds[leader]:.1f} processor seconds beside the fine-tunes"
    if cheapest == leader:
        return f"{text}."
    return f"{text}; {cheapest}, not told apart from it with {budget} fine-tunes, takes {seconds[cheapest]:.1f}."


def _four_bits(leader: str, tasks: Tasks) -> str:
    """Returns how soon the leader found something no worse than uniform 4-bit."""
    runs = [entry["contenders"][leader] for entry in tasks.values() if entry["uniform"]]
    if not runs:
        return ""
    searches, reached = (sum(run[key] for run in runs) for key in ("seeds", "reached_uniform"))
    text = f"{leader} found a choice no worse than uniform 4-bit in loss and memory in {reached} of {searches} searches"
    if reached == 0:
        return f"{text}."
    spent = [run["trainings_to_uniform"] for run in runs if run["reached_uniform"]]
    mean = sum(each["value"] * each["n"] for each in spent) / sum(each["n"] for each in spent)
    return f"{text}, there after {mean:.1f} fine-tunes on average."


def _correlated(leader: str, optima: Mapping[str, Estimate]) -> str:
    known = optima.get(leader)
    if known is None or known["low"] is None:
        return ""
    figures = (
        f"rank correlation {known['value']:+.2f} [{known['low']:+.2f}, {known['high']:+.2f}], {known['n']} searches "
        f"on {_count(known['tasks'], 'task')}"
    )
    if known["low"] > 0:
        what = "the same units get high bits and high ranks"
    elif known["high"] < 0:
        what = "units of low bits get high ranks"
    else:
        what = "bits and ranks go neither together nor apart that could be told"
    return f"In what {leader} recommends, {what} ({figures})."


def _below(first: Estimate, second: Estimate) -> bool:
    """Returns whether the first interval lies below the second without touching it; an unknown one never does."""
    return first["high"] is not None and second["low"] is not None and bool(first["high"] < second["low"])


def _mean(of: Mapping[str, Estimate]) -> float:
    return float(sum(each["value"] for each in of.values()) / len(of))


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
