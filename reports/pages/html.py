"""A page as HTML that needs nothing from outside and is whole without JavaScript.

Every figure is there twice: as a picture (SVG), which is what print and a browser without JavaScript show, and as
plain data that plotly draws in its place. Plotly's source is packed, so that a page stays below 5 MB.
"""

import base64
import gzip
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from perfmodel.files.optional import needs_extra
from reports.figures.figure import BLACK, INK, Drawing
from reports.pages.glossary import Terms, glossary
from reports.pages.page import Page

_TEMPLATES = Path(__file__).parent / "templates"

_PLOTLY_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}


def html(page: Page, figures: Mapping[str, bytes]) -> str:
    """Returns a page as HTML.

    Args:
        page: what it shows.
        figures: content of each figure file by its name; the SVG of every drawing must be among them.

    Raises:
        MissingExtraError: when plotly or jinja2 is not installed.
    """
    with needs_extra("report"):
        import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pictures = {each.name: _inline(figures[f"{each.name}.svg"].decode()) for each in page.drawings}
    return environment.get_template("page.html").render(
        page=page,
        pictures=pictures,
        script_data=_script_data,
        explained=Terms(glossary()).marked,
        plotly=packed_plotly() if page.drawings else "",
        config=_json(_PLOTLY_CONFIG),
    )


@cache
def packed_plotly() -> str:
    """Returns plotly's source, compressed, as base64 text.

    Raises:
        MissingExtraError: when plotly is not installed.
    """
    with needs_extra("report"):
        from plotly.offline import get_plotlyjs
    # Without a time in the file the same source gives the same text.
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def _script_data(drawing: Drawing) -> str:
    layout = {**drawing.layout, "height": drawing.height}
    return _json({"data": drawing.data, "layout": layout})


def _json(values: object) -> str:
    # In a script element nothing but these characters could end it.
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _inline(svg: str) -> str:
    """Returns a picture as an element of the page: without a prologue and names of groups, its ink as the page's."""
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'<g id="[^"]*"', "<g", element)
    element = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 aria-hidden="true"', element, count=1)
    return re.sub(f"{INK}|{BLACK}", "var(--ink)", element, flags=re.IGNORECASE)
