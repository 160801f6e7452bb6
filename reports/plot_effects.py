"""Which axes matter: what going from an axis' lowest to its highest value changes, in units of the seed noise."""

import math
from typing import Any

from reports.drawing import BLACK, BLUE, GREY, VERMILLION, Drawing, axis, layout, rule
from reports.quantity import Record, estimate_text, has_interval

AXIS_LABELS = {"pruning_rate": "Pruning rate", "bits": "Bits", "rank": "LoRA rank"}

_COLORS = {"matters": VERMILLION, "no effect seen": BLUE, "undecided": "#6B7075"}
_TICKS = (0, 1, 3, 10, 30, 100, 300, 1000)


def effects_drawing(record: Record) -> Drawing | None:
    """Returns the figure, None where no axis' ratio is known.

    The ratio is signed and spans decades, so positions are asinh(ratio): logarithmic far from 0, linear through it.
    """
    effects = record.get("effects")
    axes = [entry for entry in effects["axes"] if entry["ratio"]["value"] is not None] if effects else []
    if not axes:
        return None
    largest = max(abs(end) for entry in axes for end in entry["ratio"].values() if end is not None)
    ticks = [tick for tick in _TICKS if tick <= 1.5 * max(largest, 3)]
    signed = [-tick for tick in ticks[:0:-1]] + ticks
    x = axis(
        "change of the loss, in seed deviations" if effects["metric"] == "held_out_loss" else "change, in seed deviations",
        tickvals=[math.asinh(tick) for tick in signed],
        ticktext=[f"{tick:+d}" if tick else "0" for tick in signed],
    )
    names = [f"{AXIS_LABELS.get(entry['axis'], entry['axis'])}<br><i>{entry['verdict']}</i>" for entry in axes]
    y = axis("", autorange="reversed", tickvals=list(range(len(axes))), ticktext=names, showgrid=False, ticks="")
    figure = layout(x, y, shapes=_limits(), showlegend=False)
    figure["yaxis"]["range"] = None
    words = "; ".join(f"{entry['axis']}: {estimate_text(entry['ratio'], 1)}, {entry['verdict']}" for entry in axes)
    alt = f"Effect of each axis in seed deviations, with intervals: {words}."
    return Drawing("effects", alt, [_points(axes)], figure, height=130 + 64 * len(axes))


def _points(axes: list[dict[str, Any]]) -> dict[str, Any]:
    positions = [{key: _position(end) for key, end in entry["ratio"].items()} for entry in axes]

    def reach(end: str) -> list[float | None]:
        return [abs(p[end] - p["value"]) if has_interval(p) else None for p in positions]  # type: ignore[operator]  # known

    return {
        "type": "scatter",
        "mode": "markers",
        "x": [position["value"] for position in positions],
        "y": list(range(len(axes))),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": reach("high"),
            "arrayminus": reach("low"),
            "thickness": 2,
            "width": 5,
            "color": "#555",
        },
        "marker": {"size": 12, "color": [_COLORS.get(entry["verdict"], GREY) for entry in axes]},
        "text": [f"{entry['axis']}: {estimate_text(entry['ratio'], 1)} seed deviations" for entry in axes],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _position(ratio: float | None) -> float | None:
    return None if ratio is None else math.asinh(ratio)


def _limits() -> list[dict[str, Any]]:
    rules = []
    for limit, dash, color in ((1, "dot", GREY), (3, "dash", BLACK)):
        for sign in (-1, 1):
            line = rule("x", math.asinh(sign * limit), "", dash=dash, color=color)
            rules.append({key: value for key, value in line.items() if key != "label"})
    return rules
