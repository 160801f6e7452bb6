"""The one atomic write: a file or folder is there whole or not at all, even when the process is killed meanwhile."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perfmodel.errors import OutputFolderError


@contextmanager
def arriving(final: Path) -> Iterator[Path]:
    """Yields a temporary sibling that takes the place of ``final`` when the block ends without an error, else vanishes.

    One process at a time may write ``final``: what a killed process left beside it is removed first.

    Args:
        final: the file or folder to make; the one that is there stays until the block ends.

    Raises:
        OSError: when the folder around it cannot be written.
    """
    for stale in final.parent.glob(f".{final.name}.partial-*"):
        _remove(stale)
    partial = final.with_name(f".{final.name}.partial-{os.getpid()}")
    try:
        yield partial
        if final.is_dir():
            shutil.rmtree(final)
        partial.replace(final)
    finally:
        _remove(partial)


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file atomically and makes the folders above it.

    Args:
        path: the file; one that is there is replaced.
        content: the whole text, written as UTF-8, or the whole file's bytes.

    Raises:
        OutputFolderError: when the folder cannot be made or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with arriving(path) as partial:
            partial.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise OutputFolderError(
            f"{path} cannot be written ({error.strerror or error})", "a writable folder", "choose another folder"
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
