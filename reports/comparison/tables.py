"""The tables of a comparison as plain text cells: every figure with its interval and the number of seeds."""

from collections.abc import Mapping
from typing import Any

from reports.figures.quantity import UNKNOWN, Record, quantity
from reports.pages.page import Table


def regret_table(task: str, entry: Mapping[str, Any], budgets: list[int]) -> Table:
    """Returns hypervolume regret at each budget, the best contender at the largest budget first."""
    names = sorted(entry["contenders"], key=lambda name: _last(entry["contenders"][name], budgets))
    rows = tuple(
        (name, *(interval(entry["contenders"][name]["regret"][str(budget)]) for budget in budgets)) for name in names
    )
    head = ("Searcher", *(f"{budget} fine-tunes" for budget in budgets))
    return Table(f"Share of the best known hypervolume that is missing on {task}", head, rows)


def details_table(task: str, entry: Mapping[str, Any]) -> Table:
    """Returns what else is known of each contender: uniform's quality, stability, correlation, overhead."""
    head = (
        "Searcher",
        "Seeds that reached uniform 4-bit",
        "Fine-tunes to it",
        "Seconds of fine-tunes to it",
        "Loss within uniform's memory",
        "Equal choices over seeds",
        "Correlation of bits and ranks",
        "Search overhead, CPU s",
    )
    rows = []
    for name, found in entry["contenders"].items():
        reached = f"{found['reached_uniform']} of {found['seeds']}" if entry["uniform"] else UNKNOWN
        cells = [
            interval(found["trainings_to_uniform"], 1),
            interval(found["seconds_to_uniform"], 0),
            interval(found["loss_within_uniform"]),
            interval(found["stability"], 2),
            interval(found["bits_ranks_correlation"], 2),
            interval(found["overhead_s"], 1),
        ]
        rows.append((name, reached, *cells))
    return Table(f"What else the searches on {task} showed", head, tuple(rows))


def ranks_table(record: Record) -> Table:
    """Returns mean ranks at each budget with Friedman's p-value and Nemenyi's critical difference."""
    names = list(dict.fromkeys(name for entry in record["ranks"].values() for name in entry["ranks"]))
    head = ("Searcher", *(f"{budget} fine-tunes" for budget in record["ranks"]))
    rows = [(name, *(_rank(entry["ranks"].get(name)) for entry in record["ranks"].values())) for name in sorted(names)]
    found = record["ranks"].values()
    rows.append(("critical difference", *(f"{entry['critical_difference']:.2f}" for entry in found)))
    rows.append(("Friedman's p", *(f"{entry['p_value']:.2g}" for entry in found)))
    rows.append(("blocks (task and seed)", *(str(entry["blocks"]) for entry in found)))
    return Table("Mean ranks, 1 is best", head, tuple(rows))


def optima_table(record: Record) -> Table:
    """Returns the correlation of bits and ranks over all tasks and seeds, with what its interval tells."""
    rows = tuple(
        (name, f"{found['value']:+.2f}", _ends(found), str(found["n"]), str(found["tasks"]), _sign(found))
        for name, found in record["optima"].items()
    )
    head = ("Searcher", "Correlation", "Interval", "Searches", "Tasks", "Which tells")
    return Table("Correlation of bits and ranks over all tasks and seeds", head, rows)


def ablations_table(record: Record) -> Table:
    """Returns what leaving a stage out costs at each budget, over all tasks and seeds."""
    rows = tuple(
        (each["whole"], each["stage"].replace("_", " "), *(interval(found) for found in each["differences"].values()))
        for each in record["ablations"]
    )
    head = ("Searcher", "Stage left out", *(f"{budget} fine-tunes" for budget in record["budgets"]))
    return Table("Regret that leaving a stage out adds", head, rows)


def failed_table(record: Record) -> Table:
    """Returns the searches that raised, with their reasons."""
    rows = tuple((each["contender"], each["task"], str(each["seed"]), each["reason"]) for each in record["failed"])
    return Table("Searches that failed and are not counted", ("Searcher", "Task", "Seed", "Reason"), rows)


def comparison_facts(record: Record) -> list[tuple[str, str]]:
    """Returns the strip of facts at the head: label and value."""
    setting = record["setting"]
    some = next(iter(record["tasks"].values()), None)
    objectives = [quantity(name, ()).label.lower() for name in some["objectives"]] if some else []
    return [
        ("Tasks", ", ".join(record["tasks"]) or UNKNOWN),
        ("Traces", setting["shelf"] or setting["suite"] or UNKNOWN),
        ("Seeds", str(setting["seeds"])),
        ("Batch", str(setting["batch"])),
        (
            "Searched",
            "real fine-tunes" if setting["live"] else setting.get("surrogate") or "each task's best surrogate",
        ),
        ("Objectives", ", ".join(objectives) or UNKNOWN),
        (
            "Best front from",
            UNKNOWN
            if some is None
            else f"all {some['reference_evaluations']} fine-tunes"
            if setting["live"]
            else f"all runs and {some['reference_evaluations']} evaluations of NSGA-II",
        ),
    ]


def interval(estimate: Mapping[str, Any], decimals: int = 3) -> str:
    """Returns an estimate as ``0.12 [0.10, 0.14], n = 10``."""
    if estimate["value"] is None:
        return UNKNOWN
    text = f"{estimate['value']:.{decimals}f}"
    if estimate["low"] is not None:
        text += f" [{estimate['low']:.{decimals}f}, {estimate['high']:.{decimals}f}]"
    return f"{text}, n = {estimate['n']}"


def _ends(found: Mapping[str, Any]) -> str:
    return UNKNOWN if found["low"] is None else f"{found['low']:+.2f} to {found['high']:+.2f}"


def _sign(found: Mapping[str, Any]) -> str:
    if found["low"] is None:
        return UNKNOWN
    if found["low"] <= 0 <= found["high"]:
        return "neither sign can be told"
    return "the same units get both" if found["low"] > 0 else "units of low bits get high ranks"


def _rank(rank: float | None) -> str:
    return UNKNOWN if rank is None else f"{rank:.2f}"


def _last(found: Mapping[str, Any], budgets: list[int]) -> float:
    for budget in reversed(budgets):
        value: float | None = found["regret"][str(budget)]["value"]
        if value is not None:
            return value
    return float("inf")
