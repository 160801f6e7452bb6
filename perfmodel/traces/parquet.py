"""Traces as Parquet, with the schema's version inside the file and its sha256 beside it."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfmodel.errors import CorruptFileError, SchemaVersionError, unknown_name
from perfmodel.files.checksum import sha256_of
from perfmodel.files.json_file import refusing_damage
from perfmodel.files.whole_file import write_whole
from perfmodel.traces.columns import ADDED, COLUMNS, TRACE_VERSION, columns_of
from perfmodel.traces.trace import Trace

if TYPE_CHECKING:
    import pyarrow as pa

_VERSION_KEY = b"perfmodel.trace_version"


def write_traces(traces: Sequence[Trace], path: Path) -> str:
    """Writes traces to a Parquet file, and its sha256 to ``<path>.sha256``.

    Returns:
        The sha256.

    Raises:
        OutputFolderError: when the folder cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = sorted((trace.to_row() for trace in traces), key=lambda row: str(row["key"]))
    table = pa.Table.from_pylist(rows, schema=_schema())
    content = BytesIO()
    pq.write_table(table, content, compression="zstd", write_page_checksum=True)
    write_whole(path, content.getvalue())
    digest = sha256_of(path)
    write_whole(path.with_name(path.name + ".sha256"), f"{digest}  {path.name}\n")
    return digest


def read_traces(path: Path, *, sha256: str | None = None) -> list[Trace]:
    """Returns the traces of a Parquet file after checking it.

    Args:
        path: the Parquet file.
        sha256: expected checksum; without it the one in ``<path>.sha256`` is used where that file is there.

    Raises:
        CorruptFileError: when the file is missing, unreadable or its checksum differs.
        SchemaVersionError: when a newer version wrote it.
    """
    with refusing_damage(str(path)):
        return [Trace.from_row(row) for row in read_table(path, sha256=sha256).to_pylist()]


def read_table(
    path: Path,
    *,
    columns: Sequence[str] | None = None,
    where: Sequence[tuple[str, str, Any]] = (),
    sha256: str | None = None,
) -> "pa.Table":
    """Returns the rows of a Parquet file as a table of this version's columns after checking it: for many traces.

    Text is dictionary-encoded: recipes and versions of packages repeat, and are most of a large table otherwise.

    Args:
        path: the Parquet file.
        columns: to keep, in this order; all by default.
        where: conditions that all must hold, such as ``("pruning_rate", "<=", 0.2)`` or ``("task", "in", [...])``.
        sha256: expected checksum; without it the one in ``<path>.sha256`` is used where that file is there.

    Raises:
        CorruptFileError: when the file is missing, unreadable or its checksum differs.
        SchemaVersionError: when a newer version wrote it.
        UnknownNameError: when a column does not exist.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = list(columns or COLUMNS)
    _check_names([*wanted, *(name for name, _, _ in where)])
    _check_file(path, sha256)
    version = trace_version(path)
    present = columns_of(version)
    # Columns that came later stand in no file of an older version: they are added before anything is filtered by them.
    early = all(name in present for name, _, _ in where)
    needed = {*wanted, *(() if early else (name for name, _, _ in where))}
    conditions = pq.filters_to_expression(list(where)) if where else None
    try:
        table = pq.read_table(
            path,
            columns=[name for name in present if name in needed],
            filters=conditions if early else None,
            read_dictionary=[name for name, kind in COLUMNS.items() if kind == "text"],
            page_checksum_verification=True,
        )
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    schema = _schema()
    for later in range(version + 1, TRACE_VERSION + 1):
        for name, value in ADDED[later].items():
            if name in needed:
                field = schema.field(name)
                table = table.append_column(field, pa.array([value] * len(table), type=field.type))
    if not early:
        table = table.filter(conditions)
    return table.select(wanted)


def trace_version(path: Path) -> int:
    """Returns the version of the schema that a Parquet file was written with.

    Raises:
        CorruptFileError: when the file is unreadable, no file of traces, or lacks a column of its version.
        SchemaVersionError: when a newer version wrote it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    stored = (schema.metadata or {}).get(_VERSION_KEY, b"")
    version = int(stored) if stored.isdigit() else 0
    if version > TRACE_VERSION:
        raise SchemaVersionError(
            f"{path} has trace version {version}", f"known are up to {TRACE_VERSION}", "upgrade perfmodel"
        )
    if version < 1:
        raise CorruptFileError(f"{path} carries no trace version", "a file made by bench export", "check the path")
    if missing := [name for name in columns_of(version) if name not in schema.names]:
        raise CorruptFileError(
            f"{path} lacks {', '.join(missing)}", "every column of a trace is needed", "export the file again"
        )
    return version


def _check_file(path: Path, sha256: str | None) -> None:
    if not path.is_file():
        raise CorruptFileError(f"there is no file {path}", "a Parquet file of traces", "check the path")
    beside = path.with_name(path.name + ".sha256")
    expected = sha256 or (beside.read_text().partition(" ")[0].strip() if beside.is_file() else None)
    if expected is not None and (found := sha256_of(path)) != expected:
        raise CorruptFileError(
            f"{path} has sha256 {found}", f"the recorded one is {expected}", "fetch or export the file again"
        )


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if name not in COLUMNS:
            raise unknown_name("column", name, COLUMNS)


def _unreadable(path: Path, error: Exception) -> CorruptFileError:
    return CorruptFileError(
        f"{path} cannot be read ({error})", "a Parquet file of traces", "fetch or export the file again"
    )


def _schema() -> "pa.Schema":
    import pyarrow as pa

    kinds = {
        "text": pa.string(),
        "whole": pa.int64(),
        "real": pa.float64(),
        "wholes": pa.list_(pa.int64()),
        "reals": pa.list_(pa.float64()),
    }
    columns = [(name, kinds[kind]) for name, kind in COLUMNS.items()]
    return pa.schema(columns, metadata={_VERSION_KEY: str(TRACE_VERSION).encode()})
