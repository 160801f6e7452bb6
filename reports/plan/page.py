"""The page on a plan, and its picture as a file."""

from pathlib import Path

from perfmodel.errors import UserError
from perfmodel.files.whole_file import write_whole
from reports.figures.print import figure_files
from reports.pages.html import html
from reports.pages.page import Page, Section
from reports.plan.figures import plan_drawing
from reports.plan.record import Answer
from reports.plan.tables import breakdown_table, choices_tables, notes


def save_picture(answer: Answer, path: Path) -> None:
    """Writes the picture of a plan, or its page, by the file's name.

    Args:
        answer: of ``bench plan``.
        path: of the file, ending in .svg, .png or .html.

    Raises:
        MissingExtraError: when matplotlib, plotly or jinja2 is not installed.
        UserError: when the name ends in something else.
        OutputFolderError: when the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".svg", ".png", ".html"):
        raise UserError(f"the picture {path}", "its name ends in .svg, .png or .html", "rename it")
    page = plan_page(answer)
    files = figure_files(page.drawings)
    write_whole(path, html(page, files) if suffix == ".html" else files[f"{page.drawings[0].name}{suffix}"])


def plan_page(answer: Answer) -> Page:
    """Returns the page of a plan: what fits, and where the memory goes.

    Args:
        answer: of ``bench plan``.
    """
    first, *others = notes(answer)
    section = Section(
        "plan",
        "Where the memory goes",
        drawings=(plan_drawing(answer.plan),),
        tables=(breakdown_table(answer), *choices_tables(answer)),
        notes=tuple(others),
    )
    kind = "Quantised LoRA fine-tuning: what fits before any run"
    return Page(f"{answer.model}: what fits", kind, (section,), (first,))
