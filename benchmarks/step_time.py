"""Prints how far predicted seconds of a step are from those that traces measured, by kind of configuration.

Run: python benchmarks/step_time.py [--profile PROFILE.json --store TRACES ...] [--campaign NAME] [--since TIME]

The profile must have been measured beside the traces, on the same device with as many threads (``bench calibrate``); it
knows none of their configurations. By default both are those of the newest published release that a profile lies
beside, and of its traces those that had a core for themselves. The correction is judged on settings that it
was not learned from. One JSON line last.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median

from rich.console import Console
from rich.table import Table

from collectors.device.predicted_steps import StepTimes, of_this_device, step_times
from datasets_cache.shelf.shelf import shelf_files
from perfmodel import Configuration, Trace
from perfmodel.timing.correction import LEAST_SETTINGS, held_out_errors
from perfmodel.timing.device_profiles import DeviceProfile
from perfmodel.traces.any_file import traces_of

CAMPAIGN, SINCE = "smollm2-v1", "2026-11-22T12:50"
"""Published trials that ran one by one on a core of their own; step times of the others vary up to fourfold."""


def main() -> None:
    """Prints the table and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", type=Path, help="device profile measured beside the traces")
    parser.add_argument("--store", type=Path, action="append", default=[], help="trace store or Parquet file")
    parser.add_argument("--campaign", default=CAMPAIGN, help="traces of other campaigns are left out")
    parser.add_argument("--since", default=SINCE, help="traces that started before this time (UTC) are left out")
    options = parser.parse_args()
    if bool(options.profile) != bool(options.store):
        parser.error("--profile and --store belong together: the profile is of the device that made the traces")
    published = None if options.profile else _published()
    if options.profile is None and published is None:
        print(json.dumps({"benchmark": "step_time", "traces": 0, "reason": "no published release has a profile"}))
        return
    profile_file, stores = published or (options.profile, options.store)
    profile = DeviceProfile.load(profile_file)
    found = [
        trace
        for path in stores
        for trace in traces_of(path)
        if trace.ran_on.campaign == options.campaign and trace.ran_on.started_at >= options.since
    ]
    traces = of_this_device(profile, found)
    if not traces:
        wanted = f"no trace of {options.campaign} since {options.since}"
        reason = f"{wanted} was made by {profile.name} with {profile.threads} threads"
        print(json.dumps({"benchmark": "step_time", "traces": 0, "reason": reason}))
        return
    _tell(Console(), step_times(profile, traces))


def _published() -> tuple[Path, list[Path]] | None:
    """Returns profile and traces of a release that has a profile, None where none has."""
    for path in reversed(shelf_files().values()):
        if (profile := path.with_suffix(".profile.json")).is_file():
            return profile, [path]
    return None


def _tell(console: Console, times: StepTimes) -> None:
    settings = len(set(times.settings))
    forms: dict[str, list[float]] = {"closed_form": (times.parts.sum(axis=1) / times.seconds - 1).tolist()}
    if settings >= LEAST_SETTINGS:
        forms["correction"] = held_out_errors(times.parts, times.seconds, times.settings)[1].tolist()
    table = Table("kind", "traces", *(f"{form}: {what}" for form in forms for what in ("mean", "bias", "worst")))
    rows: dict[str, list[int]] = defaultdict(list)
    for place, trace in enumerate(times.traces):
        for name in _kinds(trace):
            rows[name].append(place)
    for name, places in sorted(rows.items()):
        cells = (_cells([errors[place] for place in places]) for errors in forms.values())
        table.add_row(name, str(len(places)), *(cell for each in cells for cell in each))
    console.print(table)
    print(json.dumps({"benchmark": "step_time", "traces": len(times.traces), "settings": settings, **_summary(forms)}))


def _kinds(trace: Trace) -> list[str]:
    """Returns the rows of the table that a trace counts in."""
    asked = trace.asked
    configuration: Configuration = asked.configuration
    bits, ranks = set(configuration.bits), set(configuration.ranks)
    width = f"{configuration.bits[0]} bits" if len(bits) == 1 else "mixed bits"
    rank = f"rank {configuration.ranks[0]}" if len(ranks) == 1 else "mixed ranks"
    return [
        "all",
        f"task: {asked.setting.task}",
        f"bits: {width}",
        f"ranks: {rank}",
        f"pruned by {100 * configuration.pruning_rate:.0f} %",
    ]


def _cells(errors: Sequence[float]) -> tuple[str, str, str]:
    absolute = [abs(error) for error in errors]
    return f"{mean(absolute):.1%}", f"{mean(errors):+.1%}", f"{max(absolute):.1%}"


def _summary(forms: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    return {
        form: {
            "mean_absolute": round(mean(map(abs, errors)), 4),
            "median_absolute": round(median(map(abs, errors)), 4),
            "worst": round(max(map(abs, errors)), 4),
            "bias": round(mean(errors), 4),
        }
        for form, errors in forms.items()
    }


if __name__ == "__main__":
    main()
