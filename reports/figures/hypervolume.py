"""How fast each searcher's front grows, beside random search."""

from reports.figures.figure import BLACK, BLUE, GREEN, GREY, PURPLE, SKY, VERMILLION, Drawing, axis, escaped, layout
from reports.figures.quantity import Record

_COLORS = (BLUE, VERMILLION, GREEN, PURPLE, SKY, BLACK)
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "solid")


def hypervolume_drawing(record: Record) -> Drawing | None:
    """Returns the figure, None where no searcher's course is known."""
    searchers = {name: run for name, run in searcher_runs(record).items() if run["values"]}
    largest = largest_hypervolume(record)
    if largest is None:
        return None
    data = []
    others = [name for name in searchers if name != "random"]
    for name, run in sorted(searchers.items(), key=lambda item: item[0] == "random"):
        place = others.index(name) % len(_COLORS) if name != "random" else 0
        look = (GREY, "dash") if name == "random" else (_COLORS[place], _DASHES[place])
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "random search" if name == "random" else escaped(name),
                "meta": escaped(name),
                "x": list(run["evaluations"]),
                "y": [None if value is None else value / largest for value in run["values"]],
                "line": {"color": look[0], "width": 2.2, "dash": look[1], "shape": "hv"},
                "hovertemplate": f"{escaped(name)}: %{{y:.3f}} after %{{x}} evaluations<extra></extra>",
            }
        )
    figure = layout(axis("evaluations on the performance model"), axis("hypervolume, share of the largest"))
    # Without this a lone searcher would stand without its name.
    figure["showlegend"] = True
    alt = f"Line plot of the hypervolume over evaluations for {', '.join(searchers)}."
    return Drawing("hypervolume", alt, data, figure, height=380)


def searcher_runs(record: Record) -> dict[str, dict[str, list[float]]]:
    """Returns the course of each searcher: evaluations and hypervolumes."""
    return dict((record.get("hypervolume") or {}).get("searchers", {}))


def largest_hypervolume(record: Record) -> float | None:
    """Returns the largest hypervolume that any searcher reached, None where that is not above 0."""
    values = [value for run in searcher_runs(record).values() for value in run["values"] if value is not None]
    return max(values) if values and max(values) > 0 else None
