"""The figures for print: every drawing by matplotlib, as SVG and PNG, the same bytes for the same drawing."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from perfmodel.files.optional import needs_extra
from reports.figures.figure import BLACK, GREY, INK, Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#9AA0A640",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "perfmodel",
}

_SYMBOLS = {
    "circle": "o",
    "circle-open": "o",
    "diamond": "D",
    "square": "s",
    "square-open": "s",
    "triangle-up": "^",
    "cross": "P",
    "x": "X",
    "star": "*",
}
_DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (8, 4))}
_PIXELS = 110
"""Of a drawing's height, to an inch."""


def figure_files(drawings: Iterable[Drawing]) -> dict[str, bytes]:
    """Returns the content of each figure file, ``<name>.svg`` and ``<name>.png``, by its name.

    Args:
        drawings: of a page.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    with needs_extra("report"):
        from matplotlib import rc_context
    files: dict[str, bytes] = {}
    for drawing in drawings:
        with rc_context({**STYLE, "svg.hashsalt": drawing.name}):
            files |= encoded(drawing.name, _drawn(drawing))
    return files


def encoded(name: str, figure: "Figure") -> dict[str, bytes]:
    """Returns a figure of matplotlib as two files by their names."""
    files = {}
    # Without a date in the file the same record gives the same bytes.
    for suffix, metadata, paper in (("svg", {"Date": None}, "none"), ("png", {"Software": None}, "white")):
        content = BytesIO()
        figure.savefig(content, format=suffix, dpi=130, metadata=metadata, facecolor=paper)
        files[f"{name}.{suffix}"] = content.getvalue()
    return files


def _drawn(drawing: Drawing) -> "Figure":
    from matplotlib.figure import Figure

    solid = any(trace["type"] == "scatter3d" for trace in drawing.data)
    figure = Figure(figsize=(7.2 if drawing.height > 400 else 5.4, drawing.height / _PIXELS), layout="constrained")
    axes = figure.add_subplot(projection="3d") if solid else figure.add_subplot()
    if not solid:
        for side in ("x", "y"):
            _scale(axes, side, drawing.layout[f"{side}axis"])
    for trace in drawing.data:
        _DRAW[trace["type"]](axes, trace)
    if not solid:
        _rules(axes, drawing.layout)
        for side in ("x", "y"):
            _ticks(axes, side, drawing.layout[f"{side}axis"])
    if title := drawing.layout.get("title", {}).get("text"):
        axes.set_title(_plain(title), loc="left", fontsize=10)
    if drawing.layout.get("showlegend", True) and axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper left", ncols=4, fontsize=8)
    return figure


def _scale(axes: Any, side: str, axis: Mapping[str, Any]) -> None:
    if axis.get("type") == "log":
        getattr(axes, f"set_{side}scale")("log")
        _plain_numbers(getattr(axes, f"{side}axis"))


def _ticks(axes: Any, side: str, axis: Mapping[str, Any]) -> None:
    getattr(axes, f"set_{side}label")(_plain(axis.get("title", {}).get("text", "")))
    if "tickvals" in axis:
        getattr(axes, f"set_{side}ticks")(axis["tickvals"], [_plain(text) for text in axis["ticktext"]])
    if "range" in axis:
        ends = [10**end for end in axis["range"]] if axis.get("type") == "log" else axis["range"]
        getattr(axes, f"set_{side}lim")(*ends)
    if axis.get("autorange") == "reversed":
        getattr(axes, f"invert_{side}axis")()
    if axis.get("showgrid") is False:
        axes.grid(visible=False, axis=side)


def _plain_numbers(axis: Any) -> None:
    """Writes 0.6 on a logarithmic axis where matplotlib would write a power of ten."""
    from matplotlib.ticker import FuncFormatter

    shown = FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "12346" else "")
    axis.set_major_formatter(shown)
    axis.set_minor_formatter(shown)


def _scatter(axes: Any, trace: Mapping[str, Any]) -> None:
    x, y = list(trace["x"]), list(trace["y"])
    mode, line, marker = trace.get("mode", "lines"), trace.get("line", {}), trace.get("marker", {})
    label = html.unescape(trace["name"]) if trace.get("showlegend", True) and "name" in trace else None
    if trace.get("fill") == "toself":
        axes.fill(x, y, color=trace["fillcolor"], alpha=trace["opacity"], linewidth=0)
        return
    known = [each if each is not None else float("nan") for each in x]
    for along in ("error_x", "error_y"):
        if reach := _reach(trace.get(along), len(x)):
            shown = {"color": trace[along].get("color", BLACK), "elinewidth": trace[along].get("thickness", 1)}
            axes.errorbar(x, y, **{along.replace("error_", "") + "err": reach}, fmt="none", capsize=1.5, **shown)
    if "lines" in mode:
        steps = {"drawstyle": "steps-post"} if line.get("shape") == "hv" else {}
        dash: Any = _DASHES[line.get("dash", "solid")]
        axes.plot(known, y, color=line["color"], linewidth=line.get("width", 1.5), linestyle=dash, label=label, **steps)
        label = None
    if "markers" in mode:
        _markers(axes, x, y, marker, label)


def _markers(axes: Any, x: Sequence[Any], y: Sequence[Any], marker: Mapping[str, Any], label: str | None) -> None:
    symbol, color = marker.get("symbol", "circle"), marker.get("color", BLACK)
    hollow = symbol.endswith("open")
    colors = {"facecolors": "none", "edgecolors": color} if hollow else {"c": color, "linewidths": 0}
    places = [(across, up) for across, up in zip(x, y, strict=True) if across is not None] or [(None, None)]
    across, up = zip(*places, strict=True)
    size, look = (marker.get("size", 6) * 0.75) ** 2, {"alpha": marker.get("opacity", 1.0), "zorder": 3, "label": label}
    axes.scatter(across, up, s=size, marker=_SYMBOLS[symbol], **colors, **look)


def _reach(error: Mapping[str, Any] | None, count: int) -> list[list[float]] | None:
    if error is None:
        return None
    if error["type"] == "constant":
        return [[error["value"]] * count] * 2
    # An interval that is not known has no length: the point stands bare.
    return [[each or 0.0 for each in error[end]] for end in ("arrayminus", "array")]


def _heatmap(axes: Any, trace: Mapping[str, Any]) -> None:
    from matplotlib.colors import ListedColormap

    colors = ListedColormap([color for _, color in trace["colorscale"][::2]])
    values = [[float("nan") if value is None else value for value in line] for line in trace["z"]]
    axes.imshow(values, aspect="auto", cmap=colors, vmin=trace["zmin"], vmax=trace["zmax"], interpolation="nearest")
    axes.set_ylim(-0.5, len(values) - 0.5)
    axes.grid(visible=False)


def _bar(axes: Any, trace: Mapping[str, Any]) -> None:
    """Draws bars to the right, each beginning where those drawn before end."""
    ends: dict[float, float] = {}
    for patch in axes.patches:
        ends[round(patch.get_y() + patch.get_height() / 2, 6)] = patch.get_x() + patch.get_width()
    left = [ends.get(round(place, 6), 0.0) for place in trace["y"]]
    axes.barh(trace["y"], trace["x"], left=left, height=0.62, color=trace["marker"]["color"], label=trace["name"])


def _cloud(axes: Any, trace: Mapping[str, Any]) -> None:
    marker = trace["marker"]
    look = {"color": marker["color"], "marker": _SYMBOLS[marker["symbol"]], "label": html.unescape(trace["name"])}
    axes.scatter(trace["x"], trace["y"], trace["z"], s=marker["size"] ** 2, **look)


def _rules(axes: Any, layout: Mapping[str, Any]) -> None:
    for shape in layout.get("shapes", ()):
        line = axes.axvline if shape.get("yref") == "paper" else axes.axhline
        look = {"color": shape["line"]["color"], "linestyle": _DASHES[shape["line"]["dash"]], "linewidth": 1}
        line(shape["x0"] if shape.get("yref") == "paper" else shape["y0"], **look)
    for note in layout.get("annotations", ()):
        if "xref" in note or "yref" in note:
            _rule_label(axes, layout, note)
        else:
            place = [10 ** note[side] if layout[f"{side}axis"]["type"] == "log" else note[side] for side in ("x", "y")]
            offset = (note.get("ax", 0) * 0.72, -note.get("ay", 0) * 0.72)
            look = {"ha": "center", "va": "center", "fontsize": 8, "fontweight": "bold"}
            line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.8}
            axes.annotate(_plain(note["text"]), place, offset, textcoords="offset points", arrowprops=line, **look)


def _rule_label(axes: Any, layout: Mapping[str, Any], note: Mapping[str, Any]) -> None:
    along = "y" if "xref" in note else "x"
    place = 10 ** note[along] if layout[f"{along}axis"]["type"] == "log" else note[along]
    if along == "y":
        axes.text(1, place, _plain(note["text"]), transform=axes.get_yaxis_transform(), ha="right", va="bottom", size=8)
    else:
        look = {"rotation": 90, "va": "bottom", "size": 8}
        axes.text(place, 0.02, " " + _plain(note["text"]), transform=axes.get_xaxis_transform(), **look)


def _plain(text: str) -> str:
    """Returns a label of plotly's without its marks."""
    return html.unescape(re.sub(r"</?[ib]>", "", text.replace("<br>", "\n"))).strip()


_DRAW = {"scatter": _scatter, "heatmap": _heatmap, "scatter3d": _cloud, "bar": _bar}
