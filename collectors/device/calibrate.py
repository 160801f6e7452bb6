"""Measures what a training step's seconds are made of on the present device: the profile that ``bench plan`` reads.

Matrix products, memory and dequantisation are measured by themselves (``device_rates``). What starting an operation
costs is fitted to real steps of small random models (``probe_steps``). The CUDA path is the same code; it has not been
run on a GPU yet.
"""

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from collectors.device import device_rates
from collectors.device.device_rates import FORMATS
from collectors.device.probe_steps import PROBES, probe_seconds, probe_work
from perfmodel.errors import InvalidConfigurationError
from perfmodel.timing.device_profiles import DeviceProfile, format_family
from perfmodel.timing.step_time import Work, step_time
from perfmodel.traces.trace import DeviceClass

ROUNDS = 3
"""Rounds over the small models. The fastest step of each counts: on a shared machine the others are someone else's."""

STAGES = {name: 3 + len(FORMATS) + ROUNDS * len(probes) for name, probes in PROBES.items()}
"""How often ``calibrate`` reports, by device class."""


def calibrate(device: str | None = None, advance: Callable[[str], None] | None = None) -> DeviceProfile:
    """Returns the profile of a device, in about a minute.

    Args:
        device: ``cuda``, ``cpu`` or None for the best there is.
        advance: told after each measurement, ``STAGES`` times.

    Raises:
        InvalidConfigurationError: when there is no CUDA device.
    """
    device_class = present_device(device)
    place, say = torch.device(device_class), advance or (lambda _: None)
    bare = _bare(place, device_class, say)
    probes = PROBES[device_class]
    seconds = [float("inf")] * len(probes)
    for _ in range(ROUNDS):
        for index, probe in enumerate(probes):
            seconds[index] = min(seconds[index], probe_seconds(probe, place, device_class))
            say(f"a step of {probe.layers} layers of {probe.hidden} in {seconds[index]:.3g} s")
    return fitted(bare, [probe_work(probe, device_class) for probe in probes], seconds)


def present_device(device: str | None) -> DeviceClass:
    """Returns the device class to calibrate: the given one, or CUDA where there is a device.

    Raises:
        InvalidConfigurationError: when there is no CUDA device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InvalidConfigurationError(
            "the device cuda", "this machine shows torch no CUDA device", "calibrate with --device cpu, or elsewhere"
        )
    return "cuda" if device == "cuda" or (device is None and torch.cuda.is_available()) else "cpu"


def fitted(bare: DeviceProfile, works: Sequence[Work], seconds: Sequence[float]) -> DeviceProfile:
    """Returns the profile with the overheads and the moving factor that explain measured steps best.

    Least squares of relative errors over values of 0 or more.

    Args:
        bare: without overheads.
        works: of the measured steps.
        seconds: that they took.
    """
    from scipy.optimize import nnls

    measured = np.asarray(seconds)
    known, rows = [], []
    for work in works:
        step = step_time(work, bare)
        known.append(step.products + step.dequantization)
        rows.append([step.moving, work.passes, work.adapter_passes, 1.0])
    wanted = (measured - np.asarray(known)) / measured
    (slower, per_pass, per_adapter, per_step), _ = nnls(np.asarray(rows) / measured[:, None], wanted)
    profile = replace(
        bare,
        moving_factor=float(slower),
        seconds_per_pass=float(per_pass),
        seconds_per_adapter=float(per_adapter),
        seconds_per_step=float(per_step),
    )
    errors = [step_time(work, profile).seconds / took - 1 for work, took in zip(works, seconds, strict=True)]
    return replace(profile, details={**bare.details, "fit_errors": [round(error, 4) for error in errors]})


def _bare(place: torch.device, device_class: DeviceClass, say: Callable[[str], None]) -> DeviceProfile:
    rates = device_rates.matrix_rates(place, device_class)
    say(f"products at {rates[-1][1] / 1e9:.3g} G operations a second")
    thin = device_rates.thin_rates(place, device_class)
    say(f"products of rank {thin[0][0]:.0f} at {thin[0][1] / 1e9:.3g} G operations a second")
    bytes_per_s = device_rates.bytes_per_s(place, device_class)
    say(f"memory at {bytes_per_s / 1e9:.3g} GB a second")
    dequantized = {}
    for form in FORMATS:
        dequantized[format_family(form)] = device_rates.dequantized_per_s(form, place, device_class)
        say(f"{form} at {dequantized[format_family(form)] / 1e6:.3g} M weights a second")
    return DeviceProfile(
        name=device_rates.device_name(place),
        device_class=device_class,
        source="bench calibrate",
        measured=True,
        matrix_rates=tuple(rates),
        thin_rates=tuple(thin),
        bytes_per_s=bytes_per_s,
        dequantized_per_s=dequantized,
        threads=torch.get_num_threads(),
        details={"versions": _versions()},
    )


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("torch", "transformers", "peft", "bitsandbytes", "hqq")}
