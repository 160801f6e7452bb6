"""Prints how far the closed form is from peaks on GPUs that others published; JSON on the last line.

Allocated peaks were used for no constant. The allocator's slack was: it is a middle share of the first five rows.
"""

import json
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from perfmodel.planner.published_peaks import PublishedPeak, bounds, by_stratum, published_peaks, published_record

MEAN, WORST, INSIDE, STANDARD = 0.03, 0.08, 0.85, 0.03
"""Goals: errors of all rows, share of rows in the interval of their stratum, and error of standard QLoRA today."""


def main() -> None:
    """Prints a table of rows, one of strata, the goals, and one JSON line."""
    peaks = published_peaks()
    console = Console(width=140)
    console.print(_rows(peaks))
    strata = {name: _figures(each) for name, each in by_stratum(peaks).items()}
    table = Table(title="By stratum: relative errors, and rows inside the interval that the others give")
    for column in ("stratum", "rows", "allocated mean", "worst", "device mean", "worst", "inside"):
        table.add_column(column)
    for name, figures in strata.items():
        table.add_row(name, *(f"{value:.4f}" if isinstance(value, float) else str(value) for value in figures.values()))
    console.print(table)
    everything = _figures(peaks) | {"inside": round(_inside_all(peaks), 4)}
    standard = [abs(peak.allocated_error) for peak in peaks if "baseline" in peak.framework]
    now = [error for error, peak in zip(standard, _prepared(peaks), strict=True) if peak.transformers >= (4, 48)]
    goals = {
        "mean": everything["allocated_mean"] <= MEAN,
        "worst": everything["allocated_worst"] <= WORST,
        "standard_qlora_4_48": max(now) <= STANDARD,
        "inside": everything["inside"] >= INSIDE,
    }
    for name, met in goals.items():
        console.print(f"goal {name}: {'met' if met else 'MISSED'}")
    print(json.dumps({"benchmark": "published_memory", **everything, "goals": goals, "strata": strata}))


def _prepared(peaks: Sequence[PublishedPeak]) -> list[PublishedPeak]:
    return [peak for peak in peaks if "baseline" in peak.framework]


def _rows(peaks: Sequence[PublishedPeak]) -> Table:
    table = Table(title=published_record()["source"], title_justify="left")
    for column in ("model", "framework", "method", "transformers", "batch", "GiB", "estimate", "error", "device error"):
        table.add_column(column)
    for peak in peaks:
        table.add_row(
            peak.model,
            peak.framework,
            peak.method,
            ".".join(map(str, peak.transformers)),
            str(peak.batch_size),
            f"{peak.allocated / 2**30:.2f}",
            f"{peak.estimate.allocated / 2**30:.2f}",
            f"{100 * peak.allocated_error:+.2f} %",
            f"{100 * peak.device_error:+.2f} %",
        )
    return table


def _figures(peaks: Sequence[PublishedPeak]) -> dict[str, float | int]:
    allocated, device = ([abs(getattr(peak, f"{name}_error")) for peak in peaks] for name in ("allocated", "device"))
    return {
        "rows": len(peaks),
        "allocated_mean": round(sum(allocated) / len(peaks), 5),
        "allocated_worst": round(max(allocated), 5),
        "device_mean": round(sum(device) / len(peaks), 5),
        "device_worst": round(max(device), 5),
        "inside": round(_inside(peaks), 4),
    }


def _inside(peaks: Sequence[PublishedPeak]) -> float:
    """Returns the share of rows of one stratum whose device peak lies in the interval that the other rows give."""
    held = 0
    for peak in peaks:
        low, high = bounds([other.device_error for other in peaks if other is not peak])
        held += 1 + low <= peak.device / peak.estimate.reserved <= 1 + high
    return held / len(peaks)


def _inside_all(peaks: Sequence[PublishedPeak]) -> float:
    return sum(len(each) * _inside(each) for each in by_stratum(peaks).values()) / len(peaks)


if __name__ == "__main__":
    main()
