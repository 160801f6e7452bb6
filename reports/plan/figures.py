"""The breakdown of a plan's choices as stacked bars beside the budget."""

from collections.abc import Sequence
from typing import Any

from perfmodel.planner.question import Choice, Plan
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
    layout,
    rule,
    rule_label,
)
from reports.plan.sentence import named
from reports.plan.tables import title_of

GIB = 2**30

GROUPS = {
    "weights": ("#08468B", ("weights", "quantization_metadata")),
    "embeddings and norms": (BLUE, ("embeddings", "norms")),
    "adapters and optimiser": (GREEN, ("adapters", "gradients", "optimizer")),
    "saved activations": (VERMILLION, ("saved_activations", "attention")),
    "logits and loss": ("#E69F00", ("logits_and_loss",)),
    "working buffers": (PURPLE, ("dequantization", "working")),
    "libraries and allocator": (SKY, ("library_workspace", "allocator_rounding", "reserved_slack")),
    "device context": (GREY, ("device_context",)),
}
"""Colour and terms of each part of a bar; terms that no group names are parts of their own."""


def plan_drawing(plan: Plan) -> Drawing:
    """Returns the bars of a plan's choices, the best on top; of the smallest candidate where none fits.

    Args:
        plan: with its budget.
    """
    choices, budget = plan.choices or (plan.smallest,), plan.question.budget_bytes / GIB
    names, places = [named(choice) for choice in choices], list(range(len(choices)))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": label,
            "x": [size / GIB for size in sizes],
            "y": places,
            "marker": {"color": color},
            "hovertemplate": f"{label}: %{{x:.2f}} GiB<extra></extra>",
        }
        for label, color, sizes in parts(choices)
    ]
    ends = [(choice.low / GIB, choice.peak_bytes / GIB, choice.high / GIB) for choice in choices]
    interval = {
        "type": "data",
        "symmetric": False,
        "arrayminus": [max(0.0, peak - low) for low, peak, _ in ends],
        "array": [max(0.0, high - peak) for _, peak, high in ends],
        "color": BLACK,
        "thickness": 1,
    }
    hidden: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "marker": {"color": BLACK, "size": 2},
        "showlegend": False,
    }
    data.append({**hidden, "x": [peak for _, peak, _ in ends], "y": places, "error_x": interval, "hoverinfo": "skip"})
    figure = layout(
        axis(f"peak memory while training (GiB), {plan.question.device_class}", rangemode="tozero"),
        axis("", tickvals=places, ticktext=names, range=[len(choices) - 0.5, -0.5], showgrid=False),
        barmode="stack",
        shapes=[rule("x", budget)],
        annotations=[rule_label("x", budget, f"budget {budget:.2f} GiB", log=False)],
    )
    alt = f"Peak memory of {len(choices)} choices by what takes it, beside the budget of {budget:.2f} GiB."
    return Drawing("plan", alt, data, figure, height=230 + 42 * len(choices))


def parts(choices: Sequence[Choice]) -> list[tuple[str, str, list[int]]]:
    """Returns label, colour and bytes in each choice of every part that some choice has."""
    terms = [choice.memory.terms() for choice in choices]
    grouped = {name for _, names in GROUPS.values() for name in names}
    groups = {label: (color, names) for label, (color, names) in GROUPS.items()}
    groups |= {title_of(name): (BLACK, (name,)) for name in terms[0] if name not in grouped}
    summed = [
        (label, color, [sum(each[name] for name in names) for each in terms])
        for label, (color, names) in groups.items()
    ]
    return [(label, color, sizes) for label, color, sizes in summed if any(sizes)]
