"""The breakdown of a plan's choices as stacked bars beside the budget."""

from io import BytesIO
from pathlib import Path

from perfmodel.errors import UserError
from perfmodel.files.optional import needs_extra
from perfmodel.files.whole_file import write_whole
from perfmodel.planner.question import Choice, Plan
from reports.figures.figure import BLACK, BLUE, GREEN, GREY, PURPLE, SKY, VERMILLION
from reports.figures.print import STYLE
from reports.plan.tables import named, title_of

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


def save_picture(plan: Plan, path: Path) -> None:
    """Writes the picture: SVG or PNG, by the file's name.

    Raises:
        MissingExtraError: when matplotlib is not installed.
        UserError: when the name ends in something else.
        OutputFolderError: when the file cannot be written.
    """
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in ("svg", "png"):
        raise UserError(f"the picture {path}", "its name ends in .svg or .png", "rename it")
    write_whole(path, picture(plan, suffix))


def picture(plan: Plan, suffix: str) -> bytes:
    """Returns the picture's content.

    Args:
        plan: its choices are the bars, best on top; the smallest candidate where none fits.
        suffix: ``svg`` or ``png``.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    with needs_extra("report"):
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    choices = plan.choices or (plan.smallest,)
    with rc_context(STYLE):  # type: ignore[arg-type]  # matplotlib lists its keys as literals
        figure = Figure(figsize=(7.2, 1.7 + 0.42 * len(choices)), layout="constrained")
        axes = figure.subplots()
        places = range(len(choices))
        left = [0.0] * len(choices)
        for label, color, sizes in parts(choices):
            shown = [size / GIB for size in sizes]
            axes.barh(places, shown, left=left, color=color, label=label, height=0.62)
            left = [start + size for start, size in zip(left, shown, strict=True)]
        ends = [
            [max(0.0, total - choice.low / GIB), max(0.0, choice.high / GIB - total)]
            for total, choice in zip(left, choices, strict=True)
        ]
        axes.errorbar(
            left, places, xerr=list(zip(*ends, strict=True)), fmt="none", ecolor=BLACK, capsize=2, elinewidth=1
        )
        budget = plan.question.budget_bytes / GIB
        axes.axvline(budget, color=BLACK, linestyle="--", linewidth=1, label=f"budget, {budget:.2f} GiB")
        axes.set_yticks(places, [named(choice) for choice in choices])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"peak memory while training (GiB), {plan.question.device_class}")
        figure.legend(loc="outside upper left", ncols=4, fontsize=8)
        stored = BytesIO()
        # Without a date in the file the same plan gives the same bytes.
        figure.savefig(
            stored, format=suffix, dpi=160, metadata={"Date": None} if suffix == "svg" else {"Software": None}
        )
    return stored.getvalue()


def parts(choices: "tuple[Choice, ...]") -> list[tuple[str, str, list[int]]]:
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
