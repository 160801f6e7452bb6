"""The machine, the package versions and the code that a trial ran on."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from perfmodel.errors import UserError
from perfmodel.files.processes import usable_cores
from perfmodel.traces.trace import DeviceClass, RanOn

PACKAGES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "hqq", "safetensors", "numpy", "tokenizers")

ROOT = Path(__file__).resolve().parents[2]

MATTERS = (
    "perfmodel",
    "datasets_cache",
    "collectors",
    "search",
    "reports",
    ":(exclude)datasets_cache/shelf/shelf_data",
)
"""What of the checkout a run depends on, as git names it: code, suites, templates and tasks, but no older traces."""


def ran_on(device_class: DeviceClass, campaign: str, threads: int) -> RanOn:
    """Returns the record of a trial that starts on this machine now.

    Args:
        device_class: ``cpu`` or ``cuda``.
        campaign: name of the campaign.
        threads: threads of torch, 1 or more.

    Raises:
        UserError: CUDA is asked for and torch finds none, or the card does not compute in bfloat16.
    """
    versions = {**package_versions(), "host_memory": f"{host_memory_bytes() / 1e9:.0f} GB"}
    device_name, driver = processor_name(), ""
    if device_class == "cuda":
        device_name, driver = _cuda_device(), _driver()
        versions |= _cuda_versions()
    return RanOn(
        device_name=device_name,
        driver=driver,
        cores=usable_cores(),
        threads=threads,
        versions=versions,
        code_version=code_version(),
        started_at=_now(),
        campaign=campaign,
    )


def unknown_machine(campaign: str, threads: int) -> RanOn:
    """Returns the record of a trial that was lost before its worker could say where it ran.

    Args:
        campaign: name of the campaign.
        threads: threads of torch that its worker was given.
    """
    return RanOn(
        device_name="unknown",
        driver="",
        cores=0,
        threads=threads,
        versions={},
        code_version=code_version(),
        started_at=_now(),
        campaign=campaign,
    )


def host_memory_bytes(limit: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """Returns the memory of this machine, or of the container where that is less; 0 where the system does not say.

    Args:
        limit: file with the container's limit in bytes, or ``max`` where there is none.
    """
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
    text = limit.read_text().strip() if limit.is_file() else "max"
    return min(memory, int(text)) if text.isdigit() else memory


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
    """Returns the package's version, with the commit and ``.dirty`` where it runs from a git checkout.

    Found once in each process, like the code itself: what is edited while a worker lives does not run in it. From a
    wheel there is the version only.
    """
    return describe_checkout(version("perfmodel"), ROOT)


def describe_checkout(installed: str, folder: Path) -> str:
    """Returns the version of the code in a folder.

    Args:
        installed: version of the installed package.
        folder: folder that holds the packages, a git checkout or not.
    """
    if not (folder / ".git").exists():
        return installed
    commit = _output("git", "-C", str(folder), "rev-parse", "--short=12", "HEAD")
    if not commit:
        return f"{installed}+unknown"  # no commit yet, no git here, or a checkout that git does not trust
    changed = _output("git", "-C", str(folder), "status", "--porcelain", "--untracked-files=all", "--", *MATTERS)
    return f"{installed}+{commit}{'.dirty' if changed else ''}"


@cache
def processor_name() -> str:
    """Returns the processor's name as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def require_device(device_class: DeviceClass) -> None:
    """Refuses a device on which no trial can run.

    Args:
        device_class: ``cpu`` or ``cuda``.

    Raises:
        UserError: CUDA is asked for and torch finds none, or the card does not compute in bfloat16.
    """
    if device_class == "cuda":
        _cuda_device()


def _cuda_device() -> str:
    import torch

    if not torch.cuda.is_available():
        raise UserError(
            "the trial asks for cuda and torch finds no CUDA device here",
            "a device of this machine",
            "ask for the cpu, or install a CUDA build of torch where there is a GPU",
        )
    name = torch.cuda.get_device_name()
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UserError(
            f"the card {name} does not compute in bfloat16",
            "trials on CUDA compute in bfloat16, which cards from Ampere on do",
            "use such a card, or device=cpu",
        )
    return name


@cache
def _cuda_versions() -> dict[str, str]:
    """Returns the versions of the CUDA runtime and of cuDNN that torch was built with."""
    import torch

    return {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}  # type: ignore[no-untyped-call]  # torch's own signature


@cache
def _driver() -> str:
    return _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader").split("\n")[0]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
