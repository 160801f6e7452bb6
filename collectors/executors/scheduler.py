"""The loop that gives trials to workers: each trial ends exactly once, whatever happens to its worker."""

import time
from collections import Counter, deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass

from collectors.executors.worker import AbstractWorker, AbstractWorkerPool, Lost, Outcome
from collectors.measuring.provenance import unknown_machine
from perfmodel.errors import PerfModelError, UserError
from perfmodel.traces.trace import Asked, Measured, Trace

MOST_STARTS = 3
"""How often one trial is started at most; a trial whose node dies every time may be what brings the node down."""

MOST_FAILED_STARTS = 3
"""How many workers in a row may end before they take a trial."""

LONGEST_WAIT_S = 3600.0


@dataclass(frozen=True)
class Limits:
    """What holds for every trial of a campaign.

    Args:
        timeout_s: longest time for one trial in seconds, counted from when a worker is given it; above 0.
        threads: torch threads of each worker, recorded in the trace of a trial whose worker left no record.
        campaign: name of the campaign, recorded likewise.
    """

    timeout_s: float
    threads: int
    campaign: str


@dataclass
class _Assignment:
    """A worker and the trial that it runs, if any."""

    worker: AbstractWorker
    asked: Asked | None = None
    started: float = 0.0
    was_used: bool = False

    def give(self, asked: Asked) -> None:
        self.asked, self.started, self.was_used = asked, time.monotonic(), True
        self.worker.give(asked)

    def has_ended_idle(self) -> bool:
        return self.asked is None and self.worker.state() == "ended"


class Scheduler:
    """Runs trials with the workers of a pool.

    Args:
        trials: what to run, given out in this order.
        pool: starts workers and says how many there may be.
        limits: time limit of each trial, and what the traces of lost trials record.
    """

    def __init__(self, trials: Iterable[Asked], pool: AbstractWorkerPool, limits: Limits) -> None:
        self._waiting = deque(trials)
        self._pool = pool
        self._limits = limits
        self._assignments: list[_Assignment] = []
        self._starts: Counter[str] = Counter()
        self._failed_starts = 0

    def traces(self) -> Generator[Trace]:
        """Yields one trace for every trial, in the order in which they end; every worker is stopped at the end.

        Raises:
            PerfModelError: a trial cannot be run as it was asked for.
            UserError: ``MOST_FAILED_STARTS`` workers in a row ended before they could take a trial.
        """
        try:
            while self._waiting or any(each.asked for each in self._assignments):
                self._drop_ended()
                self._start_missing()
                self._hand_out()
                self._pool.wait([each.worker for each in self._assignments], self._seconds_left())
                for each in self._assignments:
                    outcome = self._outcome(each)
                    if outcome is not None:
                        yield from self._ended(each, outcome)
        finally:
            for each in self._assignments:
                each.worker.stop()

    def _drop_ended(self) -> None:
        ended = [each for each in self._assignments if each.has_ended_idle()]
        self._assignments = [each for each in self._assignments if all(each is not other for other in ended)]
        self._failed_starts += sum(1 for each in ended if not each.was_used)
        if self._failed_starts >= MOST_FAILED_STARTS:
            raise UserError(
                f"{self._failed_starts} workers in a row ended before they could take a trial",
                "each needs a working installation and room for one model",
                "look at the logs of the machines, or start fewer workers",
            )

    def _start_missing(self) -> None:
        busy = sum(1 for each in self._assignments if each.asked)
        for _ in range(len(self._assignments), min(self._pool.size(), busy + len(self._waiting))):
            self._assignments.append(_Assignment(self._pool.start()))

    def _hand_out(self) -> None:
        for each in self._assignments:
            if self._waiting and each.asked is None and each.worker.state() == "ready":
                each.give(self._waiting.popleft())
                self._failed_starts = 0

    def _seconds_left(self) -> float:
        """Returns the seconds until the next trial reaches its time limit."""
        begun = [each.started for each in self._assignments if each.asked and each.worker.state() == "busy"]
        return max(0.0, min(begun) + self._limits.timeout_s - time.monotonic()) if begun else LONGEST_WAIT_S

    def _outcome(self, assignment: _Assignment) -> Outcome | None:
        """Returns how a trial ended, None while it runs.

        The worker is asked before the clock: a trial that ended in time is no timeout, however late it is looked at.
        """
        if assignment.asked is None:
            return None
        outcome = assignment.worker.outcome()
        is_late = time.monotonic() >= assignment.started + self._limits.timeout_s
        if outcome is None and is_late and assignment.worker.state() == "busy":
            assignment.worker.stop()
            return Lost("timeout", f"no result after {self._limits.timeout_s:g} s")
        return outcome

    def _ended(self, assignment: _Assignment, outcome: Outcome) -> Generator[Trace]:
        """Yields the trace of a trial that will not be started again."""
        asked, assignment.asked = assignment.asked, None
        assert asked is not None
        if isinstance(outcome, PerfModelError):
            raise outcome
        if isinstance(outcome, Trace):
            yield outcome
            return
        self._starts[asked.key] += 1
        if outcome.is_node_failure and self._starts[asked.key] < MOST_STARTS:
            self._waiting.appendleft(asked)
            return
        record = assignment.worker.record() or unknown_machine(self._limits.campaign, self._limits.threads)
        yield Trace(asked, Measured(outcome.status, outcome.reason), record)
