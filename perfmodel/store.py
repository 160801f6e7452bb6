"""Traces on this machine: one SQLite file, one writer, every trial at most once."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from perfmodel.errors import CorruptFileError, OutputFolderError, PerfModelError, SchemaVersionError, StoreBusyError
from perfmodel.trace import TRACE_VERSION, Trace

_LISTS = ("bits", "ranks", "curve_steps", "curve_losses")
MOUNTS = Path("/proc/mounts")
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "ceph", "glusterfs", "9p", "fuse.sshfs"}


class TraceStore:
    """A trace store opened for reading, or, as a context manager from ``writer``, for writing.

    Args:
        path: the SQLite file; it is created where it does not exist and ``create`` is true.
        create: whether a missing file is made.

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
        except sqlite3.DatabaseError as error:
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
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path.with_suffix(".lock"), timeout=0)
            lock.acquire()
        except Timeout as error:
            raise StoreBusyError(
                f"{path} is being written by another driver",
                "one driver at a time",
                "wait for it, or use another folder",
            ) from error
        except OSError as error:
            raise OutputFolderError(
                f"{path.parent} cannot be written ({error.strerror})", "a writable folder", "choose another folder"
            ) from error
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
        """
        row = trace.to_row()
        columns = ", ".join(row)
        holes = ", ".join("?" for _ in row)
        values = [json.dumps(value) if name in _LISTS else value for name, value in row.items()]
        statement = f"INSERT INTO traces ({columns}) VALUES ({holes}) ON CONFLICT (key) DO NOTHING"  # noqa: S608 - names come from Trace, values are bound
        cursor = self._connection.execute(statement, values)
        return cursor.rowcount == 1

    def keys(self) -> frozenset[str]:
        """Returns the keys of every stored trial."""
        return frozenset(key for (key,) in self._connection.execute("SELECT key FROM traces"))

    def __iter__(self) -> Iterator[Trace]:
        """Yields the traces in the order they were written."""
        cursor = self._connection.execute("SELECT * FROM traces ORDER BY rowid")
        names = [column[0] for column in cursor.description]
        for values in cursor:
            yield Trace.from_row(_row(names, values))

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


def _row(names: list[str], values: tuple[Any, ...]) -> dict[str, Any]:
    return {name: json.loads(value) if name in _LISTS else value for name, value in zip(names, values, strict=True)}


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


_SCHEMA = """
CREATE TABLE IF NOT EXISTS traces (
    key TEXT PRIMARY KEY,
    model TEXT NOT NULL, model_sha256 TEXT NOT NULL, task TEXT NOT NULL, task_sha256 TEXT NOT NULL,
    recipe TEXT NOT NULL, device_class TEXT NOT NULL, setting TEXT NOT NULL, configuration TEXT NOT NULL,
    pruning_rate REAL NOT NULL, bits TEXT NOT NULL, ranks TEXT NOT NULL,
    seed INTEGER NOT NULL, source TEXT NOT NULL, pruning_method TEXT NOT NULL, quantizers TEXT NOT NULL,
    initializer TEXT NOT NULL, adapter TEXT NOT NULL,
    status TEXT NOT NULL, reason TEXT NOT NULL, held_out_loss REAL, accuracy REAL, accuracy_examples INTEGER,
    curve_steps TEXT NOT NULL, curve_losses TEXT NOT NULL, peak_memory_bytes INTEGER, weight_bytes INTEGER,
    adapter_bytes INTEGER, adapter_parameters INTEGER, optimizer_bytes INTEGER, largest_batch_tokens INTEGER,
    largest_batch_answer_tokens INTEGER, step_time_s REAL, step_time_p95_s REAL, prepare_time_s REAL,
    eval_time_s REAL, tokens_per_s REAL, energy_j REAL,
    device_name TEXT NOT NULL, driver TEXT NOT NULL, cores INTEGER NOT NULL, threads INTEGER NOT NULL,
    code_version TEXT NOT NULL, started_at TEXT NOT NULL, campaign TEXT NOT NULL, versions TEXT NOT NULL
)
"""
