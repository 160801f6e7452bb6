"""A profile compared with the traces that its own device made, and corrected where that is better."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from collectors.device.predicted_steps import of_this_device, step_times
from perfmodel.timing.correction import LEAST_SETTINGS, LEAST_TRACES, held_out_errors, learned_correction
from perfmodel.timing.device_profiles import DeviceProfile
from perfmodel.traces.trace import Trace


@dataclass(frozen=True)
class Learned:
    """What traces say about a profile.

    Args:
        profile: with its errors on them, and the correction where it beats the closed form.
        traces: of this device that could be compared.
        settings: that they come from.
        corrected_error: of the correction on settings that were left out, used or not; None where it cannot be judged.
    """

    profile: DeviceProfile
    traces: int
    settings: int
    corrected_error: float | None

    def told(self) -> str:
        """Returns one line: which form of the seconds is used, and both errors."""
        profile = self.profile
        if profile.closed_form_error is None:
            where = profile.name if profile.device_class == "cuda" else f"{profile.name} with {profile.threads} threads"
            return f"seconds by the closed form: none of the traces ran to its end on {where}"
        closed = f"{100 * profile.closed_form_error:.1f} % on average over {self.traces} traces"
        if self.corrected_error is None:
            return (
                f"seconds by the closed form, off by {closed}; a correction needs {LEAST_TRACES} traces of "
                f"{LEAST_SETTINGS} settings, here are {self.settings}"
            )
        used, other = ("correction", "closed form") if profile.correction else ("closed form", "correction")
        errors = {"closed form": closed, "correction": f"{100 * self.corrected_error:.1f} % in settings left out"}
        return f"seconds by the {used}, off by {errors[used]}; the {other} by {errors[other]}"


def learned(profile: DeviceProfile, traces: Iterable[Trace]) -> Learned:
    """Returns the profile compared with the traces of its own device, and corrected where that is better.

    Args:
        profile: measured on this device.
        traces: of any device.
    """
    mine = of_this_device(profile, traces)
    if not mine:
        return Learned(replace(profile, compared_traces=0, closed_form_error=None, correction=None), 0, 0, None)
    times = step_times(profile, mine)
    settings = len(set(times.settings))
    compared = replace(
        profile,
        compared_traces=len(mine),
        closed_form_error=float(np.abs(times.parts.sum(axis=1) / times.seconds - 1).mean()),
        correction=learned_correction(times.parts, times.seconds, times.settings),
    )
    judged = len(mine) >= LEAST_TRACES and settings >= LEAST_SETTINGS
    errors = held_out_errors(times.parts, times.seconds, times.settings)[1] if judged else None
    return Learned(compared, len(mine), settings, None if errors is None else float(np.abs(errors).mean()))
