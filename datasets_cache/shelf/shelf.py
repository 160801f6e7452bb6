"""The published traces: named releases that lie beside the code or were fetched, each with its recorded sha256."""

from dataclasses import dataclass
from pathlib import Path

from datasets_cache.files.cache import cache_folder
from datasets_cache.shelf.registry import read_registry
from perfmodel.errors import UnknownNameError
from perfmodel.files.checksum import sha256_of
from perfmodel.traces.parquet import read_traces
from perfmodel.traces.trace import Trace

SHELF_DATA = Path(__file__).parent / "shelf_data"


@dataclass(frozen=True)
class Shelf:
    """One release.

    Args:
        name: such as ``smollm2-v0``.
        traces: every trial, failed ones included.
        sha256: of the Parquet file.
        card: the data card, Markdown.
    """

    name: str
    traces: tuple[Trace, ...]
    sha256: str
    card: str


PILOT = "-pilot-"
"""In the name of a release that departs from a middle one axis at a time: many settings, few traces of each."""


def fetched_folder() -> Path:
    """Returns the folder in the cache that holds fetched releases, each in a folder of its own name."""
    return cache_folder() / "shelf"


def shelf_files() -> dict[str, Path]:
    """Returns the Parquet file of every release that is here, by its name, sorted; what was shipped comes first."""
    found = {path.stem: path for path in sorted(fetched_folder().glob("[!.]*/*.parquet"))}
    shipped = {path.stem: path for path in sorted(SHELF_DATA.glob("*.parquet"))}
    return shipped | {name: path for name, path in found.items() if name not in shipped}


def shelf_names() -> tuple[str, ...]:
    """Returns the releases that come with this version, sorted."""
    return tuple(sorted(path.stem for path in SHELF_DATA.glob("*.parquet")))


def newest_shelf() -> str:
    """Returns the release that was published last with this version, pilots left out.

    Raises:
        CorruptFileError: when the registry is missing or cannot be read.
    """
    names = [name.removesuffix(".parquet") for name in read_registry(SHELF_DATA) if name.endswith(".parquet")]
    return [name for name in names if PILOT not in name][-1]


def shelf_file(name: str) -> Path:
    """Returns the Parquet file of a release.

    Raises:
        UnknownNameError: when there is none of that name.
    """
    files = shelf_files()
    if name not in files:
        raise UnknownNameError(
            f"there is no shelf {name!r}", f"shelves are {', '.join(files) or 'none'}", "use one of these names"
        )
    return files[name]


def load_shelf(name: str) -> Shelf:
    """Returns a release.

    Raises:
        UnknownNameError: when there is none of that name.
        CorruptFileError: when the file's checksum is not the recorded one.
        SchemaVersionError: when a newer version wrote it.
    """
    path = shelf_file(name)
    return Shelf(name, tuple(read_traces(path)), sha256_of(path), path.with_suffix(".md").read_text(encoding="utf-8"))
