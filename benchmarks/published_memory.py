"""Prints how far the closed form is from peaks on GPUs that others published; JSON on the last line.

Allocated peaks were used for no constant. The allocator's slack was: it is the middle share of these very cases.
"""

import json

from rich.console import Console
from rich.table import Table

from perfmodel.planner.published_peaks import PublishedPeak, published_peaks, published_record


def main() -> None:
    """Prints a table and one JSON line."""
    peaks, record = published_peaks(), published_record()
    table = Table(title=f"{record['source']}\n{record['stack']}", title_justify="left")
    for column in ("model", "bits", "batch", "allocated, GB", "estimate", "error", "device, GB", "estimate", "error"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for peak in peaks:
        table.add_row(
            peak.model,
            str(peak.bits),
            str(peak.batch_size),
            f"{peak.allocated / 1e9:.2f}",
            f"{peak.estimate.allocated / 1e9:.2f}",
            f"{100 * peak.allocated_error:+.2f} %",
            f"{peak.device / 1e9:.2f}",
            f"{peak.estimate.reserved / 1e9:.2f}",
            f"{100 * peak.device_error:+.2f} %",
        )
    Console(width=120).print(table)
    allocated, device = ([abs(each) for each in errors] for errors in zip(*_errors(peaks), strict=True))
    print(
        json.dumps(
            {
                "cases": len(peaks),
                "allocated_mean_abs_error": round(sum(allocated) / len(allocated), 5),
                "allocated_worst_abs_error": round(max(allocated), 5),
                "device_mean_abs_error": round(sum(device) / len(device), 5),
                "device_worst_abs_error": round(max(device), 5),
            }
        )
    )


def _errors(peaks: list[PublishedPeak]) -> list[tuple[float, float]]:
    return [(peak.allocated_error, peak.device_error) for peak in peaks]


if __name__ == "__main__":
    main()
