"""Every table of a report as plain text cells, for the page and for the Markdown summary alike."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perfmodel.space.metrics import ACCURACY, PEAK, STEP_TIME
from reports.figures.effects import AXIS_LABELS
from reports.figures.quantity import UNKNOWN, Quantity, Record, counted, duration, estimate_text, quantities

NOT_MEASURED = "not measured"

_MEASURED_TOO = (ACCURACY, STEP_TIME)
"""Shown beside the objectives where a validation run measured them."""


@dataclass(frozen=True)
class Table:
    """One table.

    Args:
        title: what it shows.
        head: of the columns.
        rows: cells as printed.
        groups: heads above the columns, each with the number of columns that it spans; empty for none.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    groups: tuple[tuple[str, int], ...] = ()


def facts(record: Record) -> list[tuple[str, str]]:
    """Returns the strip of facts at the head: label and value."""
    setting, environment, counts = record["setting"], record["environment"], record["counts"]
    known = quantities(record)
    prior = f"{counts['prior_traces']} from {counts['prior_source'] or 'elsewhere'}" if counts["prior_traces"] else ""
    learnt = " + ".join(part for part in (prior, f"{counts['collected']} collected") if part)
    budget = [f"{known[name].with_unit(limit)}" for name, limit in record["budget"].items() if name in known]
    return [
        ("Base model", setting["model"]),
        ("Task", setting["task"]),
        ("Device", f"{environment['device_name']} ({setting['device_class']})"),
        ("Traces learnt from", learnt),
        ("Validated by real runs", counted(counts["validated"], "run")),
        ("Failed runs", str(counts["failed"])),
        ("Objectives", ", ".join(known[name].label.lower() for name in record["objectives"])),
        ("Memory budget" if PEAK in record["budget"] else "Budget", ", ".join(budget) or "none"),
        ("Time of its fine-tunes", duration(record["elapsed_s"])),
        ("Made", record["created_at"]),
    ]


def scores_table(record: Record) -> Table:
    """Returns the out-of-fold scores of every surrogate on every metric."""
    known = quantities(record)
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
    for entry in record["scores"]:
        quantity = known.get(entry["metric"]) or Quantity(entry["metric"], entry["metric"], "", 1.0, 3)
        chosen = record["surrogates"].get(entry["metric"]) == entry["surrogate"]
        rows.append(
            (
                quantity.title,
                f"{entry['surrogate']} (chosen)" if chosen else entry["surrogate"],
                estimate_text(entry["error_ratio_to_constant"]),
                estimate_text(entry["spearman"]),
                estimate_text(entry["r2"]),
                quantity.interval_text(entry["rmse"]),
                estimate_text(entry["coverage"]),
                f"{entry['n_traces']} ({entry['n_configurations']})",
            )
        )
    return Table("Out-of-fold scores of the surrogates", head, tuple(rows))


def effects_table(record: Record) -> Table | None:
    """Returns the effects of the axes, None where they are not known."""
    effects = record.get("effects")
    if not effects:
        return None
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
    return Table("Effects of the axes", ("Axis", "Change", "In seed deviations", "Share of variance", "Verdict"), rows)


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
    head: tuple[str, ...] = ("Configuration", "Role", "Runs", "Pruned", "Mean bits", "Mean rank")
    groups = (("", len(head)), *((quantity.title, len(blocks)) for quantity, blocks in columns))
    head += tuple(block for _, blocks in columns for block in blocks)
    return Table("Validated configurations", head, tuple(_validated(entry, columns) for entry in entries), groups)


def _known(entries: Sequence[Mapping[str, Any]], block: str, name: str) -> bool:
    return any((entry[block].get(name) or {}).get("value") is not None for entry in entries)


def _validated(entry: Mapping[str, Any], columns: Sequence[tuple[Quantity, tuple[str, ...]]]) -> tuple[str, ...]:
    configuration = entry["configuration"]
    status = ", ".join(f"{count} {word}" for word, count in entry["status"].items()) or "not run"
    cells = [
        entry["name"],
        entry["role"],
        f"{status}: {entry['reason']}" if entry["reason"] else status,
        f"{100 * configuration['pruning_rate']:.0f}\u00a0%",
        _mean(configuration["bits"]),
        _mean(configuration["ranks"]),
    ]
    for quantity, blocks in columns:
        for block in blocks:
            text = quantity.interval_text(entry[block].get(quantity.name))
            cells.append(NOT_MEASURED if text == UNKNOWN and block == "measured" else text)
    return tuple(cells)


def _mean(values: list[float]) -> str:
    return f"{sum(values) / len(values):.1f}" if values else UNKNOWN


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


def provenance_tables(record: Record) -> list[Table]:
    """Returns what it takes to repeat the run: setting, recipe, environment, checksums."""
    setting = {key: value for key, value in record["setting"].items() if key != "recipe"}
    return [
        plain_table("Setting", setting),
        plain_table("Recipe", record["setting"]["recipe"]),
        plain_table("Environment", record["environment"]),
        plain_table("Checksums (SHA-256)", record["checksums"]),
    ]
