"""Work spread over processes that compute in one thread each."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Final, TypeVar

_THREADS: Final = "OMP_NUM_THREADS"

Job = TypeVar("Job")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def as_done(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    """Yields the function's results as they are ready, in any order.

    Args:
        function: called once a job; it is sent between processes.
        jobs: the arguments of the function's calls, sent between processes.
        workers: number of processes, 1 for this one alone.

    Raises:
        Exception: what the function raises; jobs that have not begun are left.
    """
    if workers == 1:
        yield from map(function, jobs)
        return
    # Fresh processes: a copy of one that has torch's threads may hang.
    with _one_thread_each(), ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for future in as_completed([pool.submit(function, job) for job in jobs]):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Has processes that start now compute in one thread each: more than there are cores slow each other tenfold.

    Libraries read this when they load, so it must stand in the environment before a process begins.
    """
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before
