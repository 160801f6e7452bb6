"""Ends a command within two seconds of a hang-up or a request to terminate, its workers with it."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LONGEST_END_S = 1.5
"""How long the command may take to stop its workers and clean up."""

SIGNALS = ("SIGHUP", "SIGTERM")


@contextmanager
def ended_by_hang_up() -> Iterator[None]:
    """Turns each of ``SIGNALS`` in the block into a ``KeyboardInterrupt``, and ends the process if it does not obey.

    A signal that is ignored, as under nohup, stays ignored. Outside the main thread nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers if signal.getsignal(number) is signal.SIG_DFL}
    for number in before:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    deadline = threading.Timer(LONGEST_END_S, os._exit, [128 + number])
    deadline.daemon = True
    deadline.start()
    raise KeyboardInterrupt
