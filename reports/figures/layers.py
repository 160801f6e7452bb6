"""Where bits and ranks went, layer by layer: one row for each configuration, from the smallest memory up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from perfmodel.space.metrics import PEAK
from reports.figures.figure import Drawing, axis, escaped, layout
from reports.figures.quantity import Quantity, Record

MOST_ROWS = 24
"""More rows than this cannot be read."""

_RAMPS = {
    "bits": ("#E6F0FA", "#B7D4EA", "#6AAED6", "#2E7EBC", "#08468B", "#04244A"),
    "ranks": ("#F7F7F5", "#FDE0BC", "#FDC07A", "#F8903A", "#DD5F0B", "#A33C03", "#5E2102"),
}
_WORDS = {"bits": "bits per weight", "ranks": "LoRA rank"}


@dataclass(frozen=True)
class Row:
    """One configuration of the map.

    Args:
        label: its name and pruning rate.
        memory: measured where it is known, else predicted, in bytes; None where neither is.
        configuration: pruning rate, bits and ranks.
    """

    label: str
    memory: float | None
    configuration: Mapping[str, Any]


def layer_rows(record: Record) -> list[Row]:
    """Returns the validated configurations and as many others of the front as fit, by rising memory."""
    rows = [_row(entry, entry["name"]) for entry in record["validation"]]
    validated = [row.configuration for row in rows]
    others = [
        _row(entry, f"predicted {number}")
        for number, entry in enumerate(record["front"], start=1)
        if entry["configuration"] not in validated
    ]
    room = max(0, MOST_ROWS - len(rows))
    step = max(1.0, len(others) / room) if room else 1.0
    rows += [others[int(place * step)] for place in range(min(room, len(others)))]
    return sorted(rows, key=lambda row: (row.memory is None, row.memory or 0.0))


def layers_drawing(rows: Sequence[Row], field: Literal["bits", "ranks"], memory: Quantity) -> Drawing | None:
    """Returns the map of bits or ranks, None without any configuration.

    Args:
        rows: from ``layer_rows``.
        field: what is shown.
        memory: how the memory is printed.
    """
    if not rows:
        return None
    levels = sorted({value for row in rows for value in row.configuration[field]})
    colors = _colors(field, len(levels))
    width = max(len(row.configuration[field]) for row in rows)
    values = [[*row.configuration[field], *[None] * (width - len(row.configuration[field]))] for row in rows]
    heat = {
        "type": "heatmap",
        "z": [[None if value is None else levels.index(value) for value in line] for line in values],
        "text": [["" if value is None else f"{value:g}" for value in line] for line in values],
        "texttemplate": "%{text}",
        "customdata": [[f"{escaped(row.label)}, {memory.with_unit(row.memory)}"] * width for row in rows],
        "hovertemplate": f"%{{customdata}}<br>layer %{{x}}: %{{text}} {_WORDS[field]}<extra></extra>",
        "zmin": -0.5,
        "zmax": len(levels) - 0.5,
        "colorscale": _steps(colors),
        "showscale": False,
        "showlegend": False,
        "xgap": 1,
        "ygap": 2,
    }
    rows_axis: dict[str, Any] = {"tickvals": list(range(len(rows))), "ticktext": [escaped(row.label) for row in rows]}
    plain: dict[str, Any] = {"showgrid": False, "showline": False, "ticks": ""}
    y = axis("", autorange="reversed", tickfont={"size": 11}, **rows_axis, **plain)
    figure = layout(axis("layer", dtick=5, **plain), y)
    figure["margin"] = {"l": 20, "r": 8, "t": 8, "b": 40}
    title = {"text": f"{_WORDS[field]} ", "side": "left", "font": {"size": 12}}
    figure["legend"] |= {"title": title, "itemclick": False, "itemdoubleclick": False}
    alt = (
        f"Map of the {_WORDS[field]} of each of {width} layers in {len(rows)} configurations, ordered by memory; "
        f"values are {', '.join(f'{level:g}' for level in levels)}."
    )
    return Drawing(f"layers-{field}", alt, [heat, *_legend(levels, colors)], figure, height=110 + 22 * len(rows))


def _row(entry: Mapping[str, Any], name: str) -> Row:
    blocks = (entry.get(block, {}).get(PEAK) or {} for block in ("measured", "predicted"))
    known = [block["value"] for block in blocks if block.get("value") is not None]
    configuration = entry["configuration"]
    return Row(f"{name} · {100 * configuration['pruning_rate']:.0f}\u00a0%", known[0] if known else None, configuration)


def _colors(field: str, count: int) -> list[str]:
    ramp = _RAMPS[field]
    return [ramp[round(place * (len(ramp) - 1) / max(1, count - 1))] for place in range(count)]


def _steps(colors: Sequence[str]) -> list[list[Any]]:
    edges = [place / len(colors) for place in range(len(colors) + 1)]
    return [[edge, color] for place, color in enumerate(colors) for edge in edges[place : place + 2]]


def _legend(levels: Sequence[float], colors: Sequence[str]) -> list[dict[str, Any]]:
    # A legend of points that are drawn nowhere: a colour bar would take as much room as four rows.
    look = {"type": "scatter", "mode": "markers", "x": [None], "y": [None], "hoverinfo": "skip", "showlegend": True}
    edge = {"color": "#8A8F94", "width": 1}
    return [
        {**look, "name": f"{level:g}", "marker": {"symbol": "square", "size": 12, "color": color, "line": edge}}
        for level, color in zip(levels, colors, strict=True)
    ]
