"""Where fetched files live, and how a file arrives there whole although two processes may want it at once."""

import os
import shutil
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
    """Returns ``folder``, which exists afterwards.

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
    """Holds the only right to write in ``folder``; another process waits at the entrance.

    Args:
        folder: an existing folder; the lock is the file ``.lock`` in it and dies with its process.
        progress: told once when another process must be waited for.

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


@contextmanager
def arriving(final: Path) -> Iterator[Path]:
    """Yields a temporary sibling that becomes ``final`` when the block ends without an error, and else vanishes.

    To be used while ``locked``: what a killed process left behind is cleared first.

    Args:
        final: the file or folder to make; it must not exist if it is a folder.
    """
    for stale in final.parent.glob(f".{final.name}.partial-*"):
        _remove(stale)
    partial = final.with_name(f".{final.name}.partial-{os.getpid()}")
    try:
        yield partial
        partial.replace(final)
    finally:
        _remove(partial)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
