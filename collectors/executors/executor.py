"""The contract of every executor."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable

from perfmodel.traces.trace import Asked, Trace

Runner = Callable[[Asked], Trace]
"""Runs one trial; a runner lives through many and keeps what they share. A test hands in a fake one."""


class AbstractExecutor(ABC):
    """Turns trials into traces, in whatever order they end."""

    @abstractmethod
    def run(self, trials: Iterable[Asked]) -> Generator[Trace]:
        """Yields one trace for every trial; closing the generator ends what still runs.

        Raises:
            PerfModelError: when a trial cannot be one; trials that were running then are lost, traces that were
                yielded are not.
        """
