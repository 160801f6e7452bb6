"""The figures of the page on a fit: learning curves, calibration, transfer."""

from collections.abc import Mapping, Sequence
from typing import Any

from perfmodel.evaluation.scores import QUANTILES
from reports.figures.figure import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    SKY,
    VERMILLION,
    Drawing,
    axis,
    escaped,
    layout,
    rule,
)
from reports.figures.quantity import has_interval
from reports.fit.tables import label

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, SKY, BLACK)
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")


def fit_drawings(entry: Mapping[str, Any]) -> list[Drawing]:
    """Returns the figures of one metric; one without data is left out."""
    found = [_curve(entry), _calibration(entry), _transfer(entry)]
    return [drawing for drawing in found if drawing.data]


def _curve(entry: Mapping[str, Any]) -> Drawing:
    names = [name for name in dict.fromkeys(point["surrogate"] for point in entry["curve"]) if name != "constant"]
    data = []
    for place, name in enumerate(names):
        points = [p for p in entry["curve"] if p["surrogate"] == name and p["r2"]["value"] is not None]
        data.append(_line(name, place, [p["traces"] for p in points], [p["r2"] for p in points]))
    shapes = [rule("y", 0.0, dash="dot", color=GREY)]
    best = entry["ceiling"]["r2"]["value"] if entry["ceiling"] else None
    if best is not None:
        shapes.append(rule("y", best))
    figure = layout(axis("traces that train"), axis("R²"), shapes=shapes, title=_title("Learning curve"))
    figure["margin"]["t"] = 64
    text = f"R² of {label(entry['metric'])} against the traces that train; dashed is the noise ceiling, dotted is 0."
    return Drawing(f"curve-{entry['metric']}", text, data, figure, height=380)


def _calibration(entry: Mapping[str, Any]) -> Drawing:
    lines = [line for line in entry["lines"] if line["split"] == "configuration"]
    data = [_line(line["surrogate"], place, QUANTILES, line["calibration"]) for place, line in enumerate(lines)]
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
        "line": {"color": BLACK, "width": 1, "dash": "dash"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    same = {"range": [0, 1]}
    figure = layout(axis("predicted quantile", **same), axis("share below it", **same), title=_title("Calibration"))
    figure["margin"]["t"] = 64
    text = (
        f"How often {label(entry['metric'])} lies below each predicted quantile; the dashed line is as often as said."
    )
    return Drawing(f"calibration-{entry['metric']}", text, [diagonal, *data] if data else [], figure, height=380)


def _transfer(entry: Mapping[str, Any]) -> Drawing:
    data = []
    for place, name in enumerate(dict.fromkeys(point["surrogate"] for point in entry["transfer"])):
        for start, dash in (("other tasks", "solid"), ("scratch", "dash"), ("step 0 measured", "dot")):
            points = [
                p for p in (*entry["transfer"], *entry["starts"]) if p["surrogate"] == name and p["start"] == start
            ]
            traces = [p["traces"] for p in points]
            drawn = _line(f"{name} from {start}", place, traces, [p["link_rmse"] for p in points])
            data.append({**drawn, "line": {**drawn["line"], "dash": dash}})
    figure = layout(axis("traces of this task"), axis("error on the modelled scale"), title=_title("Transfer"))
    figure["margin"]["t"] = 84
    text = f"Error of {label(entry['metric'])} against the traces of this task, from other tasks and from scratch."
    return Drawing(f"transfer-{entry['metric']}", text, [trace for trace in data if trace["x"]], figure, height=400)


def _line(name: str, place: int, x: Sequence[float], estimates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    colour = _COLOURS[place % len(_COLOURS)]

    def reach(end: str) -> list[float | None]:
        return [abs(each[end] - each["value"]) if has_interval(each) else None for each in estimates]

    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": escaped(name),
        "x": list(x),
        "y": [each["value"] for each in estimates],
        "line": {"color": colour, "width": 1.6},
        "marker": {"color": colour, "size": 7, "symbol": _SYMBOLS[place % len(_SYMBOLS)]},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": reach("high"),
            "arrayminus": reach("low"),
            "thickness": 1,
            "width": 3,
            "color": colour,
        },
    }


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "x": 0.0, "xref": "container", "y": 0.98, "font": {"size": 14}}
