"""An interactive figure as plain data, and the look that all of them share."""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.figures.quantity import Quantity, has_interval

INK = "#333333"
"""Of text; a page puts its own in its place."""

# Okabe and Ito's palette, safe for the common kinds of colour blindness.
BLUE, VERMILLION, GREEN, PURPLE, SKY, BLACK, GREY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#222222",
    "#9AA0A6",
)

ROLES: dict[str, tuple[str, str, str]] = {
    "front": (VERMILLION, "circle", "front"),
    "random": (GREEN, "diamond", "random"),
    "reference": (PURPLE, "square", "reference"),
}
"""Colour, symbol and word of each role of a validated configuration."""

FONT = '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

_LOG_FROM = 6.0
"""Values that span more than this factor are drawn on a logarithmic axis."""


@dataclass(frozen=True)
class Drawing:
    """One interactive figure.

    Args:
        name: unique in a report; also the element's id.
        alt: what a reader who cannot see it should know.
        data: plotly traces.
        layout: plotly layout.
        height: in pixels.
    """

    name: str
    alt: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]
    height: int


def escaped(text: object) -> str:
    """Returns text that plotly shows as it is: its labels are a small subset of HTML."""
    return html.escape(str(text), quote=False)


def layout(x: Mapping[str, Any], y: Mapping[str, Any], **more: object) -> dict[str, Any]:
    """Returns the shared layout with two axes and further keys."""
    return {
        "template": "none",
        "font": {"family": FONT, "size": 13, "color": INK},
        "margin": {"l": 62, "r": 16, "t": 24, "b": 52},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": "white", "font": {"family": FONT, "size": 12, "color": "#222"}, "align": "left"},
        # On a touch screen a drag must scroll the page, not zoom into the plot.
        "dragmode": False,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 12},
        },
        "xaxis": dict(x),
        "yaxis": dict(y),
        **more,
    }


def axis(title: str, values: Iterable[float | None] = (), **more: object) -> dict[str, Any]:
    """Returns an axis, logarithmic where the values span much.

    Args:
        title: with the unit.
        values: what is drawn along it.
        more: further keys.
    """
    return {
        "title": {"text": escaped(title), "standoff": 8, "font": {"size": 13}},
        "type": "log" if spans_much(values) else "linear",
        "gridcolor": "#ECEEF0",
        "zeroline": False,
        "linecolor": "#8A8F94",
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "#8A8F94",
        "automargin": True,
        **more,
    }


def spans_much(values: Iterable[float | None]) -> bool:
    """Returns whether positive values spread so far that only a logarithmic axis shows all of them."""
    known = [value for value in values if value is not None]
    return bool(known) and min(known) > 0 and max(known) > _LOG_FROM * min(known)


def bars(quantity: Quantity, estimates: Sequence[Mapping[str, Any]], **more: object) -> dict[str, Any]:
    """Returns error bars from the intervals of estimates, in the shown unit; none where an end is not known."""

    def reach(end: str) -> list[float | None]:
        return [
            abs(entry[end] - entry["value"]) / quantity.divisor if has_interval(entry) else None for entry in estimates
        ]

    look = {"thickness": 1.4, "width": 3, **more}
    return {"type": "data", "symmetric": False, "array": reach("high"), "arrayminus": reach("low"), **look}


def rule(along: str, position: float, *, dash: str = "dash", color: str = BLACK) -> dict[str, Any]:
    """Returns a straight line across the plot, as a shape.

    Args:
        along: ``x`` for a vertical line, ``y`` for a horizontal one.
        position: on that axis, in the shown unit.
        dash: style of the line.
        color: of the line.
    """
    across = "y" if along == "x" else "x"
    ends = {f"{along}0": position, f"{along}1": position, f"{across}0": 0, f"{across}1": 1, f"{across}ref": "paper"}
    return {"type": "line", "line": {"color": color, "width": 1.2, "dash": dash}, **ends}


def rule_label(along: str, position: float, text: str, *, log: bool) -> dict[str, Any]:
    """Returns the label of a ``rule``, inside the plot, as an annotation.

    Args:
        along: as for the line.
        position: as for the line.
        text: what the line stands for.
        log: whether that axis is logarithmic.
    """
    # Annotations, unlike shapes, take the logarithm of a position on such an axis.
    place = math.log10(position) if log else position
    look = {"text": escaped(text), "showarrow": False, "font": {"size": 11}, "bgcolor": "rgba(0,0,0,0)"}
    if along == "y":
        return {"y": place, "x": 1, "xref": "paper", "xanchor": "right", "yanchor": "bottom", **look}
    # Along the foot of the line, where it needs a line's height of room only.
    upright = {"textangle": -90, "yanchor": "bottom", "xanchor": "left"}
    return {"x": place, "y": 0, "yref": "paper", "yshift": 4, **upright, **look}


def point_label(
    x: float, y: float, text: str, offset: tuple[float, float], *, log: tuple[bool, bool]
) -> dict[str, Any]:
    """Returns the label of a point as an annotation with a thin line to it.

    Args:
        x: of the point, in the shown unit.
        y: of the point, in the shown unit.
        text: its name.
        offset: of the label's centre from the point, in pixels to the right and up.
        log: whether the axis across and the axis up are logarithmic.
    """
    across, up = (math.log10(value) if is_log else value for value, is_log in zip((x, y), log, strict=True))
    arrow = {"showarrow": True, "arrowhead": 0, "arrowwidth": 1, "arrowcolor": GREY, "standoff": 5}
    font = {"size": 12, "weight": 600}
    place = {"ax": offset[0], "ay": -offset[1], "xanchor": "center", "yanchor": "middle", "borderpad": 0}
    return {"x": across, "y": up, "text": escaped(text), "font": font, **place, **arrow}
