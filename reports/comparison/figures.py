"""The figures of a comparison: regret with bands, attainment surfaces, ranks with the critical difference."""

from collections.abc import Mapping
from typing import Any

from reports.figures.figure import BLACK, BLUE, GREEN, GREY, PURPLE, SKY, VERMILLION, Drawing, axis, escaped, layout
from reports.figures.quantity import Record, quantity

_COLORS = (VERMILLION, BLUE, GREEN, PURPLE, SKY, BLACK)
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")

SPENT = {"over_trainings": "full fine-tunes", "over_seconds": "seconds of fine-tunes"}


def comparison_drawings(record: Record) -> dict[str, dict[str, list[Drawing]]]:
    """Returns the figures of each task, by the section that shows them."""
    looks = contender_looks(record)
    return {
        task: {
            "regret": [regret_drawing(number, task, entry, name, looks) for name in SPENT],
            "attainment": attainment_drawings(number, task, entry, looks),
        }
        for number, (task, entry) in enumerate(record["tasks"].items(), start=1)
    }


def contender_looks(record: Record) -> dict[str, tuple[str, str]]:
    """Returns colour and dash of each contender, the same in every figure; random search is grey."""
    names = dict.fromkeys(name for task in record["tasks"].values() for name in task["contenders"])
    others = [name for name in names if name != "random"]
    looks = {
        name: (_COLORS[place % len(_COLORS)], _DASHES[place // len(_COLORS) % len(_DASHES)])
        for place, name in enumerate(others)
    }
    return {**looks, "random": (GREY, "dash")}


def regret_drawing(
    number: int, task: str, entry: Mapping[str, Any], over: str, looks: Mapping[str, tuple[str, str]]
) -> Drawing:
    """Returns the regret of every contender over what it spent, each with its band.

    Args:
        number: of the task, for the element's id.
        task: its name.
        entry: of the record.
        over: a key of ``SPENT``.
        looks: colour and dash by contender.
    """
    data: list[dict[str, Any]] = []
    for name, found in entry["contenders"].items():
        curve, (color, dash) = found[over], looks[name]
        ends = [(x, low, high) for x, low, high in zip(curve["x"], curve["low"], curve["high"], strict=True)]
        known = [end for end in ends if end[1] is not None]
        if known:
            data.append(
                {
                    "type": "scatter",
                    "x": [x for x, _, _ in known] + [x for x, _, _ in reversed(known)],
                    "y": [low for _, low, _ in known] + [high for _, _, high in reversed(known)],
                    "fill": "toself",
                    "fillcolor": color,
                    "opacity": 0.14,
                    "line": {"width": 0},
                    "hoverinfo": "skip",
                    "showlegend": False,
                    "legendgroup": name,
                }
            )
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": escaped(name),
                "legendgroup": name,
                "x": curve["x"],
                "y": curve["value"],
                "line": {"color": color, "dash": dash, "width": 2},
                "hovertemplate": f"{escaped(name)}: %{{y:.3f}} after %{{x:.4g}}<extra></extra>",
            }
        )
    figure = layout(axis(SPENT[over]), axis("hypervolume missing, share", rangemode="tozero"), showlegend=True)
    alt = f"Hypervolume regret on {task} over {SPENT[over]} of {', '.join(entry['contenders'])}."
    return Drawing(f"{over}-{number}", alt, data, figure, height=420)


