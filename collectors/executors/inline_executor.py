"""Runs trials in this process."""

from collections.abc import Generator, Iterable

from collectors.executors.executor import AbstractExecutor, Runner
from perfmodel.traces.trace import Asked, Trace


class InlineExecutor(AbstractExecutor):
    """Runs trials one after the other in this process: simple to debug, no timeout.

    Args:
        runner: runs one trial.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, trials: Iterable[Asked]) -> Generator[Trace]:
        """Yields one trace for every trial, in the order of the trials; see ``AbstractExecutor.run``."""
        for asked in trials:
            yield self._runner(asked)
