"""A lock that one process holds and every other is refused."""

from pathlib import Path

from filelock import FileLock, Timeout

from perfmodel.errors import OutputFolderError, StoreBusyError


def held_or_refused(lock_file: Path, given: str) -> FileLock:
    """Returns a lock that this process holds until it releases it or ends.

    Args:
        lock_file: path of the lock's file; its folder is made where it is not there.
        given: what another driver is doing where it holds the lock, as in ``runs/mine is in use by another driver``.

    Raises:
        StoreBusyError: when another process, or another lock of this one, holds it.
        OutputFolderError: when the file cannot be written.
    """
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_file, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise StoreBusyError(given, "one driver at a time", "wait for it, or use another folder") from error
    except OSError as error:
        raise OutputFolderError(
            f"{lock_file.parent} cannot be written ({error.strerror})", "a writable folder", "choose another folder"
        ) from error
    return lock
