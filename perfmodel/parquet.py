"""Traces as Parquet, with the schema's version inside the file and its sha256 beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfmodel.checksum import sha256_of
from perfmodel.errors import CorruptFileError, OutputFolderError, SchemaVersionError
from perfmodel.trace import TRACE_VERSION, Trace

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
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, partial, compression="zstd", write_page_checksum=True)
        digest = sha256_of(partial)
        partial.replace(path)
        path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")
    except OSError as error:
        raise OutputFolderError(
            f"{path} cannot be written ({error})", "a writable folder", "choose another folder"
        ) from error
    return digest


def read_traces(path: Path, *, sha256: str | None = None) -> list[Trace]:
    """Returns the traces of a Parquet file after checking it.

    Args:
        path: the file.
        sha256: expected checksum; without it the one in ``<path>.sha256`` is used where that file is there.

    Raises:
        CorruptFileError: when the file is missing, unreadable or its checksum differs.
        SchemaVersionError: when a newer version wrote it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise CorruptFileError(f"there is no file {path}", "a Parquet file of traces", "check the path")
    beside = path.with_name(path.name + ".sha256")
    expected = sha256 or (beside.read_text().partition(" ")[0].strip() if beside.is_file() else None)
    if expected is not None and (found := sha256_of(path)) != expected:
        raise CorruptFileError(
            f"{path} has sha256 {found}", f"the recorded one is {expected}", "fetch or export the file again"
        )
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise CorruptFileError(
            f"{path} cannot be read ({error})", "a Parquet file of traces", "fetch or export the file again"
        ) from error
    stored = (table.schema.metadata or {}).get(_VERSION_KEY, b"")
    version = int(stored) if stored.isdigit() else 0
    if version > TRACE_VERSION:
        raise SchemaVersionError(
            f"{path} has trace version {version}", f"known are up to {TRACE_VERSION}", "upgrade perfmodel"
        )
    if version < 1:
        raise CorruptFileError(f"{path} carries no trace version", "a file made by bench export", "check the path")
    if missing := [name for name in _schema().names if name not in table.column_names]:
        raise CorruptFileError(
            f"{path} lacks {', '.join(missing)}", "every column of a trace is needed", "export the file again"
        )
    return [Trace.from_row(row) for row in table.to_pylist()]


def _schema() -> "pa.Schema":
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    columns: dict[str, pa.DataType] = {
        **dict.fromkeys(("key", "model", "model_sha256", "task", "task_sha256", "recipe", "device_class"), text),
        **dict.fromkeys(("setting", "configuration"), text),
        "pruning_rate": real,
        "bits": pa.list_(whole),
        "ranks": pa.list_(whole),
        "seed": whole,
        **dict.fromkeys(("source", "pruning_method", "quantizers", "initializer", "adapter"), text),
        **dict.fromkeys(("status", "reason"), text),
        **dict.fromkeys(("held_out_loss", "accuracy"), real),
        "accuracy_examples": whole,
        "curve_steps": pa.list_(whole),
        "curve_losses": pa.list_(real),
        **dict.fromkeys(("peak_memory_bytes", "weight_bytes", "adapter_bytes", "adapter_parameters"), whole),
        **dict.fromkeys(("optimizer_bytes", "largest_batch_tokens", "largest_batch_answer_tokens"), whole),
        **dict.fromkeys(("step_time_s", "step_time_p95_s", "prepare_time_s", "eval_time_s"), real),
        **dict.fromkeys(("tokens_per_s", "energy_j"), real),
        **dict.fromkeys(("device_name", "driver"), text),
        **dict.fromkeys(("cores", "threads"), whole),
        **dict.fromkeys(("code_version", "started_at", "campaign", "versions"), text),
    }
    return pa.schema(list(columns.items()), metadata={_VERSION_KEY: str(TRACE_VERSION).encode()})
