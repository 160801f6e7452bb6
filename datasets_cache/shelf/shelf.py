"""The published traces: named releases, shipped beside the code or fetched into the cache.

Each release lies in a folder of its own name: ``<folder>/<name>/<name>.parquet`` and what was published with it.
"""

from dataclasses import dataclass
from pathlib import Path

from datasets_cache.files.cache import cache_folder
from perfmodel.errors import UnknownNameError
from perfmodel.files.checksum import sha256_of
from perfmodel.traces.parquet import read_traces
from perfmodel.traces.trace import Trace

SHELF_DATA = Path(__file__).parent / "shelf_data"

PILOT = "-pilot-"
"""Part of a release's name that says: one axis at a time around a middle, so many settings with few traces each."""

EARLIER = {
    "smollm2-pilot-v1": ("smollm2-pilot-v0", "smollm2-pilot-v0b"),
    "smollm2-v1b": (
        "smollm2-v0",
        "smollm2-v0b",
        "smollm2-v0c",
        "smollm2-v0d",
        "smollm2-v0e",
        "smollm2-v0g",
        "smollm2-v1",
    ),
}
"""Earlier releases by the shipped one that holds every trace of theirs, unchanged."""


@dataclass(frozen=True)
class Shelf:
    """One release.

    Args:
        name: of the release, such as ``smollm2-v1b``.
        traces: every trial of it, those that failed included.
        sha256: of the Parquet file, 64 hexadecimal digits.
        card: the data card as Markdown.
    """

    name: str
    traces: tuple[Trace, ...]
    sha256: str
    card: str


def fetched_folder() -> Path:
    """Returns the folder in the cache that holds fetched releases."""
    return cache_folder() / "shelf"


def shelf_files() -> dict[str, Path]:
    """Returns the Parquet file of every release that is here, by its name: first the shipped, then the fetched ones."""
    fetched = {path.stem: path for path in sorted(fetched_folder().glob("[!.]*/*.parquet"))}
    shipped = {name: SHELF_DATA / name / f"{name}.parquet" for name in shelf_names()}
    return shipped | {name: path for name, path in fetched.items() if name not in shipped}


def shelf_names() -> tuple[str, ...]:
    """Returns the names of the releases that come with this version, sorted."""
    return tuple(sorted(path.stem for path in SHELF_DATA.glob("*/*.parquet")))


def newest_shelf() -> str:
    """Returns the name of the shipped release that is no pilot; of several the last by name."""
    return [name for name in shelf_names() if PILOT not in name][-1]


def shelf_file(name: str) -> Path:
    """Returns the Parquet file of a release.

    Args:
        name: name of a release, such as ``smollm2-v1b``.

    Raises:
        UnknownNameError: when it is not here; for an earlier release the text names the one that holds its traces.
    """
    files = shelf_files()
    if name in files:
        return files[name]
    later = [newer for newer, earlier in EARLIER.items() if name in earlier]
    elsewhere = f"if you have it elsewhere: bench data fetch {name} --from ADDRESS_OR_FOLDER"
    raise UnknownNameError(
        f"there is no shelf {name!r} here" + (", it is no longer shipped" if later else ""),
        f"here are {', '.join(files) or 'none'}" + (f"; {later[0]} holds all its traces" if later else ""),
        f"use {later[0]}, or {elsewhere}" if later else f"use one of these names, or {elsewhere}",
    )


def load_shelf(name: str) -> Shelf:
    """Returns a release.

    Args:
        name: name of a release, such as ``smollm2-v1b``.

    Raises:
        UnknownNameError: when no release of that name is here.
        CorruptFileError: when the file's checksum is not the recorded one.
        SchemaVersionError: when a newer version wrote it.
    """
    path = shelf_file(name)
    return Shelf(name, tuple(read_traces(path)), sha256_of(path), path.with_suffix(".md").read_text(encoding="utf-8"))
