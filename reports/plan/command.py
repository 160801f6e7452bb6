"""``bench plan`` and ``bench calibrate``: from options to printed answers and an exit status."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from perfmodel.errors import InfeasibleBudgetError, InvalidConfigurationError
from perfmodel.traces.trace import DeviceClass, Trace
from reports.plan.record import Asked, answer, calibrated_path
from reports.plan.tables import VERSION, as_values, print_answer


def plan_command(options: Mapping[str, Any], *, as_json: bool, picture: Path | None) -> int:
    """Returns the exit status of ``bench plan``: 0 where something fits, 1 where nothing does.

    Args:
        options: fields of ``Asked``.
        as_json: print JSON instead of tables.
        picture: file to draw to, or None.

    Raises:
        UserError: when an option cannot be used.
    """
    _check_device(options["device"])
    try:
        answered = answer(Asked(**options), _say)
    except InfeasibleBudgetError as error:
        # For a script that asks whether something fits, this is the answer no and not a mistake of the caller.
        sys.stderr.write(f"bench: {error}\n")
        if as_json:
            sys.stdout.write(json.dumps({"version": VERSION, "fits": False, "reason": str(error)}) + "\n")
        return 1
    if picture is not None:
        from reports.plan.figures import save_picture

        save_picture(answered.plan, picture)
    if as_json:
        sys.stdout.write(json.dumps(as_values(answered), indent=1) + "\n")
    else:
        print_answer(answered)
    return 0 if answered.plan.fits else 1


def calibrate_command(
    device: str | None, to: Path | None, traces: Path | None = None, threads: int | None = None
) -> Path:
    """Returns the file of the profile that was measured.

    Args:
        device: ``cuda``, ``cpu`` or None for the best there is.
        to: the file, or None for the one that ``bench plan`` reads.
        traces: a trace store or a Parquet file of traces, from which the correction is learned; None for none.
        threads: of torch on a CPU, or None for its own choice.

    Raises:
        InvalidConfigurationError: when there is no such device.
        CorruptFileError: when the traces cannot be read.
        OutputFolderError: when the file cannot be written.
    """
    if device is not None:
        _check_device(device)
    known: list[Trace] = []
    if traces is not None:  # before a minute is spent on measuring
        from perfmodel.traces.any_file import traces_of

        known = traces_of(traces)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    from collectors.device.calibrate import STAGES, calibrate, present_device
    from reports.run.progress import bar

    present = present_device(device)
    with bar("calibrating", STAGES[present]) as advance:
        profile = calibrate(present, advance)
    if traces is not None:
        from collectors.device.learned_time import learned

        found = learned(profile, known)
        profile = found.profile
        _say(found.told())
    path = to or calibrated_path(profile.device_class)
    profile.save(path)
    return path


def _check_device(device: str) -> None:
    if device not in get_args(DeviceClass):
        raise InvalidConfigurationError(
            f"the device {device!r}", f"allowed are {', '.join(get_args(DeviceClass))}", "choose one of these"
        )


def _say(line: str) -> None:
    from reports.run.progress import say

    say(line)
