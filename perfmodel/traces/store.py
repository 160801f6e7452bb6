"""Traces on this machine: one SQLite file, one writer, every trial at most once."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock

from perfmodel.errors import (
    CorruptFileError,
    OutputFolderError,
    PerfModelError,
    SchemaVersionError,
    StoreFullError,
)
from perfmodel.files.json_file import refusing_damage
from perfmodel.files.lock import held_or_refused
from perfmodel.traces.columns import ADDED, COLUMNS, LISTS, TRACE_VERSION, upgraded
from perfmodel.traces.trace import Status, Trace

MOUNTS = Path("/proc/mounts")
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "ceph", "glusterfs", "9p", "fuse.sshfs"}

NO_SPACE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_SHMSIZE}
"""What SQLite says of a full disk: a quota shows as a failed write, and the log's index may be what finds no room."""


class TraceStore:
    """A trace store opened for reading, or, as a context manager from ``writer``, for writing.

    Args:
        path: the SQLite file; it is created where it does not exist and ``create`` is true.
        create: whether to make a missing file.

    Raises:
        CorruptFileError: when the file is no trace store or fails SQLite's integrity check.
        SchemaVersionError: when a newer version wrote it.
        OutputFolderError: when the folder cannot be written, or lies on a network file system.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        self._lock: FileLock | None = None
        if create:
            _refuse_network_file_system(path)
        elif not path.is_file():
            raise CorruptFileError(
                f"there is no trace store at {path}", "bench collect makes one", "run bench collect first"
            )
        try:
            self._connection = sqlite3.connect(path, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise _unopened(path, error) from error
        try:
            self._prepare(create=create)
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise _unopened(path, error) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self._connection.close()
            raise _corrupt(path, str(error)) from error
        except PerfModelError:
            self._connection.close()
            raise

    @classmethod
    def writer(cls, path: Path) -> Self:
        """Returns the store opened as its only writer; close it to let another driver in.

        Raises:
            StoreBusyError: when another driver holds it.
        """
        lock = held_or_refused(path.with_suffix(".lock"), f"{path} is being written by another driver")
        try:
            store = cls(path, create=True)
        except BaseException:
            lock.release()
            raise
        store._lock = lock
        return store

    def add(self, trace: Trace) -> bool:
        """Writes one trace in a transaction of its own.

        Returns:
            False where a trace of that key is already there: the store keeps the first one.

        Raises:
            StoreFullError: when the disk has no space for it; the store is as it was before.
        """
        return self._write("INSERT", trace, "ON CONFLICT (key) DO NOTHING")

    def replace(self, trace: Trace) -> None:
        """Writes one trace in the place of the one that has its key, in a transaction of its own.

        Raises:
            StoreFullError: when the disk has no space for it; the store is as it was before.
        """
        self._write("INSERT OR REPLACE", trace, "")

    def keys(self) -> frozenset[str]:
        """Returns the keys of every stored trial."""
        return frozenset(key for (key,) in self._connection.execute("SELECT key FROM traces"))

    def statuses(self) -> dict[str, Status]:
        """Returns how every stored trial ended, by key."""
        return dict(self._connection.execute("SELECT key, status FROM traces").fetchall())

    def __iter__(self) -> Iterator[Trace]:
        """Yields the traces in the order they were written."""
        with refusing_damage(str(self.path), "restore a copy, or move it away and start again"):
            cursor = self._connection.execute("SELECT * FROM traces ORDER BY rowid")
            names = [column[0] for column in cursor.description]
            for values in cursor:
                yield Trace.from_row(upgraded(_row(names, values), self._version))

    def __len__(self) -> int:
        """Returns the number of traces."""
        return int(self._connection.execute("SELECT count(*) FROM traces").fetchone()[0])

    def close(self) -> None:
        """Closes the file and lets another driver in."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        """Returns the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the store."""
        self.close()

    def _write(self, verb: str, trace: Trace, otherwise: str) -> bool:
        row = trace.to_row()
        columns = ", ".join(row)
        holes = ", ".join("?" for _ in row)
        values = [json.dumps(value) if name in LISTS else value for name, value in row.items()]
        statement = f"{verb} INTO traces ({columns}) VALUES ({holes}) {otherwise}"
        try:
            return self._connection.execute(statement, values).rowcount == 1
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in NO_SPACE:
                raise
            raise StoreFullError(
                f"{self.path} cannot take another trace ({error})",
                "space on its disk",
                "free some and run the same command again; every trace stored before is intact",
            ) from error

    def _prepare(self, *, create: bool) -> None:
        found = self._connection.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise _corrupt(self.path, str(found).replace("\n", ", "))
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version > TRACE_VERSION:
            raise SchemaVersionError(
                f"{self.path} has trace version {version}", f"known are up to {TRACE_VERSION}", "upgrade perfmodel"
            )
        tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version == 0 and not tables and create:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.executescript(f"BEGIN; {_SCHEMA}; PRAGMA user_version={TRACE_VERSION}; COMMIT;")
        elif version == 0 or "traces" not in tables:
            raise _corrupt(self.path, "it holds no traces")
        elif version < TRACE_VERSION and create:
            self._connection.executescript(f"BEGIN; {_migration(version)}; COMMIT;")
        self._version = TRACE_VERSION if create else version


def _row(names: list[str], values: tuple[Any, ...]) -> dict[str, Any]:
    return {name: json.loads(value) if name in LISTS else value for name, value in zip(names, values, strict=True)}


def _unopened(path: Path, error: sqlite3.OperationalError) -> OutputFolderError:
    return OutputFolderError(
        f"{path} cannot be opened ({error})", "a writable folder on a local disk", "choose another folder"
    )


def _corrupt(path: Path, found: str) -> CorruptFileError:
    return CorruptFileError(
        f"{path} is damaged or no trace store ({found})",
        "an intact SQLite file made by bench collect",
        "move it away and start again, or restore a copy; it was left untouched",
    )


def _refuse_network_file_system(path: Path) -> None:
    if not MOUNTS.is_file():
        return
    place = path.parent.resolve()
    kinds = {fields[1]: fields[2] for line in MOUNTS.read_text().splitlines() if len(fields := line.split()) > 2}
    mount = next((str(parent) for parent in (place, *place.parents) if str(parent) in kinds), "/")
    if kinds.get(mount) in NETWORK_FILE_SYSTEMS:
        raise OutputFolderError(
            f"{path} lies on a network file system ({kinds[mount]})",
            "a local disk: SQLite's locks do not hold over a network",
            "choose a folder on a local disk",
        )


_TEXT, _WHOLE, _REAL = "TEXT NOT NULL", "INTEGER", "REAL"
_SQL_TYPES = {"text": _TEXT, "whole": _WHOLE, "real": _REAL, "wholes": _TEXT, "reals": _TEXT}

_COLUMNS_SQL = ", ".join(f"{name} {_SQL_TYPES[kind]}" for name, kind in COLUMNS.items())
_SCHEMA = f"CREATE TABLE traces ({_COLUMNS_SQL}, PRIMARY KEY (key))"
"""A column of numbers may be NULL: a value that was not measured."""


def _migration(version: int) -> str:
    """Returns the statements that bring a table of an older version to this one."""
    statements = []
    for later in range(version + 1, TRACE_VERSION + 1):
        for name, value in ADDED[later].items():
            stored = json.dumps(value) if name in LISTS else value
            default = "" if stored is None else f" DEFAULT '{stored}'"
            statements.append(f"ALTER TABLE traces ADD COLUMN {name} {_SQL_TYPES[COLUMNS[name]]}{default}")
    return "; ".join([*statements, f"PRAGMA user_version={TRACE_VERSION}"])
