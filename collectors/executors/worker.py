"""What the scheduler knows of a worker, and of the pool that starts workers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perfmodel.errors import PerfModelError
from perfmodel.traces.trace import Asked, RanOn, Status, Trace

State = Literal["starting", "ready", "busy", "lost", "ended"]
"""``lost``: the worker is gone and the cause is being looked for; ``ended``: it will give no more outcomes."""


@dataclass(frozen=True)
class Lost:
    """How a trial ended whose worker was lost.

    Args:
        status: status of the trial's trace.
        reason: reason in the trial's trace, one line.
        is_node_failure: whether the machine died with the worker, so that the trial may be started again.
    """

    status: Status
    reason: str
    is_node_failure: bool = False


Outcome = Trace | PerfModelError | Lost


class AbstractWorker(ABC):
    """Runs one trial at a time, and many one after the other."""

    @abstractmethod
    def state(self) -> State:
        """Returns what the worker is doing; a ready one takes a trial, a busy one is held to the time limit."""

    @abstractmethod
    def give(self, asked: Asked) -> None:
        """Starts a trial.

        Args:
            asked: trial to run; the worker must be ready.
        """

    @abstractmethod
    def outcome(self) -> Outcome | None:
        """Returns how the given trial ended, once only; None while that is not known."""

    @abstractmethod
    def record(self) -> RanOn | None:
        """Returns where the given trial ran; None where the worker was lost before it said so."""

    @abstractmethod
    def stop(self) -> None:
        """Ends the worker at once, with the trial that it runs; may be called again."""


class AbstractWorkerPool(ABC):
    """Starts workers and waits for news of them."""

    @abstractmethod
    def size(self) -> int:
        """Returns how many workers there may be now."""

    @abstractmethod
    def start(self) -> AbstractWorker:
        """Returns a new worker."""

    @abstractmethod
    def wait(self, workers: Sequence[AbstractWorker], seconds: float) -> None:
        """Waits until one of the workers may have news.

        Args:
            workers: workers of this pool that have not ended.
            seconds: longest wait in seconds, 0 or more.
        """
