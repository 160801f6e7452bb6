"""Writes a record and its page: JSON, HTML, Markdown and figures, each file whole or not at all."""

import json
from pathlib import Path

from perfmodel.files.whole_file import write_whole
from reports.figures.print import figure_files
from reports.figures.quantity import Record
from reports.pages.html import html
from reports.pages.markdown import markdown
from reports.pages.page import Page


def write_page(folder: Path, stem: str, record: Record, page: Page) -> Path:
    """Returns the path of the page that was written, ``<stem>.html``; the rest lies beside it.

    Args:
        folder: created where it is missing; the figures go to ``figures`` in it.
        stem: of the names of the page, the record and the Markdown.
        record: plain values that the page was built from.
        page: what is written.

    Raises:
        MissingExtraError: when plotly, jinja2 or matplotlib is not installed.
        OutputFolderError: when the folder cannot be written.
    """
    figures = figure_files(page.drawings)
    text, values = markdown(page), json.dumps(record, allow_nan=False, ensure_ascii=False, indent=1)
    shown = html(page, figures)
    for name, content in figures.items():
        write_whole(folder / "figures" / name, content)
    for ending, whole in (("json", values), ("md", text), ("html", shown)):
        write_whole(folder / f"{stem}.{ending}", whole)
    return folder / f"{stem}.html"
