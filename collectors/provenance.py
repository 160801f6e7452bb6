"""Where a trial ran, and with what."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from perfmodel.errors import UserError
from perfmodel.trace import DeviceClass, RanOn

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "hqq", "safetensors", "numpy", "tokenizers")


def ran_on(device_class: DeviceClass, campaign: str, threads: int) -> RanOn:
    """Returns the record of a trial that starts on this machine now, with so many threads.

    Raises:
        UserError: when CUDA is asked for and torch finds none.
    """
    import torch

    if device_class == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "the trial asks for cuda and torch finds no CUDA device here",
            "a device of this machine",
            "ask for the cpu, or install a CUDA build of torch where there is a GPU",
        )
    return RanOn(
        device_name=torch.cuda.get_device_name() if device_class == "cuda" else processor_name(),
        driver=_driver() if device_class == "cuda" else "",
        cores=available_cores(),
        threads=threads,
        versions=package_versions(),
        code_version=code_version(),
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        campaign=campaign,
    )


def available_cores() -> int:
    """Returns the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def package_versions() -> dict[str, str]:
    """Returns the versions of Python and of every package that decides a trial's numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


@cache
def code_version() -> str:
    """Returns the package's version, with the commit and ``.dirty`` where it runs from a git checkout."""
    installed = version("perfmodel")
    folder = Path(__file__).resolve().parent.parent
    if not (folder / ".git").exists():
        return installed
    commit = _output("git", "-C", str(folder), "rev-parse", "--short=12", "HEAD")
    changed = _output("git", "-C", str(folder), "status", "--porcelain", "--", "*.py")
    return f"{installed}+{commit or 'uncommitted'}{'.dirty' if changed else ''}"


@cache
def processor_name() -> str:
    """Returns the processor's name as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


@cache
def _driver() -> str:
    return _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader").split("\n")[0]


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout.strip()
    except OSError:
        return ""
