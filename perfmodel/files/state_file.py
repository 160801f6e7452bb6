"""Versioned JSON state files with their own checksum: how fitted models are kept without pickles."""

import json
from pathlib import Path
from typing import Any

from perfmodel.errors import CorruptFileError, SchemaVersionError
from perfmodel.files.checksum import sha256_of_json
from perfmodel.files.json_file import read_json, refusing_damage
from perfmodel.files.whole_file import write_whole

_AGAIN = "fit and save the model again"


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
    with refusing_damage(str(path), _AGAIN):
        state = read_json(path, _AGAIN)
        found, body = state["version"], state["body"]
        intact = state["kind"] == kind and state["sha256"] == sha256_of_json(body) and type(found) is int
    if isinstance(found, int) and found > version:
        raise SchemaVersionError(
            f"{path} has version {found}", f"known are up to {version}", "upgrade perfmodel to read it"
        )
    if isinstance(found, int) and found < oldest:
        raise SchemaVersionError(
            f"{path} has version {found}", f"the oldest that can be read is {oldest}", f"make the {kind} again"
        )
    if not intact or not isinstance(body, dict):
        raise CorruptFileError(f"{path} is no intact {kind} file", "a whole file, as it was written", _AGAIN)
    return body
