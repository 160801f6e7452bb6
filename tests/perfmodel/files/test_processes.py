"""Work spread over processes: each computes in one thread, results are those of one process, and errors come through."""

import os

import pytest

from perfmodel.files.processes import as_done, usable_cores


def square(number: int) -> int:
    """Returns the square, and refuses a negative number."""
    if number < 0:
        raise ValueError(number)
    return number**2


def threads(_: int) -> str | None:
    """Returns what the process was told of its threads."""
    return os.getenv("OMP_NUM_THREADS")


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done(workers):
    assert sorted(as_done(square, [3, 1, 2], workers)) == [1, 4, 9]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_through(workers):
    with pytest.raises(ValueError, match="-1"):
        list(as_done(square, [1, -1, 2], workers))


@pytest.mark.parametrize("before", ["3", None])
def test_workers_compute_in_one_thread_each_and_this_process_as_before(monkeypatch, before):
    if before is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", before)
    assert list(as_done(threads, [0], 2)) == ["1"]
    assert os.getenv("OMP_NUM_THREADS") == before


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not tell")
def test_usable_cores_are_those_of_this_process():
    assert usable_cores() == len(os.sched_getaffinity(0))
