"""The figures for print: matplotlib to SVG and PNG, the same bytes for the same record."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from perfmodel.files.optional import needs_extra
from reports.figures.figure import BLACK, BLUE, GREY, ROLES, spans_much
from reports.figures.front import both, front_panels, reference_lines
from reports.figures.prediction import pairs
from reports.figures.quantity import Quantity, Record, has_interval, quantities, quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = {"front": "o", "random": "D", "baseline": "s"}
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#ECEEF0",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "perfmodel",
}


def figure_files(record: Record) -> dict[str, bytes]:
    """Returns each figure's file name and content.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    with needs_extra("report"):
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    known = quantities(record)
    files: dict[str, bytes] = {}
    with rc_context(STYLE):  # type: ignore[arg-type]  # matplotlib lists its keys as literals
        for x_name, y_name in front_panels(record):
            figure = Figure(figsize=(7.2, 4.6), layout="constrained")
            _draw_front(figure, record, known.get(x_name) or quantity(x_name, ()), known[y_name])
            files |= _encoded(f"front-{x_name}", figure)
        measured = [entry for entry in known.values() if pairs(record, entry.name)]
        if measured:
            figure = Figure(figsize=(3.6 * len(measured), 3.8), layout="constrained")
            _draw_predictions(figure, record, measured)
            files |= _encoded("prediction", figure)
    return files


def _encoded(name: str, figure: "Figure") -> dict[str, bytes]:
    files = {}
    # Without a date in the file the same record gives the same bytes.
    for suffix, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
        content = BytesIO()
        figure.savefig(content, format=suffix, dpi=160, metadata=metadata)
        files[f"{name}.{suffix}"] = content.getvalue()
    return files


def _draw_front(figure: "Figure", record: Record, x: Quantity, y: Quantity) -> None:
    axes = figure.subplots()
    _draw_learnt(axes, record, x, y)
    predicted = both(record["front"], "predicted", x, y)
    if predicted:
        costs, qualities = [cost for _, cost, _ in predicted], [quality for _, _, quality in predicted]
        _bars(axes, (x, costs), (y, qualities), color=BLUE, elinewidth=1, alpha=0.35, fmt=".")
        steps: dict[str, Any] = {"where": "post", "color": BLUE, "marker": "o", "markersize": 3.5}
        axes.step(_shown(x, costs), _shown(y, qualities), label="front, predicted", **steps)
    for role, (color, _, word) in ROLES.items():
        runs = both([entry for entry in record["validation"] if entry["role"] == role], "measured", x, y)
        costs, qualities = [cost for _, cost, _ in runs], [quality for _, _, quality in runs]
        if runs:
            look: dict[str, Any] = {"color": color, "capsize": 2, "fmt": _MARKERS[role], "label": f"{word}, measured"}
            _bars(axes, (x, costs), (y, qualities), **look)
        if role == "baseline":
            for (entry, *_), across, up in zip(runs, _shown(x, costs), _shown(y, qualities), strict=True):
                axes.annotate(entry["name"], (across, up), (0, 6), textcoords="offset points", ha="center", fontsize=8)
    for along, position, text in reference_lines(record, x, y):
        line = axes.axvline if along == "x" else axes.axhline
        line(position, color=BLACK, linestyle=":" if along == "x" else "--", linewidth=1, label=text)
    axes.set(xlabel=x.title, ylabel=y.title)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper left", ncols=2, fontsize=8)


def _draw_learnt(axes: "Axes", record: Record, x: Quantity, y: Quantity) -> None:
    learnt = [point["metrics"] for point in record["training_points"] if point["status"] == "ok"]
    learnt = [metrics for metrics in learnt if None not in (metrics.get(x.name), metrics.get(y.name))]
    costs, qualities = ([metrics[q.name] / q.divisor for metrics in learnt] for q in (x, y))
    if learnt:
        axes.scatter(costs, qualities, s=14, color=GREY, alpha=0.6, label="traces learnt from", linewidths=0)
    if spans_much(costs):
        axes.set_xscale("log")
        _plain_numbers(axes.xaxis)
    if spans_much(qualities):
        axes.set_yscale("log")
        _plain_numbers(axes.yaxis)


def _plain_numbers(axis: Any) -> None:
    """Writes 0.6 on a logarithmic axis where matplotlib would write a power of ten."""
    from matplotlib.ticker import FuncFormatter

    shown = FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "12346" else "")
    axis.set_major_formatter(shown)
    axis.set_minor_formatter(shown)


def _draw_predictions(figure: "Figure", record: Record, measured: Sequence[Quantity]) -> None:
    for place, entry in enumerate(measured, start=1):
        axes = figure.add_subplot(1, len(measured), place)
        known = pairs(record, entry.name)
        for role, (color, _, word) in ROLES.items():
            chosen = [item for item in known if item[0]["role"] == role]
            if chosen:
                blocks = (entry, [run for _, _, run in chosen]), (entry, [guess for _, guess, _ in chosen])
                _bars(axes, *blocks, color=color, capsize=2, fmt=_MARKERS[role], label=word)
        values = [estimate["value"] / entry.divisor for _, *estimates in known for estimate in estimates]
        axes.axline((min(values), min(values)), slope=1, color=BLACK, linestyle="--", linewidth=1)
        unit = f" ({entry.unit})" if entry.unit else ""
        axes.set(xlabel=f"measured{unit}", ylabel=f"predicted{unit}")
        axes.set_title(entry.label, loc="left", fontsize=10)
    figure.axes[0].legend(fontsize=8)


def _bars(
    axes: "Axes",
    across: tuple[Quantity, Sequence[Mapping[str, Any]]],
    up: tuple[Quantity, Sequence[Mapping[str, Any]]],
    **look: Any,
) -> None:
    xerr, yerr = _reaches(*across), _reaches(*up)
    axes.errorbar(_shown(*across), _shown(*up), xerr=xerr, yerr=yerr, markersize=5, **look)


def _reaches(q: Quantity, estimates: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    # An interval that is not known has no length: the point stands bare.
    return [
        [abs(entry[end] - entry["value"]) / q.divisor if has_interval(entry) else 0.0 for entry in estimates]
        for end in ("low", "high")
    ]


def _shown(q: Quantity, estimates: Sequence[Mapping[str, Any]]) -> list[float]:
    return [entry["value"] / q.divisor for entry in estimates]
