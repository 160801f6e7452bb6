"""The findings of a comparison in words, one sentence each."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from perfmodel.statistics.finding import Finding
from search.comparison.task_findings import BASELINE, OURS

Numbers = Mapping[str, Any]


def sentence(finding: Finding) -> str:
    """Returns a finding of ``answer`` or ``task_findings`` as one sentence.

    Args:
        finding: of a kind that one of the two makes.
    """
    return _SAID[finding.kind](finding.numbers)


def _scope(n: Numbers) -> str:
    few, many = n["fewest_seeds"], n["most_seeds"]
    seeds = (f"{few} to " if few < many else "") + _count(many, "seed")
    searchers, tasks = _count(n["searchers"], "searcher"), _count(len(n["tasks"]), "task")
    text = f"{searchers} on {tasks} ({', '.join(n['tasks'])}), {seeds} each"
    if few < 2:
        return f"{text}: one seed has no interval, so what follows may be luck."
    return f"{text}; two searchers are told apart where their intervals do not touch."


def _first(n: Numbers) -> str:
    text = (
        f"With {_count(n['budget'], 'fine-tune')}: {n['searcher']}, which misses least of the best known front, "
        f"{n['regret']:.3f} of its hypervolume on average, and is first on {len(n['first_on'])} of "
        f"{_count(len(n['tasks']), 'task')}"
    )
    if n["searcher"] == BASELINE:
        text += "; no other searcher did better than random search on average"
    elif "random_regret" in n:
        text += f"; random search misses {n['random_regret']:.3f}, and {_against_random(n)}"
    if n["alike"]:
        text += f"; not told apart from it on any task: {', '.join(n['alike'])}"
    return f"{text}."


def _against_random(n: Numbers) -> str:
    clear: Sequence[str] = n["better_than_random_on"]
    touching = [task for task in n["tasks"] if task not in clear]
    if not n["has_intervals"]:
        return "one seed does not tell the two apart"
    if not touching:
        return "its interval lies above on every task"
    if not clear:
        return "the intervals of the two touch on every task, so they are not told apart"
    return f"its interval lies above on {', '.join(clear)}, but touches on {', '.join(touching)}"


def _nothing(n: Numbers) -> str:
    del n
    return "No searcher reached a budget on every task: nothing can be recommended."


def _uniform(n: Numbers) -> str:
    what = "Uniform choices (one width and one rank everywhere)"
    if not n["as_good_on"]:
        return f"{what} miss more on every task at every budget."
    where = [f"on {task} with {', '.join(map(str, budgets))} fine-tunes" for task, budgets in n["as_good_on"].items()]
    return f"{what} do as well, as far as the intervals tell, {'; '.join(where)}."


def _overhead(n: Numbers) -> str:
    own, cheapest = n["searcher"], n["cheapest"]
    text = f"A whole search by {own} takes {n['overhead_s']:.1f} processor seconds beside the fine-tunes"
    if cheapest == own:
        return f"{text}."
    return f"{text}; {cheapest}, not told apart from it with {n['budget']} fine-tunes, takes {n['cheapest_s']:.1f}."


def _four_bits(n: Numbers) -> str:
    text = (
        f"{n['searcher']} found a choice no worse than uniform 4-bit in loss and memory in {n['reached']} of "
        f"{n['searches']} searches"
    )
    return f"{text}, there after {n['fine_tunes']:.1f} fine-tunes on average." if n["reached"] else f"{text}."


_SIGNS: Final = {
    1: "the same units get high bits and high ranks",
    -1: "units of low bits get high ranks",
    0: "bits and ranks go neither together nor apart that could be told",
}


def _bits_and_ranks(n: Numbers) -> str:
    figures = (
        f"rank correlation {n['value']:+.2f} [{n['low']:+.2f}, {n['high']:+.2f}], {n['n']} searches "
        f"on {_count(n['tasks'], 'task')}"
    )
    return f"In what {n['searcher']} recommends, {_SIGNS[n['sign']]} ({figures})."


def _least_regret(n: Numbers) -> str:
    return f"{n['task']}, {n['budget']} evaluations: {n['searcher']} has the least regret ({n['regret']:.3f})."


def _ours(n: Numbers) -> str:
    where = f"{n['budget']} evaluations on {n['task']}"
    if n["low"] is None:
        return f"{OURS} and {BASELINE} at {where}: too few common seeds to say."
    figures = (
        f"regret {n['ours']:.3f} against {n['theirs']:.3f}, paired difference "
        f"{n['value']:+.3f} [{n['low']:+.3f}, {n['high']:+.3f}], {n['n']} seeds"
    )
    verb = "beats" if n["high"] < 0 else "is worse than" if n["low"] > 0 else "does not beat"
    return f"{OURS} {verb} {BASELINE} at {where}: {figures}."


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


_SAID: Final = {
    "scope": _scope,
    "first": _first,
    "nothing to recommend": _nothing,
    "uniform choices": _uniform,
    "overhead": _overhead,
    "uniform 4-bit reached": _four_bits,
    "bits and ranks": _bits_and_ranks,
    "least regret": _least_regret,
    "ours against random": _ours,
}
