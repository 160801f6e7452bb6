"""Which axes matter: what going from an axis' lowest to its highest value changes, in units of the seed noise."""

import math
from typing import Any

from perfmodel.space.metrics import METRICS
from reports.figures.figure import BLACK, BLUE, GREY, VERMILLION, Drawing, axis, layout, rule
from reports.figures.quantity import Record, estimate_text, has_interval

AXIS_LABELS = {"pruning_rate": "More pruning", "bits": "Fewer bits", "rank": "Higher LoRA rank"}
"""The direction in which ``perfmodel.effects.axis_effects`` takes each change; the bits' axis there is the quantisation
error."""

_COLORS = {"matters": VERMILLION, "no effect seen": BLUE, "undecided": "#6B7075"}
_TICKS = (0, 1, 3, 10, 30, 100, 300, 1000, 10000)


def effects_drawing(record: Record) -> Drawing | None:
    """Returns the figure, None where no axis' ratio is known.

    The ratio is signed and spans decades, so positions are asinh(ratio): logarithmic far from 0, linear through it.
    """
    effects = record.get("effects")
    if not effects:
        return None
    axes = [entry for entry in effects["axes"] if entry["ratio"]["value"] is not None]
    if not axes:
        return None
    ends = [end for entry in axes for end in entry["ratio"].values() if end is not None]
    low, high = 1.4 * min(-3.0, *ends), 1.4 * max(3.0, *ends)
    ticks = [tick for tick in (*(-tick for tick in _TICKS[:0:-1]), *_TICKS) if low < tick < high]
    x = axis(
        f"change of {label_of(effects['metric'])}, in seed deviations",
        range=[math.asinh(low), math.asinh(high)],
        showgrid=False,
        zeroline=True,
        zerolinecolor="#C4C9CE",
        tickvals=[math.asinh(tick) for tick in ticks],
        ticktext=[f"{tick:+d}" if tick else "0" for tick in ticks],
    )
    names = [f"{AXIS_LABELS.get(entry['axis'], entry['axis'])}<br><i>{entry['verdict']}</i>" for entry in axes]
    rows: dict[str, Any] = {"range": [len(axes) - 0.5, -0.5], "tickvals": list(range(len(axes))), "ticktext": names}
    figure = layout(x, axis("", **rows, showgrid=False, ticks=""), shapes=_limits(), showlegend=False)
    words = "; ".join(f"{entry['axis']}: {estimate_text(entry['ratio'], 1)}, {entry['verdict']}" for entry in axes)
    alt = f"Effect of each axis in seed deviations, with intervals: {words}."
    return Drawing("effects", alt, [_points(axes)], figure, height=110 + 56 * len(axes))


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


def label_of(metric: str) -> str:
    """Returns a metric's name inside a sentence."""
    return METRICS[metric].label.lower() if metric in METRICS else metric


def _limits() -> list[dict[str, Any]]:
    looks = ((1, "dot", GREY), (3, "dash", BLACK))
    return [
        rule("x", math.asinh(sign * limit), dash=dash, color=color) for limit, dash, color in looks for sign in (-1, 1)
    ]
