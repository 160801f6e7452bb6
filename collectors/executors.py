"""How trials are carried out: in this process, or by worker processes that a crash or a timeout cannot take along."""

import multiprocessing
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from collectors.provenance import ran_on
from perfmodel.errors import PerfModelError
from perfmodel.trace import Asked, Measured, Status, Trace

Runner = Callable[[Asked], Trace]
"""Runs one trial; a runner lives through many and keeps what they share. A test hands in a fake one."""

STOP_GRACE_S = 5.0


class AbstractExecutor(ABC):
    """Turns trials into traces, in whatever order they end."""

    @abstractmethod
    def run(self, trials: Iterable[Asked]) -> Iterator[Trace]:
        """Yields one trace for every trial.

        Raises:
            PerfModelError: when a trial cannot be one; trials that were running then are lost, traces that were
                yielded are not.
        """


class InlineExecutor(AbstractExecutor):
    """Runs trials one after the other in this process: simple to debug, no timeout.

    Args:
        runner: runs one.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, trials: Iterable[Asked]) -> Iterator[Trace]:
        """Yields one trace for every trial, in order."""
        for asked in trials:
            yield self._runner(asked)


class LocalExecutor(AbstractExecutor):
    """Runs trials in worker processes that live through many trials and are replaced after a crash or a timeout.

    Args:
        make_runner: picklable; called once in each worker.
        workers: processes.
        threads: of each, as recorded in the traces of trials whose worker was lost.
        timeout_s: longest time for one trial, its worker's loading included.
        campaign: name that the traces of lost trials carry.
    """

    def __init__(
        self, make_runner: Callable[[], Runner], *, workers: int, threads: int, timeout_s: float, campaign: str
    ) -> None:
        self._make_runner = make_runner
        self._workers = workers
        self._threads = threads
        self._timeout_s = timeout_s
        self._campaign = campaign

    def run(self, trials: Iterable[Asked]) -> Iterator[Trace]:
        """Yields one trace for every trial, as they end."""
        waiting = deque(trials)
        workers: list[_Worker] = []
        try:
            while waiting or any(worker.asked for worker in workers):
                workers[:] = [worker for worker in workers if worker.asked or not worker.has_ended]
                while waiting and len(workers) < self._workers:
                    workers.append(_Worker.start(self._make_runner))
                for worker in workers:
                    if worker.asked is None and waiting:
                        worker.give(waiting.popleft())
                for worker in self._ready(workers):
                    yield self._collect(worker)
        finally:
            for worker in workers:
                worker.stop()

    def _ready(self, workers: list["_Worker"]) -> list["_Worker"]:
        """Returns the workers whose trial has ended, died or run out of time."""
        busy = [worker for worker in workers if worker.asked]
        left = min(worker.started + self._timeout_s for worker in busy) - time.monotonic()
        found = set(wait([end for worker in busy for end in worker.ends], timeout=max(0.0, left)))
        late = time.monotonic() - self._timeout_s
        return [worker for worker in busy if found.intersection(worker.ends) or worker.started <= late]

    def _collect(self, worker: "_Worker") -> Trace:
        asked = worker.asked
        assert asked is not None
        worker.asked = None
        if worker.connection.poll():
            try:
                outcome = worker.connection.recv()
            except (EOFError, OSError):  # OSError: it died in the middle of a message
                return self._lost(asked, "failed", worker.obituary())
            if isinstance(outcome, PerfModelError):
                raise outcome
            assert isinstance(outcome, Trace)
            return outcome
        if worker.has_ended:
            return self._lost(asked, "failed", worker.obituary())
        worker.stop()
        return self._lost(asked, "timeout", f"no result after {self._timeout_s:g} s")

    def _lost(self, asked: Asked, status: Status, reason: str) -> Trace:
        return Trace(asked, Measured(status, reason), ran_on(asked.setting.device_class, self._campaign, self._threads))


@dataclass
class _Worker:
    """One process and what it is doing."""

    process: BaseProcess
    connection: Connection
    asked: Asked | None = None
    started: float = 0.0

    @classmethod
    def start(cls, make_runner: Callable[[], Runner]) -> "_Worker":
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, make_runner), daemon=True)
        with _interrupts_ignored():
            process.start()
        theirs.close()
        return cls(process, ours)

    @property
    def ends(self) -> tuple[Connection, int]:
        return self.connection, self.process.sentinel

    @property
    def has_ended(self) -> bool:
        """Whether the process is dead or dying; ``is_alive`` still says yes for a moment after its ends have closed."""
        return bool(wait([self.process.sentinel], timeout=0))

    def give(self, asked: Asked) -> None:
        self.asked, self.started = asked, time.monotonic()
        try:
            self.connection.send(asked)
        except (BrokenPipeError, ConnectionResetError):
            self.process.join(STOP_GRACE_S)

    def stop(self) -> None:
        self.process.kill()
        self.process.join(STOP_GRACE_S)
        self.connection.close()

    def obituary(self) -> str:
        self.process.join(STOP_GRACE_S)
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            killer = ", as the kernel does when memory runs out" if name == "SIGKILL" else ""
            return f"the worker was ended by {name}{killer}"
        return f"the worker ended with exit code {code}"


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Lets a process start deaf to the keyboard's interrupt, which is the driver's alone; it inherits the setting."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(connection: Connection, make_runner: Callable[[], Runner]) -> None:
    """Runs trials until the driver is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    runner: Runner | None = None
    while True:
        try:
            asked = connection.recv()
        except EOFError:
            return
        try:
            runner = runner or make_runner()
            outcome: Trace | PerfModelError = runner(asked)
        except PerfModelError as error:
            outcome = error
        connection.send(outcome)


def _end_with_driver() -> None:
    """Ends this process at once when the driver is gone, so that a killed campaign leaves nothing running."""
    driver = multiprocessing.parent_process()
    assert driver is not None
    wait([driver.sentinel])
    os._exit(1)
