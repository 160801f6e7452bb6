"""Predicted against measured, on configurations that no model saw: one small square for each metric."""

import math
from collections.abc import Mapping
from typing import Any

from reports.figures.figure import BLACK, ROLES, Drawing, axis, bars, escaped, layout, spans_much
from reports.figures.quantity import Quantity, Record, has_interval

Pair = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]
"""A validated configuration with the predicted and the measured estimate of one metric."""


def pairs(record: Record, metric: str) -> list[Pair]:
    """Returns the validated configurations of which both sides of a metric are known."""
    found = []
    for entry in record["validation"]:
        predicted, measured = entry["predicted"].get(metric), entry["measured"].get(metric)
        if predicted and measured and predicted["value"] is not None and measured["value"] is not None:
            found.append((entry, predicted, measured))
    return found


def prediction_drawing(record: Record, quantity: Quantity) -> Drawing | None:
    """Returns the figure of one metric, None where no real run measured it."""
    known = pairs(record, quantity.name)
    if not known:
        return None
    ends = _ends(known, quantity)
    low, high = _padded(min(ends), max(ends))
    diagonal = {
        "type": "scatter",
        "mode": "lines",
        "name": "equal",
        "meta": "diagonal",
        "x": [low, high],
        "y": [low, high],
        "line": {"color": BLACK, "width": 1, "dash": "dash"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    data = [
        diagonal,
        *(_points(known, role, quantity) for role in ROLES if any(e["role"] == role for e, _, _ in known)),
    ]
    unit = f" ({quantity.unit})" if quantity.unit else ""
    same: dict[str, Any] = {"range": _axis_range(low, high, ends), "nticks": 6}
    figure = layout(
        axis(f"measured{unit}", ends, **same), axis(f"predicted{unit}", ends, **same), title=_title(quantity)
    )
    figure["margin"]["t"] = 64
    alt = (
        f"{quantity.label}, predicted against measured, for {len(known)} configurations; points on "
        "the dashed diagonal were predicted exactly."
    )
    return Drawing(f"prediction-{quantity.name}", alt, data, figure, height=400)


def _points(known: list[Pair], role: str, quantity: Quantity) -> dict[str, Any]:
    color, symbol, word = ROLES[role]
    chosen = [item for item in known if item[0]["role"] == role]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": word,
        "ids": [entry["name"] for entry, _, _ in chosen],
        "meta": "points",
        "x": [quantity.shown(measured["value"]) for _, _, measured in chosen],
        "y": [quantity.shown(predicted["value"]) for _, predicted, _ in chosen],
        "error_x": bars(quantity, [measured for _, _, measured in chosen], color=color, thickness=1),
        "error_y": bars(quantity, [predicted for _, predicted, _ in chosen], color=color),
        "marker": {"color": color, "size": 9, "symbol": symbol, "line": {"color": "white", "width": 1}},
        "text": [
            f"<b>{escaped(entry['name'])}</b><br>predicted {quantity.interval_text(predicted)}"
            f"<br>measured {quantity.interval_text(measured)}"
            for entry, predicted, measured in chosen
        ],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _ends(known: list[Pair], quantity: Quantity) -> list[float]:
    values = []
    for _, *estimates in known:
        for estimate in estimates:
            values.append(estimate["value"])
            if has_interval(estimate):
                values += [estimate["low"], estimate["high"]]
    return [value / quantity.divisor for value in values]


def _padded(low: float, high: float) -> tuple[float, float]:
    if spans_much((low, high)):
        return low / 1.1, high * 1.1
    margin = 0.04 * (high - low) or 0.05 * abs(high) or 0.05
    return low - margin, high + margin


def _axis_range(low: float, high: float, drawn: list[float]) -> list[float]:
    return [math.log10(low), math.log10(high)] if spans_much(drawn) else [low, high]


def _title(quantity: Quantity) -> dict[str, Any]:
    return {"text": escaped(quantity.label), "x": 0.0, "xref": "container", "y": 0.98, "font": {"size": 14}}
