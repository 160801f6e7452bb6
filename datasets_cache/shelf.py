"""The published traces: named releases that lie beside the code, each checked against its recorded sha256."""

from dataclasses import dataclass
from pathlib import Path

from perfmodel.checksum import sha256_of
from perfmodel.errors import UnknownNameError
from perfmodel.parquet import read_traces
from perfmodel.trace import Trace

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


def shelf_names() -> tuple[str, ...]:
    """Returns the releases that come with this version."""
    return tuple(sorted(path.stem for path in SHELF_DATA.glob("*.parquet")))


def load_shelf(name: str) -> Shelf:
    """Returns a release.

    Raises:
        UnknownNameError: when there is none of that name.
        CorruptFileError: when the file's checksum is not the recorded one.
        SchemaVersionError: when a newer version wrote it.
    """
    if name not in shelf_names():
        raise UnknownNameError(
            f"there is no shelf {name!r}", f"shelves are {', '.join(shelf_names())}", "use one of these names"
        )
    path = SHELF_DATA / f"{name}.parquet"
    return Shelf(name, tuple(read_traces(path)), sha256_of(path), (SHELF_DATA / f"{name}.md").read_text())
