"""One worker process of this machine, which ends with its driver."""

import ctypes
import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from collectors.executors.worker import AbstractWorker, Lost, Outcome, State
from collectors.executors.worker_runtime import WorkerRuntime
from perfmodel.errors import PerfModelError
from perfmodel.traces.trace import Asked, RanOn, Trace

_LOG = logging.getLogger(__name__)

STOP_GRACE_S = 5.0
"""Longest wait for a killed process to be gone."""

PARENT_DEATH_SIGNAL = 1
"""``PR_SET_PDEATHSIG`` of Linux's ``prctl``."""


class LocalWorker(AbstractWorker):
    """A spawned process that runs trials until it is stopped or its driver is gone.

    Args:
        make_runtime: makes what runs the trials; picklable, called once in the process.
        gpu: the one GPU that the process sees, as ``CUDA_VISIBLE_DEVICES`` names it; empty changes nothing.
    """

    def __init__(self, make_runtime: Callable[[], WorkerRuntime], gpu: str = "") -> None:
        self.gpu = gpu
        self._is_busy = False
        self._is_stopped = False
        self._record: RanOn | None = None
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        # Pickled here, so that the process can tie its life to the driver's before it imports torch to unpickle.
        arguments = theirs, pickle.dumps(make_runtime), _driver_pid()
        self._process: BaseProcess = context.Process(target=_work, args=arguments, daemon=True)
        with _interrupts_ignored(), _only_this_gpu(gpu):
            self._process.start()
        theirs.close()

    @property
    def ends(self) -> tuple[Connection, int]:
        """What becomes readable when there is news."""
        return self._connection, self._process.sentinel

    def state(self) -> State:
        """Returns what it is doing; ``is_alive`` still says yes for a moment after the process's ends have closed."""
        if self._is_stopped or wait([self._process.sentinel], timeout=0):
            return "ended"
        return "busy" if self._is_busy else "ready"

    def give(self, asked: Asked) -> None:
        """Starts a trial."""
        self._is_busy, self._record = True, None
        try:
            self._connection.send(asked)
        except (BrokenPipeError, ConnectionResetError):
            self._process.join(STOP_GRACE_S)

    def outcome(self) -> Outcome | None:
        """Returns how the given trial ended, once; None while it runs."""
        found = self._message()
        if found is None and self.state() == "ended":
            found = self._message() or Lost("failed", self._exit_reason())  # its last words may have come in between
        self._is_busy = found is None
        return found

    def record(self) -> RanOn | None:
        """Returns where the given trial ran; None when the process was lost before it said so."""
        return self._record

    def stop(self) -> None:
        """Kills the process."""
        self._is_stopped = True
        self._process.kill()
        self._process.join(STOP_GRACE_S)
        self._connection.close()

    def _message(self) -> Trace | PerfModelError | Lost | None:
        """Returns the outcome if it has come; a record that comes before it is kept, what it says is logged here."""
        try:
            while self._connection.poll():
                message = self._connection.recv()
                if isinstance(message, Trace | PerfModelError):
                    return message
                if isinstance(message, str):
                    _LOG.info(message)
                else:
                    self._record = message
        except (EOFError, OSError):  # OSError: it died in the middle of a message
            return Lost("failed", self._exit_reason())
        return None

    def _exit_reason(self) -> str:
        self._process.join(STOP_GRACE_S)
        code = self._process.exitcode
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


@contextmanager
def _only_this_gpu(gpu: str) -> Iterator[None]:
    """Lets a process start with one GPU in sight: unpickling its arguments may already import what looks for them."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    try:
        yield
    finally:
        if gpu:
            os.environ.pop("CUDA_VISIBLE_DEVICES")
        if gpu and before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def _driver_pid() -> int:
    """Returns this process's id; 0 in a thread, whose end Linux would take for the driver's."""
    return os.getpid() if threading.current_thread() is threading.main_thread() else 0


def _work(connection: Connection, make_runtime: bytes, driver: int) -> None:
    """Runs trials until the driver is gone.

    Args:
        connection: end of the pipe to the driver.
        make_runtime: pickled function that makes what runs the trials.
        driver: process id of the driver, 0 where its death is not to be signalled.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_driver, daemon=True).start()
    if driver and sys.platform == "linux":  # a thread waits for the interpreter's lock while torch is imported
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != driver:
            os._exit(1)
    said = logging.getLogger("collectors")
    said.addHandler(_ToDriver(connection))
    said.setLevel(logging.INFO)
    runtime: WorkerRuntime = pickle.loads(make_runtime)()  # noqa: S301 - from the driver itself
    while True:
        try:
            asked = connection.recv()
        except EOFError:
            return
        connection.send(runtime.begin(asked))
        connection.send(runtime.run(asked))


class _ToDriver(logging.Handler):
    """Sends what a worker logs to its driver, which logs it again.

    Args:
        connection: end of the pipe to the driver.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        self._connection.send(record.getMessage())


def _end_with_driver() -> None:
    """Ends this process at once when the driver is gone, so that a killed campaign leaves nothing running."""
    driver = multiprocessing.parent_process()
    assert driver is not None
    wait([driver.sentinel])
    os._exit(1)
