"""Versioned JSON state files with their own checksum: how fitted models are kept without pickles."""

import hashlib
import json
from pathlib import Path
from typing import Any

from perfmodel.errors import CorruptFileError, OutputFolderError, SchemaVersionError


def write_state(path: Path, kind: str, version: int, body: dict[str, Any]) -> None:
    """Writes one state file; NaN and infinity are refused, so that any JSON reader can open it.

    Args:
        path: the file.
        kind: what the state belongs to.
        version: of the body's schema.
        body: plain values.

    Raises:
        OutputFolderError: when the folder cannot be written.
    """
    text = json.dumps(
        {"kind": kind, "version": version, "sha256": _digest(body), "body": body}, allow_nan=False, indent=1
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputFolderError(
            f"{path} cannot be written ({error})", "a writable folder", "choose another folder"
        ) from error


def read_state(path: Path, kind: str, version: int) -> dict[str, Any]:
    """Returns the body of a state file.

    Args:
        path: the file.
        kind: what the state must belong to.
        version: the newest version that the caller knows.

    Raises:
        CorruptFileError: when the file is missing, is no state file of that kind or fails its checksum.
        SchemaVersionError: when a newer version wrote it.
    """
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        found, body = state["version"], state["body"]
        intact = state["kind"] == kind and state["sha256"] == _digest(body) and isinstance(found, int)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _corrupt(path, repr(error)) from error
    if isinstance(found, int) and found > version:
        raise SchemaVersionError(
            f"{path} has version {found}", f"known are up to {version}", "upgrade perfmodel to read it"
        )
    if not intact or not isinstance(body, dict):
        raise _corrupt(path, f"it is no intact {kind} file")
    return body


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _corrupt(path: Path, reason: str) -> CorruptFileError:
    return CorruptFileError(
        f"{path} cannot be used ({reason})", "a file as it was written is needed", "fit and save the model again"
    )
