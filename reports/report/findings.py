"""What a run's record bears out, as facts: ``sentences`` says them in words."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from perfmodel.statistics.finding import Finding
from reports.figures.hypervolume import searcher_runs
from reports.figures.quantity import Record
from reports.report.choice import (
    FULL_PRECISION,
    Choices,
    Noise,
    Row,
    choices,
    fits,
    is_measured,
    loss_of,
    peak_of,
    runs_of,
)

RANK_LOAD = 1.0
"""Trained parameters for each scored token above which a rank has no reason to matter: all of it can be memorised."""


def choices_of(record: Record) -> Choices:
    """Returns which measured configurations are recommended and stand on the cards."""
    noise, blind = Noise.of(record["effects"], record["validation"]), record["question_blind"]["loss"]
    return choices(record["validation"], noise, record["budget"], blind)


def answer(record: Record) -> Finding:
    """Returns what to take: ``take``, or ``nothing`` where no measured configuration is within the budget."""
    noise, rows = Noise.of(record["effects"], record["validation"]), record["validation"]
    found = choices_of(record)
    if found.recommended is None:
        return Finding("nothing", {"budget": record["budget"], "measured": sum(map(is_measured, rows))})
    row, full = named(rows, found.recommended), named(rows, FULL_PRECISION)
    numbers: dict[str, Any] = {
        "name": row["name"],
        "peak_bytes": peak_of(row),
        "loss": loss_of(row),
        "runs": runs_of(row),
        "budget_bytes": record["budget"].get("peak_memory_bytes"),
        "repeats": noise.repeats,
    }
    if is_measured(full) and full["name"] != row["name"]:
        alike = noise.no_worse(loss_of(row), runs_of(row), loss_of(full), runs_of(full))
        better = not noise.no_worse(loss_of(full), runs_of(full), loss_of(row), runs_of(row))
        numbers |= {
            "full_loss": loss_of(full),
            "full_peak_bytes": peak_of(full),
            "share_of_full": peak_of(row) / peak_of(full),
            "against_full": "better" if better else "alike" if alike else "worse",
            "full_fits": all(fits(full, name, limit) for name, limit in record["budget"].items()),
        }
    return Finding("take", numbers)


def learnt(record: Record) -> Finding:
    """Returns whether the best run beats a question-blind answer: ``learnt``, ``not learnt`` or ``unknown``."""
    blind = record["question_blind"]
    rows = [row for row in record["validation"] if is_measured(row)]
    if not rows or blind["loss"] is None:
        return Finding("unknown")
    best = min(rows, key=loss_of)
    accuracy = (best["measured"].get("accuracy") or {}).get("value")
    better = loss_of(best) < blind["loss"] and (accuracy is None or accuracy > blind["accuracy"])
    numbers = {"name": best["name"], "loss": loss_of(best), "accuracy": accuracy, "runs": runs_of(best)}
    return Finding(
        "learnt" if better else "not learnt",
        {**numbers, "blind_loss": blind["loss"], "blind_accuracy": blind["accuracy"]},
    )


def front(record: Record) -> Finding:
    """Returns how many configurations were predicted and how many of each role were really run: ``front``."""
    run = [entry for entry in record["validation"] if entry["status"].get("ok")]
    failed = [entry["name"] for entry in record["validation"] if not entry["status"].get("ok")]
    roles = {role: sum(entry["role"] == role for entry in run) for role in ("front", "reference", "random")}
    return Finding("front", {"predicted": len(record["front"]), "run": len(run), **roles, "failed": failed})


def predictions(record: Record) -> list[Finding]:
    """Returns for each metric with real runs how they fell: ``inside``, with the mean error."""
    return [
        Finding("inside", {"metric": name, **check}) for name, check in record["prediction_check"].items() if check["n"]
    ]


def axes(record: Record) -> Finding:
    """Returns the axes by what is known of them: ``axes``, or ``unknown`` with the reason.

    A rank that shows no effect where parameters outnumber scored tokens is untested: it had no reason to have one.
    """
    effects = record["effects"]
    if not effects:
        return Finding("unknown", {"reason": record["effects_reason"]})
    load = record.get("rank_load")
    groups: dict[str, list[str]] = {"matters": [], "no effect seen": [], "undecided": [], "untested": []}
    for axis in effects["axes"]:
        untested = axis["axis"] == "rank" and axis["verdict"] != "matters" and (load or 0.0) > RANK_LOAD
        groups["untested" if untested else axis["verdict"]].append(axis["axis"])
    noise = effects["noise"]
    return Finding(
        "axes",
        {
            "groups": groups,
            "load": load,
            "std": noise["std"],
            "log": effects["log"],
            "repeats": noise["repeats"],
            "repeated": noise["configurations"],
            "traces": effects["n_traces"],
            "configurations": effects["n_configurations"],
        },
    )


def search(record: Record) -> Finding:
    """Returns the best searcher beside random search: ``beats random``, ``no better``, ``alone`` or ``unknown``."""
    finals = {name: run["values"][-1] for name, run in searcher_runs(record).items() if run["values"]}
    if not finals:
        return Finding("unknown")
    base = finals.pop("random", None)
    if base is None or not finals or base <= 0:
        return Finding("alone")
    best = max(finals, key=finals.__getitem__)
    numbers = {"best": best, "ratio": finals[best] / base, "seeds": record["hypervolume"].get("seeds", 1)}
    return Finding("beats random" if finals[best] > base else "no better", numbers)


def surrogates(record: Record) -> Finding:
    """Returns on which metrics the chosen surrogate is clearly better than the constant: ``scored`` or ``unknown``."""
    chosen = chosen_scores(record["scores"], record["surrogates"])
    if not chosen:
        return Finding("unknown")
    clear = [
        entry["metric"]
        for entry in chosen
        if (high := entry["error_ratio_to_constant"]["high"]) is not None and high < 1
    ]
    return Finding("scored", {"clear": clear, "others": [e["metric"] for e in chosen if e["metric"] not in clear]})


def chosen_scores(scores: Sequence[Mapping[str, Any]], chosen: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Returns the scores of each metric's chosen surrogate."""
    return [entry for entry in scores if chosen.get(entry["metric"]) == entry["surrogate"]]


def named(rows: Sequence[Row], name: str) -> Row:
    """Returns the validated configuration of a name; one without measurements where there is none."""
    return next((row for row in rows if row["name"] == name), {"name": name, "role": "", "measured": {}})


def prediction_check(validation: Sequence[Row], metrics: Sequence[str]) -> dict[str, Any]:
    """Returns by metric how predictions of single runs did, for configurations that no model saw.

    Args:
        validation: with predicted and measured values; references are left out, as models may have learnt from them.
        metrics: that were predicted.
    """
    check = {}
    for name in metrics:
        pairs = [
            (row["predicted"][name], value)
            for row in validation
            if row["role"] != "reference"
            for value in row["measured"][name]["values"]
        ]
        inside = sum(predicted["low"] <= value <= predicted["high"] for predicted, value in pairs)
        errors = [abs(predicted["value"] - value) for predicted, value in pairs]
        relative = [abs(predicted["value"] - value) / abs(value) for predicted, value in pairs if value]
        check[name] = {
            "n": len(pairs),
            "inside_interval": inside,
            "mean_absolute_error": mean(errors) if errors else None,
            "mean_absolute_relative_error": mean(relative) if relative else None,
        }
    return check
