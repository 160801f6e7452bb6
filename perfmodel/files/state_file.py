"""Versioned JSON state files with their own checksum: how fitted models are kept without pickles."""

import json
from pathlib import Path
from typing import Any

from perfmodel.errors import CorruptFileError, SchemaVersionError
from perfmodel.files.checksum import sha256_of_json
from perfmodel.files.whole_file import write_whole


def write_state(path: Path, kind: str, version: int, body: dict[str, Any]) -> None:
    """Writes one state file atomically; NaN and infinity are refused, so that any JSON reader can open it.

    Args:
        path: the file to write; folders above it are made.
        kind: the name of the sort of state, which ``read_state`` must be asked for.
        version: version of the body's schema, 1 or more.
        body: plain values, as JSON can hold them.

    Raises:
        OutputFolderError: when the folder cannot be written.
        ValueError: when a number is NaN or infinite.
    """
    state = {"kind": kind, "version": version, "sha256": sha256_of_json(body), "body": body}
    write_whole(path, json.dumps(state, allow_nan=False, indent=1))


def read_state(path: Path, kind: str, version: int, *, oldest: int = 1) -> dict[str, Any]:
    """Returns the body of a state file.

    Args:
        path: the file to read.
        kind: the sort of state that it must hold.
        version: the newest version that the caller knows.
        oldest: the oldest version that the caller can read, 1 or more.

    Raises:
        CorruptFileError: when the file is missing, is no state file of that kind or fails its checksum.
        SchemaVersionError: when a newer version wrote it, or one that is too old.
    """
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        found, body = state["version"], state["body"]
        intact = state["kind"] == kind and state["sha256"] == sha256_of_json(body) and isinstance(found, int)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _corrupt(path, repr(error)) from error
    if isinstance(found, int) and found > version:
        raise SchemaVersionError(
            f"{path} has version {found}", f"known are up to {version}", "upgrade perfmodel to read it"
        )
    if isinstance(found, int) and found < oldest:
        raise SchemaVersionError(
            f"{path} has version {found}", f"the oldest that can be read is {oldest}", f"make the {kind} again"
        )
    if not intact or not isinstance(body, dict):
        raise _corrupt(path, f"it is no intact {kind} file")
    return body


def _corrupt(path: Path, reason: str) -> CorruptFileError:
    return CorruptFileError(
        f"{path} cannot be used ({reason})", "a file as it was written is needed", "fit and save the model again"
    )
