"""Traces of a file of either kind, without a caller's asking which."""

from pathlib import Path

from perfmodel.traces.parquet import read_traces
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Trace


def traces_of(path: Path) -> list[Trace]:
    """Returns the traces of a Parquet file or of a store.

    Args:
        path: Parquet where it ends in ``.parquet``, else a store.

    Raises:
        CorruptFileError: when it is missing or damaged.
        SchemaVersionError: when a newer version wrote it.
    """
    if path.suffix == ".parquet":
        return read_traces(path)
    with TraceStore(path) as store:
        return list(store)
