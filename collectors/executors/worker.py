"""What the driving loop knows of a worker, and of where workers come from."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perfmodel.errors import PerfModelError
from perfmodel.traces.trace import Asked, RanOn, Status, Trace

State = Literal["starting", "ready", "busy", "lost", "ended"]
"""``lost``: it is gone and the cause is being looked into; ``ended``: nothing more will come from it."""


@dataclass(frozen=True)
class Lost:
    """How a trial ended whose worker was lost.

    Args:
        status: of its trace.
        reason: of its trace.
        is_node_failure: what the worker ran on died and took the trial along, so it deserves another go.
    """

    status: Status
    reason: str
    is_node_failure: bool = False


Outcome = Trace | PerfModelError | Lost


class AbstractWorker(ABC):
    """Runs trials one at a time and lives through many."""

    @abstractmethod
    def state(self) -> State:
        """Returns what it is doing; a ready one takes a trial, and a busy one is held to the time limit."""

    @abstractmethod
    def give(self, asked: Asked) -> None:
        """Starts a trial."""

    @abstractmethod
    def outcome(self) -> Outcome | None:
        """Returns how the given trial ended, once; None while that is not known."""

    @abstractmethod
    def record(self) -> RanOn | None:
        """Returns where the given trial ran; None when the worker was lost before it said so."""

    @abstractmethod
    def stop(self) -> None:
        """Ends it at once, with whatever it runs; again and again does no harm."""


class AbstractWorkerPool(ABC):
    """Where workers come from."""

    @abstractmethod
    def size(self) -> int:
        """Returns how many workers there may be now."""

    @abstractmethod
    def start(self) -> AbstractWorker:
        """Returns a new worker."""

    @abstractmethod
    def wait(self, workers: Sequence[AbstractWorker], seconds: float) -> None:
        """Waits until one of the workers may have news, but no longer than that.

        Args:
            workers: those of this pool that have not ended.
            seconds: 0 or more.
        """