def attainment_drawings(
    number: int, task: str, entry: Mapping[str, Any], looks: Mapping[str, tuple[str, str]]
) -> list[Drawing]:
    """Returns the median attainment surfaces with the best known front; none where no contender has one."""
    if not any(found["attainment"] for found in entry["contenders"].values()):
        return []
    if len(entry["objectives"]) == 3:
        return [_attainment_in_space(number, task, entry, looks)]
    surfaces = {name: found["attainment"] for name, found in entry["contenders"].items() if found["attainment"]}
    points = [point for surface in (*surfaces.values(), entry["front"]) for point in surface]
    y, x = (quantity(name, [point[place] for point in points]) for place, name in enumerate(entry["objectives"]))
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": escaped(name),
            "x": [x.shown(point[1]) for point in surface],
            "y": [y.shown(point[0]) for point in surface],
            "line": {"color": looks[name][0], "dash": looks[name][1], "width": 2, "shape": "hv"},
        }
        for name, surface in surfaces.items()
    ]
    best = {"color": BLACK, "width": 1, "dash": "dot", "shape": "hv"}
    front = {"x": [x.shown(point[1]) for point in entry["front"]], "y": [y.shown(point[0]) for point in entry["front"]]}
    data.append({"type": "scatter", "mode": "lines", "name": "best known", "line": best, **front})
    if entry["uniform"]:
        marker = {"color": BLACK, "symbol": "square", "size": 9}
        place = {"x": [x.shown(entry["uniform"][1])], "y": [y.shown(entry["uniform"][0])]}
        data.append({"type": "scatter", "mode": "markers", "name": "uniform 4-bit", "marker": marker, **place})
    alt = f"Median attainment surfaces on {task}: what half of the seeds reached."
    figure = layout(axis(x.title), axis(y.title), showlegend=True)
    return [Drawing(f"attainment-{number}", alt, data, figure, height=440)]


def _attainment_in_space(
    number: int, task: str, entry: Mapping[str, Any], looks: Mapping[str, tuple[str, str]]
) -> Drawing:
    """Returns the corners of the median attainment surfaces of three objectives, to be turned round."""
    surfaces = {name: found["attainment"] for name, found in entry["contenders"].items() if found["attainment"]}
    clouds = {**surfaces, "best known": entry["front"], "uniform 4-bit": [entry["uniform"]] if entry["uniform"] else []}
    points = [point for cloud in clouds.values() for point in cloud]
    # The loss stands upright; the other two lie on the ground.
    z, x, y = (quantity(name, [point[place] for point in points]) for place, name in enumerate(entry["objectives"]))
    data = [
        {
            "type": "scatter3d",
            "mode": "markers",
            "name": escaped(name),
            "x": [x.shown(point[1]) for point in cloud],
            "y": [y.shown(point[2]) for point in cloud],
            "z": [z.shown(point[0]) for point in cloud],
            "marker": {
                "color": looks[name][0] if name in looks else BLACK,
                "size": 3 if name in looks else 4,
                "symbol": "square" if name == "uniform 4-bit" else "circle" if name in looks else "cross",
            },
        }
        for name, cloud in clouds.items()
        if cloud
    ]
    titles = {f"{side}axis": {"title": {"text": escaped(of.title)}} for side, of in (("x", x), ("y", y), ("z", z))}
    alt = f"Median attainment surfaces on {task} in three objectives: what half of the seeds reached."
    figure = layout({}, {}, showlegend=True, scene=titles)
    del figure["xaxis"], figure["yaxis"]
    return Drawing(f"attainment-{number}", alt, data, {**figure, "dragmode": "orbit"}, height=560)


def rank_drawings(record: Record, looks: Mapping[str, tuple[str, str]]) -> list[Drawing]:
    """Returns the mean ranks at each budget; contenders whose bars overlap are not told apart."""
    drawings = []
    for budget, entry in record["ranks"].items():
        ordered = sorted(entry["ranks"].items(), key=lambda item: item[1], reverse=True)
        half = entry["critical_difference"] / 2
        data: list[dict[str, Any]] = [
            {
                "type": "scatter",
                "mode": "markers",
                "x": [rank for _, rank in ordered],
                "y": [escaped(name) for name, _ in ordered],
                "marker": {"size": 10, "color": [looks[name][0] for name, _ in ordered]},
                "error_x": {"type": "constant", "value": half, "thickness": 1.6, "color": GREY},
                "hovertemplate": "%{y}: mean rank %{x:.2f}<extra></extra>",
                "showlegend": False,
            }
        ]
        alt = f"Mean ranks after {budget} full fine-tunes: " + ", ".join(f"{name} {rank:.1f}" for name, rank in ordered)
        title = f"mean rank after {budget} full fine-tunes"
        height = 120 + 26 * len(ordered)
        names = axis("", type="category")
        drawings.append(Drawing(f"ranks-{budget}", alt, data, layout(axis(title), names), height=height))
    return drawings
