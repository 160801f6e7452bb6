"""Checks published traces: every checksum, every row against its fingerprint, and what must hold within every trace."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets_cache.shelf import shelf
from datasets_cache.shelf.invariants import broken_invariants
from datasets_cache.shelf.registry import REGISTRY_FILE, of_release, read_registry
from datasets_cache.shelf.row_fingerprints import changed_rows, row_name, rows_file
from perfmodel.errors import CorruptFileError
from perfmodel.files.checksum import sha256_of
from perfmodel.files.json_file import read_json
from perfmodel.model.architecture import Architecture
from perfmodel.traces.columns import upgraded
from perfmodel.traces.parquet import trace_version

if TYPE_CHECKING:
    import pyarrow.parquet as pq

ARCHITECTURES_FILE = Path(__file__).parent / "shelf_data" / "architectures.json"
"""Shapes of the base models of published traces: a trace only names its model."""

Advance = Callable[[str], None]


@dataclass(frozen=True)
class Verification:
    """What was found in one file.

    Args:
        file: the Parquet file that was checked.
        traces: rows that could be read.
        checksums: files whose checksum was compared.
        problems: one sentence for each rule that is broken, naming the file or the row.
        unchecked: what could not be compared, and why.
    """

    file: Path
    traces: int
    checksums: int
    problems: tuple[str, ...]
    unchecked: tuple[str, ...]


def verify(name_or_file: str, advance: Advance = lambda _: None) -> Verification:
    """Returns what is wrong with a release, or with any Parquet file of traces.

    Args:
        name_or_file: of a release that is here, or a path that ends in ``.parquet``.
        advance: called after every row.

    Raises:
        UnknownNameError: when there is no release of that name.
        CorruptFileError: when there is no such file, or it is no file of traces.
        SchemaVersionError: when a newer version wrote it.
    """
    path = _path(name_or_file)
    expected, problems = _expected(path)
    for file, digest in expected.items():
        beside = path.with_name(file)
        if not beside.is_file():
            problems.append(f"{file} is missing")
        elif (found := sha256_of(beside)) != digest:
            problems.append(f"{file} has sha256 {found}, the recorded one is {digest}")
    rows, damage = _rows(path)
    problems += damage
    if rows_file(path).is_file():
        problems += changed_rows(rows, rows_file(path).read_text(encoding="utf-8"))
    broken, unchecked = _broken(path, rows, advance)
    if not expected:
        unchecked = ("its checksum: neither a registry nor a .sha256 file lies beside it", *unchecked)
    return Verification(path, len(rows), len(expected), (*problems, *_duplicates(rows), *broken), unchecked)


def rows_of(name_or_file: str) -> int:
    """Returns the number of rows to check, 0 where the file cannot be read.

    Args:
        name_or_file: name of a release that is here, or a path that ends in ``.parquet``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(_path(name_or_file)).num_rows)
    except (pa.ArrowException, OSError):
        return 0


def known_architectures() -> dict[str, Architecture]:
    """Returns the unpruned architectures of the models of published traces, by name."""
    models = read_json(ARCHITECTURES_FILE)["models"]
    return {name: Architecture.from_config(config) for name, config in models.items()}


def _path(name_or_file: str) -> Path:
    is_file = name_or_file.endswith(".parquet")
    path = Path(name_or_file).expanduser() if is_file else shelf.shelf_file(name_or_file)
    if not path.is_file():
        raise CorruptFileError(f"there is no file {path}", "a Parquet file of traces", "check the path")
    return path


def _expected(path: Path) -> tuple[dict[str, str], list[str]]:
    """Returns the recorded checksums of a file and what was published with it, and what is wrong with the records."""
    if (path.parent / REGISTRY_FILE).is_file():
        entries = of_release(read_registry(path.parent), path.stem)
        return entries, [] if entries else [f"{path.name} is not in {REGISTRY_FILE}"]
    beside = path.with_name(path.name + ".sha256")
    return ({path.name: beside.read_text(encoding="utf-8").partition(" ")[0].strip()} if beside.is_file() else {}), []


def _rows(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns the rows as the file holds them (none where it cannot be read) and the problems met."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        return [], [f"{path.name} cannot be read ({error})"]
    with file:
        problems = _damaged_columns(path, file)
    if problems:
        try:
            # Damage that the page checksums find may leave the values readable, and so the row may be named.
            return list(pq.read_table(path).to_pylist()), problems
        except (pa.ArrowException, OSError, ValueError):
            return [], problems
    return list(pq.read_table(path, page_checksum_verification=True).to_pylist()), []


def _damaged_columns(path: Path, file: "pq.ParquetFile") -> list[str]:
    import pyarrow as pa

    problems, start = [], 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        for column in file.schema_arrow.names:
            try:
                file.read_row_group(group, columns=[column])
            except (pa.ArrowException, OSError) as error:
                problems.append(f"{path.name}: column {column} of the rows {start} to {end - 1} is damaged ({error})")
        start = end
    return problems


def _broken(path: Path, rows: Sequence[Mapping[str, Any]], advance: Advance) -> tuple[list[str], tuple[str, ...]]:
    """Returns the broken invariants of rows, and what could not be checked."""
    if not rows:
        return [], ()
    version = trace_version(path)
    architectures, problems = known_architectures(), []
    unknown = sorted({str(row["model"]) for row in rows} - set(architectures))
    for index, row in enumerate(rows):
        found = broken_invariants(upgraded(row, version), architectures.get(str(row["model"])))
        problems += [f"{row_name(index, row['key'])}: {text}" for text in found]
        advance(f"{path.stem}, row {index}")
    return problems, tuple(f"bytes of {model}: its shapes are not recorded" for model in unknown)


def _duplicates(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    first: dict[object, int] = {}
    found = []
    for index, row in enumerate(rows):
        earlier = first.setdefault(row["key"], index)
        if earlier != index:
            found.append(f"{row_name(index, row['key'])}: it has the key of row {earlier}")
    return found
