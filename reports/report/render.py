"""Writes a report from its record: the record itself, one self-contained page, a Markdown summary and figures."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perfmodel.errors import SchemaVersionError
from perfmodel.files.optional import needs_extra
from perfmodel.files.whole_file import write_whole
from reports.figures.all import drawings
from reports.figures.figure import Drawing
from reports.figures.print import figure_files
from reports.figures.quantity import Record
from reports.report import headings as findings
from reports.report import tables
from reports.report.interval_levels import level_text
from reports.report.markdown import markdown

REPORT_VERSION = 1
"""The newest record schema that this version can draw."""

_TEMPLATES = Path(__file__).parents[1] / "templates"

_PLOTLY_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}


def write_report(record: Mapping[str, Any], folder: Path) -> Path:
    """Writes ``report.json``, ``report.html``, ``report.md`` and ``figures/``; each file appears whole or not at all.

    Args:
        record: the report record; nothing else is read.
        folder: created where it is missing.

    Returns:
        The path of ``report.html``.

    Raises:
        MissingExtraError: when plotly, jinja2 or matplotlib is not installed.
        OutputFolderError: when the folder cannot be written.
        SchemaVersionError: when a newer version made the record.
    """
    if record["version"] > REPORT_VERSION:
        raise SchemaVersionError(
            f"the report record has version {record['version']}",
            f"known are up to {REPORT_VERSION}",
            "upgrade perfmodel to draw it",
        )
    figures = figure_files(record)
    links = [(name.removesuffix(".svg"), f"figures/{name}") for name in figures if name.endswith(".svg")]
    text, html = markdown(record, links), page(record)
    for name, content in figures.items():
        write_whole(folder / "figures" / name, content)
    return write_page(folder, "report", record, text, html)


def write_page(folder: Path, stem: str, record: Record, text: str, html: str) -> Path:
    """Writes a record as JSON, Markdown and page; each file appears whole or not at all.

    Args:
        folder: created where it is missing.
        stem: of the three names.
        record: plain values.
        text: Markdown.
        html: the page.

    Returns:
        The path of the page.

    Raises:
        OutputFolderError: when the folder cannot be written.
    """
    values = json.dumps(record, allow_nan=False, ensure_ascii=False, indent=1)
    for ending, content in (("json", values), ("md", text), ("html", html)):
        write_whole(folder / f"{stem}.{ending}", content)
    return folder / f"{stem}.html"


def page(record: Record) -> str:
    """Returns the page as HTML that needs nothing from outside.

    Raises:
        MissingExtraError: when plotly or jinja2 is not installed.
    """
    return rendered(
        "report.html",
        record=record,
        findings=findings,
        tables=tables,
        level=lambda kind: level_text(record, kind),
        plots=drawings(record),
        embedded=embedded,
    )


def rendered(template: str, **values: Any) -> str:
    """Returns a template of ours as HTML that needs nothing from outside; it finds plotly's source in ``plotly_js``.

    Args:
        template: file in the folder of templates.
        values: that it names.

    Raises:
        MissingExtraError: when plotly or jinja2 is not installed.
    """
    with needs_extra("report"):
        import jinja2
        from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values, plotly_js=get_plotlyjs())


def embedded(drawing: Drawing) -> str:
    """Returns the element and script of one figure, without the library.

    Raises:
        MissingExtraError: when plotly is not installed.
    """
    with needs_extra("report"):
        from plotly.graph_objects import Figure

    html: str = Figure({"data": drawing.data, "layout": {**drawing.layout, "height": drawing.height}}).to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=drawing.name,
        default_width="100%",
        default_height=f"{drawing.height}px",
        config=_PLOTLY_CONFIG,
    )
    return html
