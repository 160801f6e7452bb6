"""Writes a comparison from its record: the record, one self-contained page, and a Markdown summary."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.comparison import tables as compare_tables
from reports.comparison.figures import comparison_drawings, contender_looks, rank_drawings
from reports.figures.quantity import Record
from reports.report.markdown import escaped, table_text
from reports.report.render import embedded, rendered, write_page


def write_comparison(record: Mapping[str, Any], folder: Path) -> Path:
    """Writes ``compare.json``, ``compare.html`` and ``compare.md``; returns the path of the page.

    Raises:
        MissingExtraError: when plotly or jinja2 is not installed.
        OutputFolderError: when the folder cannot be written.
    """
    return write_page(folder, "compare", record, comparison_markdown(record), comparison_page(record))


def comparison_page(record: Record) -> str:
    """Returns the page as HTML that needs nothing from outside.

    Raises:
        MissingExtraError: when plotly or jinja2 is not installed.
    """
    return rendered(
        "compare.html",
        record=record,
        tables=compare_tables,
        plots=comparison_drawings(record),
        rank_plots=rank_drawings(record, contender_looks(record)),
        embedded=embedded,
    )


def _where(setting: Mapping[str, Any]) -> str:
    if setting["live"]:
        return "On real fine-tunes, each with the search's seed and judged by what it measured."
    kind = f" ({escaped(setting['surrogate'])})" if setting.get("surrogate") else ""
    return f"On surrogates{kind} of measured fine-tunes, with their measured noise."


def comparison_markdown(record: Record) -> str:
    """Returns the answer, the sentences and the tables as Markdown."""
    lines = ["# Searchers at equal cost", "", _where(record["setting"]), ""]
    if record["answer"]:
        lines += ["## What should I use?", "", *(f"- {escaped(each)}" for each in record["answer"]), ""]
        lines += ["## Task by task", ""]
        lines += [*(f"- {escaped(sentence)}" for sentence in record["sentences"]), ""]
    for task, entry in record["tasks"].items():
        lines += [f"## {escaped(task)}", ""]
        for table in (
            compare_tables.regret_table(task, entry, record["budgets"]),
            compare_tables.details_table(task, entry),
        ):
            lines += [f"{table.title}:", "", table_text(table), ""]
    if record["ranks"]:
        lines += ["## Ranks", "", table_text(compare_tables.ranks_table(record)), ""]
    if record["optima"]:
        lines += ["## Bits and ranks of what was found", "", table_text(compare_tables.optima_table(record)), ""]
    if record["ablations"]:
        lines += ["## What each stage is worth", "", table_text(compare_tables.ablations_table(record)), ""]
    if record["failed"]:
        lines += ["## Failed", "", table_text(compare_tables.failed_table(record)), ""]
    return "\n".join(lines)
