"""The predicted front beside what real runs measured, with the traces that were learnt from and the baselines."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from perfmodel.space.metrics import ACCURACY, LOSS, PEAK
from reports.figures.figure import (
    BLUE,
    GREY,
    ROLES,
    Drawing,
    axis,
    bars,
    escaped,
    layout,
    point_label,
    rule,
    rule_label,
    spans_much,
)
from reports.figures.labels import offsets
from reports.figures.quantity import Quantity, Record
from reports.figures.words import described

HEIGHT = 500
"""Of a panel, in pixels."""

_BLIND = {LOSS: "loss", ACCURACY: ACCURACY}
"""Which question-blind score belongs to which metric."""

_LEARNT = {"plan": ("traces learnt from", "circle"), "baseline": ("uniform traces", "square-open")}
"""Name and symbol of traces that the models learnt from: uniform baselines and all others."""


def front_panels(record: Record) -> list[tuple[str, str]]:
    """Returns the (x, y) metrics of each panel: every cost objective against the first objective."""
    first, *others = record["objectives"]
    return [(name, first) for name in others or [PEAK] if name != first]


def front_drawing(record: Record, x: Quantity, y: Quantity) -> Drawing:
    """Returns one panel of the front.

    Args:
        record: the report's.
        x: the cost.
        y: the quality.
    """
    data = [trace for trace in _traces(record, x, y) if trace["x"]]
    frame = _frame(record, x, y)
    figure = layout(axis(x.title, **_ends(frame[0])), axis(y.title, **_ends(frame[1])))
    # Wide enough for the longest entry, and two of them side by side fit on a phone.
    figure["legend"]["entrywidth"] = 130
    _add_rules(figure, record, x, y)
    figure["annotations"] += _labels(record, x, y, frame)
    measured = sum(len(trace["x"]) for trace in data if trace["meta"] == "measured")
    alt = (
        f"Scatter plot of {y.label.lower()} against {x.label.lower()}: a predicted front of "
        f"{len(both(record['front'], 'predicted', x, y))} configurations with intervals, and {measured} configurations "
        "measured by real fine-tunes. The numbers are in the table of validated configurations."
    )
    return Drawing(f"front-{x.name}", alt, data, figure, height=HEIGHT)


def _frame(record: Record, x: Quantity, y: Quantity) -> list[tuple[float, float]]:
    """Returns where each axis ends, in the shown unit: at what was run, what was predicted to be worth it, and lines.

    Traces that were learnt from may lie far away; they would leave a quarter of the height for what matters.
    """
    points = [pair for block in ("predicted", "measured") for _, *pair in both(record["validation"], block, x, y)]
    points = points or [pair for _, *pair in both(record["front"], "predicted", x, y)]
    lines = reference_lines(record, x, y)
    frame = []
    for place, (side, quantity) in enumerate((("x", x), ("y", y))):
        values = [pair[place]["value"] / quantity.divisor for pair in points]
        values += [position for along, position, _ in lines if along == side]
        low, high = min(values, default=0.0), max(values, default=1.0)
        if spans_much((low, high)):
            frame.append((low / 1.15, high * 1.15))
            continue
        margin = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
        frame.append((low - margin, high + margin))
    return frame


def _ends(ends: tuple[float, float]) -> dict[str, Any]:
    if spans_much(ends):
        return {"type": "log", "range": [math.log10(end) for end in ends]}
    return {"range": list(ends)}


def _labels(record: Record, x: Quantity, y: Quantity, frame: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """Returns the names of the points of the front that were run, and of the references."""
    points = both(record["validation"], "measured", x, y)
    places = [(x.shown(cost["value"]) or 0.0, y.shown(quality["value"]) or 0.0) for _, cost, quality in points]
    shares = [(_share(across, frame[0]), _share(up, frame[1])) for across, up in places]
    named = [place for place, (entry, *_) in enumerate(points) if entry["role"] != "random"]
    front = both(record["front"], "predicted", x, y)
    others = [(_share(c["value"] / x.divisor, frame[0]), _share(q["value"] / y.divisor, frame[1])) for _, c, q in front]
    lines = [(along, _share(place, frame[along == "y"]), text) for along, place, text in reference_lines(record, x, y)]
    found = offsets([(*shares[n], points[n][0]["name"]) for n in named], [*shares, *others], lines)
    log = spans_much(frame[0]), spans_much(frame[1])
    return [
        point_label(*places[n], points[n][0]["name"], offset, log=log) for n, offset in zip(named, found, strict=True)
    ]


def _share(value: float, ends: tuple[float, float]) -> float:
    if spans_much(ends):
        return math.log(value / ends[0]) / math.log(ends[1] / ends[0])
    return (value - ends[0]) / (ends[1] - ends[0])


def both(
    entries: Sequence[Mapping[str, Any]], block: str, x: Quantity, y: Quantity
) -> list[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]]:
    """Returns the entries in which both metrics are known, each with its two estimates, by rising x.

    Args:
        entries: of the front or the validation.
        block: ``predicted`` or ``measured``.
        x: the one metric.
        y: the other.
    """
    known = []
    for entry in entries:
        estimates = entry.get(block, {})
        first, second = estimates.get(x.name), estimates.get(y.name)
        if first and second and first["value"] is not None and second["value"] is not None:
            known.append((entry, first, second))
    return sorted(known, key=lambda item: float(item[1]["value"]))


def _traces(record: Record, x: Quantity, y: Quantity) -> list[dict[str, Any]]:
    learnt = [_learnt(record, source, x, y) for source in _LEARNT]
    measured = [_measured(record, role, x, y) for role in ROLES]
    return [*learnt, _front(record, x, y), _outside(record, x, y), _links(record, x, y), *measured]


def _learnt(record: Record, source: str, x: Quantity, y: Quantity) -> dict[str, Any]:
    points = [point for point in record["training_points"] if point["status"] == "ok"]
    points = [point for point in points if (point["source"] == "baseline") == (source == "baseline")]
    points = [point for point in points if None not in (point["metrics"].get(x.name), point["metrics"].get(y.name))]
    name, symbol = _LEARNT[source]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "meta": source,
        "x": [x.shown(point["metrics"][x.name]) for point in points],
        "y": [y.shown(point["metrics"][y.name]) for point in points],
        "marker": {"color": GREY, "size": 6 if source == "plan" else 8, "opacity": 0.6, "symbol": symbol},
        "text": [
            f"{escaped(point.get('name') or 'trace')}: {point['mean_bits']:.3g} bits, rank {point['mean_rank']:.3g}, "
            f"pruned {point['pruning_rate']:g}<br>seed {point['seed']}"
            for point in points
        ],
        "hovertemplate": "%{text}<br>%{x}, %{y}<extra></extra>",
    }


def _front(record: Record, x: Quantity, y: Quantity) -> dict[str, Any]:
    points = both(record["front"], "predicted", x, y)
    light = {"color": f"{BLUE}59", "width": 0, "thickness": 2}
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "front, predicted",
        "meta": "predicted",
        "x": [x.shown(cost["value"]) for _, cost, _ in points],
        "y": [y.shown(quality["value"]) for _, _, quality in points],
        "error_x": bars(x, [cost for _, cost, _ in points], **light),
        "error_y": bars(y, [quality for _, _, quality in points], **light),
        # The best that can be had at a cost is the last point that is no dearer: a staircase.
        "line": {"color": BLUE, "width": 1.6, "shape": "hv"},
        "marker": {"color": BLUE, "size": 6},
        "text": [_hover("predicted", entry, (x, cost), (y, quality)) for entry, cost, quality in points],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _outside(record: Record, x: Quantity, y: Quantity) -> dict[str, Any]:
    points = [item for item in both(record["front"], "predicted", x, y) if item[0].get("outside_domain")]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "outside what was learnt from",
        "meta": "outside",
        "showlegend": False,
        "x": [x.shown(cost["value"]) for _, cost, _ in points],
        "y": [y.shown(quality["value"]) for _, _, quality in points],
        "marker": {"color": BLUE, "size": 12, "symbol": "circle-open", "line": {"width": 1.2}},
        "hoverinfo": "skip",
    }


def _links(record: Record, x: Quantity, y: Quantity) -> dict[str, Any]:
    predicted = {id(entry): pair for entry, *pair in both(record["validation"], "predicted", x, y)}
    xs: list[float | None] = []
    ys: list[float | None] = []
    for entry, cost, quality in both(record["validation"], "measured", x, y):
        if entry["role"] == "front" and id(entry) in predicted:
            before = predicted[id(entry)]
            xs += [x.shown(before[0]["value"]), x.shown(cost["value"]), None]
            ys += [y.shown(before[1]["value"]), y.shown(quality["value"]), None]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "from prediction to measurement",
        "meta": "links",
        "showlegend": False,
        "x": xs,
        "y": ys,
        "line": {"color": "#555", "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _measured(record: Record, role: str, x: Quantity, y: Quantity) -> dict[str, Any]:
    color, symbol, word = ROLES[role]
    points = both([entry for entry in record["validation"] if entry["role"] == role], "measured", x, y)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{word}, measured",
        "meta": "measured",
        "x": [x.shown(cost["value"]) for _, cost, _ in points],
        "y": [y.shown(quality["value"]) for _, _, quality in points],
        "error_x": bars(x, [cost for _, cost, _ in points], color=color),
        "error_y": bars(y, [quality for _, _, quality in points], color=color),
        "marker": {"color": color, "size": 10, "symbol": symbol, "line": {"color": "white", "width": 1}},
        "ids": [entry["name"] for entry, _, _ in points],
        "customdata": [_hover("measured", entry, (x, cost), (y, quality)) for entry, cost, quality in points],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _hover(word: str, entry: Mapping[str, Any], *blocks: tuple[Quantity, Mapping[str, Any]]) -> str:
    name = escaped(entry.get("name") or entry["id"])
    lines = (f"{q.label}: {q.interval_text(estimate)} {q.unit}" for q, estimate in reversed(blocks))
    return f"<b>{name}</b> ({word})<br>{'<br>'.join(lines)}<br>{escaped(described(entry['configuration']))}"


def reference_lines(record: Record, x: Quantity, y: Quantity) -> list[tuple[str, float, str]]:
    """Returns the lines of a panel: along which axis, where in the shown unit, and what they stand for."""
    lines = []
    blind = y.shown(record.get("question_blind", {}).get(_BLIND.get(y.name, "")))
    if blind is not None:
        lines.append(("y", blind, f"best answer without the question: {blind:.{y.decimals}f}"))
    for along, quantity in (("x", x), ("y", y)):
        limit = quantity.shown(record.get("budget", {}).get(quantity.name))
        if limit is not None:
            lines.append((along, limit, f"budget {limit:.{quantity.decimals}f} {quantity.unit}"))
    return lines


def _add_rules(figure: dict[str, Any], record: Record, x: Quantity, y: Quantity) -> None:
    lines = reference_lines(record, x, y)
    figure["shapes"] = [rule(along, place, dash="dot" if along == "x" else "dash") for along, place, _ in lines]
    figure["annotations"] = [
        rule_label(along, place, text, log=figure[f"{along}axis"]["type"] == "log")
        for along, place, text in lines
        if place > 0 or figure[f"{along}axis"]["type"] != "log"
    ]
