"""The folder of fetched files, and the lock that lets one process at a time write there."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from perfmodel.errors import OutputFolderError

CACHE_VARIABLE = "PERFMODEL_CACHE"

Progress = Callable[[str], None]


def cache_folder() -> Path:
    """Returns the folder of fetched files: ``PERFMODEL_CACHE``, or the user's cache folder of the platform."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("perfmodel"))


def make_folder(folder: Path) -> Path:
    """Returns ``folder`` after creating it where it does not exist.

    Args:
        folder: the folder to create, with its parents.

    Raises:
        OutputFolderError: the folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFolderError(
            f"the cache folder {folder} cannot be created ({error.strerror})",
            "the cache must lie in a folder that can be written",
            f"set {CACHE_VARIABLE} to such a folder",
        ) from error
    return folder


@contextmanager
def locked(folder: Path, progress: Progress) -> Iterator[None]:
    """Lets only this process write in ``folder`` while the block runs; other processes wait.

    Args:
        folder: an existing folder; the lock is the file ``.lock`` in it and dies with its process.
        progress: called once, with one line of text, when another process must be waited for.

    Raises:
        OutputFolderError: the lock file cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(f"waiting for another process that is filling {folder}")
            lock.acquire()
    except OSError as error:
        raise OutputFolderError(
            f"the folder {folder} cannot be written ({error.strerror})",
            "the cache must lie in a folder that can be written",
            f"set {CACHE_VARIABLE} to such a folder",
        ) from error
    try:
        yield
    finally:
        lock.release()
