"""Every table of a run's report as plain text cells."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from perfmodel.files.sizes import size_text
from perfmodel.space.metrics import ACCURACY, LOSS, PEAK, STEP_TIME
from reports.figures.effects import AXIS_LABELS
from reports.figures.quantity import UNKNOWN, Quantity, Record, duration, estimate_text, quantities
from reports.figures.words import described
from reports.pages.page import Table
from reports.report.choice import Noise, Row, Z, is_measured, loss_of, runs_of
from reports.report.findings import chosen_scores

NOT_MEASURED = "not measured"

_MEASURED_TOO = (ACCURACY, STEP_TIME)
"""Shown beside the objectives where a validation run measured them."""


def facts(record: Record) -> tuple[tuple[str, str], ...]:
    """Returns the strip of facts at the head: label and value."""
    setting, environment, counts = record["setting"], record["environment"], record["counts"]
    known = quantities(record)
    prior = f"{counts['prior_traces']} from {counts['prior_source'] or 'elsewhere'}" if counts["prior_traces"] else ""
    learnt = " + ".join(part for part in (prior, f"{counts['collected']} of its own") if part)
    budget = [known[name].with_unit(limit) for name, limit in record["budget"].items() if name in known]
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    cores = f"{environment['cores']} cores, " if setting["device_class"] == "cpu" else ""
    device = {"cpu": "CPU", "cuda": "GPU"}[setting["device_class"]]
    longer = [f"{count} {split}" for split, count in counts["left_out"].items() if count]
    return (
        ("Base model", setting["model"]),
        ("Task", setting["task"]),
        ("Device", f"{device} ({cores}{environment['device_name']})"),
        ("Traces learnt from", learnt),
        ("Real runs to check it", f"{counts['validated']}{failed}"),
        ("Budget", ", ".join(budget) or "none"),
        ("Time of its fine-tunes", duration(record["elapsed_s"])),
        ("Made", local_time(record["created_at"])),
        *([("Examples left out as too long", ", ".join(longer))] if longer else []),
    )


def local_time(text: str) -> str:
    """Returns an ISO time as ``1 December 2026, 04:05``, in the zone that it was written in."""
    when = datetime.fromisoformat(text)
    return f"{when.day} {when:%B %Y, %H:%M}"


def measures(row: Row, noise: Noise) -> tuple[str, str, str, str, str]:
    """Returns peak, weights, loss and accuracy of a validated configuration with intervals, and its number of runs.

    Args:
        row: of the record's validation.
        noise: between seeds; the interval of the loss is from it where it is known, else from the runs themselves.
    """
    if not is_measured(row):
        return (NOT_MEASURED,) * 4 + ("0",)
    blocks = row["measured"]
    peak, weights = (size_text((blocks.get(name) or {}).get("value")) for name in (PEAK, "weight_bytes"))
    loss = dict(blocks[LOSS])
    if noise.repeats:
        ends = {end: noise.added(loss_of(row), runs_of(row), sign * Z) for end, sign in (("low", -1), ("high", 1))}
        loss |= ends
    accuracy = {
        key: None if blocks["accuracy"][key] is None else min(100.0, max(0.0, 100 * blocks["accuracy"][key]))
        for key in ("value", "low", "high")
    }
    shown = estimate_text(accuracy, 0)
    return (
        peak,
        weights,
        estimate_text({key: loss[key] for key in ("value", "low", "high")}, 3),
        f"{shown}\u00a0%" if accuracy["value"] is not None else NOT_MEASURED,
        str(runs_of(row)),
    )


def beside_table(record: Record) -> Table:
    """Returns the points of the front that were run and the known references, side by side.

    Args:
        record: the report's.
    """
    noise = Noise.of(record["effects"], record["validation"])
    rows = [row for row in record["validation"] if row["role"] != "random"]
    head = ("Configuration", "What it is", "Peak", "Weights", "Held-out loss", "Accuracy", "Runs")
    return Table(
        "Beside the choices that everyone knows, all measured by this run",
        head,
        tuple((row["name"], described(row["configuration"]), *measures(row, noise)) for row in rows),
    )


def scores_table(record: Record, *, everything: bool) -> Table:
    """Returns the out-of-fold scores of the surrogates.

    Args:
        record: the report's.
        everything: all surrogates rather than each metric's chosen one.
    """
    known = quantities(record)
    scores = record["scores"] if everything else chosen_scores(record["scores"], record["surrogates"])
    head = (
        "Metric",
        "Surrogate",
        "Error / constant's",
        "Rank correlation",
        "R²",
        "RMSE",
        "Coverage",
        "n (configurations)",
    )
    rows = []
    for entry in scores:
        quantity = known.get(entry["metric"]) or Quantity(entry["metric"], entry["metric"], "", 1.0, 3)
        chosen = record["surrogates"].get(entry["metric"]) == entry["surrogate"]
        rows.append(
            (
                quantity.title,
                f"{entry['surrogate']} (chosen)" if chosen and everything else entry["surrogate"],
                estimate_text(entry["error_ratio_to_constant"]),
                estimate_text(entry["spearman"]),
                estimate_text(entry["r2"]),
                quantity.interval_text(entry["rmse"]),
                estimate_text(entry["coverage_90"]),
                f"{entry['n_traces']} ({entry['n_configurations']})",
            )
        )
    title = "Scores of all performance models" if everything else "Scores of the chosen performance models"
    return Table(title, head, tuple(rows))


def effects_table(record: Record) -> tuple[Table, ...]:
    """Returns the effects of the axes, none where they are not known."""
    effects = record.get("effects")
    if not effects:
        return ()
    rows = tuple(
        (
            AXIS_LABELS.get(entry["axis"], entry["axis"]),
            _relative(entry["change"]) if effects["log"] else estimate_text(entry["change"], 3),
            estimate_text(entry["ratio"], 1),
            estimate_text(entry["variance_share"]),
            entry["verdict"],
        )
        for entry in effects["axes"]
    )
    head = ("Axis", "Change", "In seed deviations", "Share of variance", "Verdict")
    return (Table("Effects of the axes", head, rows),)


def _relative(change: Mapping[str, float | None]) -> str:
    shown = {end: None if value is None else 100 * math.expm1(value) for end, value in change.items()}
    text = estimate_text(shown, 1)
    return text if text == UNKNOWN else f"{text}\u00a0%"


def validation_table(record: Record) -> Table:
    """Returns the validated configurations, predicted beside measured."""
    known, entries = quantities(record), record["validation"]
    names = [*record["objectives"], *(name for name in _MEASURED_TOO if _known(entries, "measured", name))]
    # A metric that no model predicted has one column only.
    columns = [
        (known[name], ("predicted", "measured") if _known(entries, "predicted", name) else ("measured",))
        for name in dict.fromkeys(names)
    ]
    head: tuple[str, ...] = ("Configuration", "Role", "What it is", "Runs")
    groups = (("", len(head)), *((quantity.title, len(blocks)) for quantity, blocks in columns))
    head += tuple(block for _, blocks in columns for block in blocks)
    return Table("Validated configurations", head, tuple(_validated(entry, columns) for entry in entries), groups)


def _known(entries: Sequence[Mapping[str, Any]], block: str, name: str) -> bool:
    return any((entry[block].get(name) or {}).get("value") is not None for entry in entries)


def _validated(entry: Mapping[str, Any], columns: Sequence[tuple[Quantity, tuple[str, ...]]]) -> tuple[str, ...]:
    status = ", ".join(f"{count} {word}" for word, count in entry["status"].items()) or "not run"
    cells = [
        entry["name"],
        entry["role"],
        described(entry["configuration"]),
        f"{status}: {entry['reason']}" if entry["reason"] else status,
    ]
    for quantity, blocks in columns:
        for block in blocks:
            text = quantity.interval_text(entry[block].get(quantity.name))
            cells.append(NOT_MEASURED if text == UNKNOWN and block == "measured" else text)
    return tuple(cells)


def plain_table(title: str, values: Mapping[str, Any]) -> Table:
    """Returns a mapping as a table of two columns; nested mappings are spelt with a point."""
    rows: list[tuple[str, ...]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            rows += [(f"{key}.{inner}", _plain(item)) for inner, item in value.items()]
        else:
            rows.append((key, _plain(value)))
    return Table(title, ("Name", "Value"), tuple(rows))


def _plain(value: object) -> str:
    return UNKNOWN if value is None else str(value)


def provenance_tables(record: Record) -> tuple[Table, ...]:
    """Returns what it takes to repeat the run: setting, recipe, environment, checksums."""
    setting = {key: value for key, value in record["setting"].items() if key != "recipe"}
    return (
        plain_table("Setting", setting),
        plain_table("Recipe", record["setting"]["recipe"]),
        plain_table("Environment", record["environment"]),
        plain_table("Checksums (SHA-256)", record["checksums"]),
    )
