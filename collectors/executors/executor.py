"""The contract of every executor."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable

from perfmodel.traces.trace import Asked, Trace

Runner = Callable[[Asked], Trace]
"""A function that runs one trial and returns its trace; it is called many times and keeps what trials share."""


class AbstractExecutor(ABC):
    """Runs trials and yields their traces in the order in which they end."""

    @abstractmethod
    def run(self, trials: Iterable[Asked]) -> Generator[Trace]:
        """Yields one trace for every trial; closing the generator stops trials that still run.

        Args:
            trials: trials to run.

        Raises:
            PerfModelError: a trial cannot be run as it was asked for. Trials that were running then are lost; traces
                that were yielded are not.
        """
