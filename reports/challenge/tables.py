"""What came of a challenge: paired differences over seeds with their interval, and whether the limits held."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from perfmodel.space.metrics import LOSS, PEAK, WEIGHTS
from perfmodel.statistics.interval import Estimate
from reports.pages.page import Table
from search.comparison.metrics import over_seeds
from search.comparison.optima import bits_with_ranks
from search.knowledge_of import COSTS

Record = Mapping[str, Any]


def paired(record: Record, metric: str) -> Estimate:
    """Returns the mean of challenger minus reference over seeds that ended well in both, with Student's interval.

    Args:
        record: of one duel.
        metric: name of the column.
    """
    pairs = zip(record["reference_runs"], record["challenger_runs"], strict=False)
    both = [(own[metric], other[metric]) for other, own in pairs if other["status"] == own["status"] == "ok"]
    return over_seeds([own - other for own, other in both]).mean


def share_of_memory(record: Record, cost: str) -> float | None:
    """Returns the largest share, over seeds, of the reference's measured cost that the challenger measured."""
    shares = [
        own[cost] / other[cost]
        for other, own in zip(record["reference_runs"], record["challenger_runs"], strict=False)
        if own[cost] and other[cost]
    ]
    return max(shares) if shares else None


def outcome(record: Record) -> str:
    """Returns in words what the runs of a duel say."""
    if record["challenger"] is None:
        return "no challenger was found within its limits"
    difference = paired(record, LOSS)
    shares = {cost: share_of_memory(record, cost) for cost in COSTS}
    if difference.low is None or difference.high is None or None in shares.values():
        return "too few runs ended well"
    loss_is_held = LOSS in record["held"]
    counted = (PEAK,) if loss_is_held else record["held"]
    over = [cost.replace("_", " ") for cost in counted if (shares[cost] or 0) > 1]
    if over:
        return f"needs more {' and '.join(over)} than the uniform choice"
    if difference.high < 0:
        return "better, with less peak" if loss_is_held else f"better, at no more {_held(record)}"
    if difference.low > 0:
        return "worse"
    return "no difference beyond noise" + (", with less peak" if loss_is_held else "")


def outcomes_table(record: Record) -> Table:
    """Returns each uniform choice beside its challenger: losses, their difference, shares of memory, the outcome.

    Args:
        record: as ``challenge.json`` has it.
    """
    losses = ("its loss", "challenger's loss", "difference")
    head = ("uniform choice", "held", *losses, "share of its peak", "of its weights", "of its adapters", "outcome")
    return Table("Uniform choices and their challengers", head, tuple(map(_row, record["duels"])))


def challengers_table(record: Record) -> Table:
    """Returns the bits and ranks of each challenger, layer by layer."""
    head = ("against", "held", "rate", "bits by layer", "ranks by layer", "bits with ranks")
    return Table("The challengers", head, tuple(map(_found, record["duels"])))


def _row(record: Record) -> tuple[str, ...]:
    shares = [share_of_memory(record, cost) for cost in COSTS]
    return (
        record["reference"],
        _held(record),
        _losses(record["reference_runs"]),
        _losses(record["challenger_runs"]),
        _estimate(paired(record, LOSS)),
        *("not measured" if share is None else f"{100 * share:.1f} %" for share in shares),
        outcome(record),
    )


def _found(record: Record) -> tuple[str, ...]:
    found = record["challenger"]
    if found is None:
        return record["reference"], _held(record), "none", "", "", ""
    both = bits_with_ranks(found["bits"], found["ranks"])
    return (
        record["reference"],
        _held(record),
        f"{found['pruning_rate']:g}",
        " ".join(map(str, found["bits"])),
        " ".join(map(str, found["ranks"])),
        "one is the same everywhere" if both is None else f"{both:+.2f}",
    )


def _held(record: Record) -> str:
    return " and ".join(_WORDS[name] for name in record["held"])


_WORDS: Final = {LOSS: "loss", PEAK: "peak", WEIGHTS: "weights"}


def _losses(runs: Sequence[Record]) -> str:
    values = [run[LOSS] for run in runs if run["status"] == "ok"]
    if not values:
        return "not measured"
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else "")


def _estimate(value: Estimate) -> str:
    if value.value is None:
        return "not measured"
    if value.low is None or value.high is None:
        return f"{value.value:+.3f}"
    return f"{value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}]"
