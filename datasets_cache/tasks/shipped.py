"""Reads the tasks that come with the package: Parquet files, and a registry with their checksums.

    task_data/registry.json     {"schema_version": 1, "tasks": {name: {file, sha256, sizes, kind, ...}}}
    task_data/<name>.parquet    columns question, answer, choices, split, index, seed; origin in the file's metadata

``index`` is the example's place in its source: with what the metadata says of the source it gives the example back.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets_cache.tasks.examples import SPLITS, Example, Task
from perfmodel.errors import CorruptFileError, SchemaVersionError
from perfmodel.files.checksum import sha256_of
from perfmodel.files.json_file import parse_json, read_json_object
from perfmodel.files.optional import needs_extra

TASK_DATA = Path(__file__).parent / "task_data"
REGISTRY_FILE = "registry.json"
SCHEMA_VERSION = 1
METADATA_KEY = b"perfmodel_task"


def read_registry(folder: Path = TASK_DATA) -> dict[str, dict[str, Any]]:
    """Returns what is known of each shipped task, by name.

    Args:
        folder: holds ``registry.json``.

    Raises:
        CorruptFileError: the registry is missing or damaged.
        SchemaVersionError: it was written by a newer version.
    """
    path = folder / REGISTRY_FILE
    if not path.is_file():
        raise _damaged(path, "is missing")
    registry = read_json_object(path)
    _check_schema(path, registry)
    tasks = registry.get("tasks")
    if not isinstance(tasks, dict):
        raise _damaged(path, "lists no tasks")
    return tasks


def read_shipped_task(name: str, folder: Path = TASK_DATA) -> Task:
    """Returns a shipped task after checking its file.

    Args:
        name: one of the registry's names.
        folder: holds the registry and the Parquet files.

    Raises:
        CorruptFileError: the file is missing or its sha256 is not the registry's.
        SchemaVersionError: it was written by a newer version.
        MissingExtraError: pyarrow is not installed.
    """
    entry = read_registry(folder)[name]
    path = folder / entry["file"]
    if not path.is_file():
        raise _damaged(path, "is missing")
    found = sha256_of(path)
    if found != entry["sha256"]:
        raise _damaged(path, f"has sha256 {found}, the registry says {entry['sha256']}")
    parts: dict[str, list[Example]] = {split: [] for split in SPLITS}
    for row in read_rows(path):
        choices = None if row["choices"] is None else tuple(row["choices"])
        parts[row["split"]].append(Example(row["question"], row["answer"], choices))
    return Task(
        name=name,
        train=tuple(parts["train"]),
        calibration=tuple(parts["calibration"]),
        held_out=tuple(parts["held_out"]),
        sha256=found,
        description=entry["description"],
        kind=entry["kind"],
    )


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Returns the rows of a task's Parquet file in the file's order.

    Raises:
        SchemaVersionError: the file was written by a newer version.
        MissingExtraError: pyarrow is not installed.
    """
    with needs_extra("collect"):
        from pyarrow import parquet  # type: ignore[import-untyped, unused-ignore]
    table = parquet.read_table(path)
    metadata: Mapping[bytes, bytes] = table.schema.metadata or {}
    if METADATA_KEY not in metadata:
        raise _damaged(path, "does not say which schema it has")
    _check_schema(path, parse_json(metadata[METADATA_KEY], str(path)))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _check_schema(path: Path, content: Mapping[str, Any]) -> None:
    version = content.get("schema_version")
    if not isinstance(version, int):
        raise _damaged(path, "has no integer schema version")
    if version > SCHEMA_VERSION:
        raise SchemaVersionError(
            f"{path} has schema version {version}", f"this version knows up to {SCHEMA_VERSION}", "upgrade perfmodel"
        )


def _damaged(path: Path, what: str) -> CorruptFileError:
    return CorruptFileError(
        f"{path} {what}",
        "the tasks' files must be those that came with the package",
        "install perfmodel again, or write them anew with: python -m datasets_cache.tasks.generate",
    )
