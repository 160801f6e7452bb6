"""The loop that carries trials out with workers: each trial ends once, whatever happens to its worker."""

import time
from collections import Counter, deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass

from collectors.executors.worker import AbstractCrew, AbstractWorker, Lost, Outcome
from collectors.measuring.provenance import unknown_machine
from perfmodel.errors import PerfModelError, UserError
from perfmodel.traces.trace import Asked, Measured, Trace

MOST_GOES = 3
"""How often a trial is started at most: one that loses its machine every time may well be what brings it down."""

MOST_STILLBORN = 3
"""How many workers in a row may end before they take a trial."""

LONGEST_WAIT_S = 3600.0


@dataclass(frozen=True)
class Limits:
    """What holds for every trial of a campaign.

    Args:
        timeout_s: longest time for one trial, from when a worker is given it.
        threads: of each worker, for the traces of trials whose worker left no record.
        campaign: name, for the same.
    """

    timeout_s: float
    threads: int
    campaign: str


@dataclass
class _Post:
    """A worker and what it was given."""

    worker: AbstractWorker
    asked: Asked | None = None
    started: float = 0.0
    was_used: bool = False

    def give(self, asked: Asked) -> None:
        self.asked, self.started, self.was_used = asked, time.monotonic(), True
        self.worker.give(asked)


class Driving:
    """Carries trials out with the workers of a crew.

    Args:
        trials: in the order in which they are given out.
        crew: where workers come from.
        limits: of each trial.
    """

    def __init__(self, trials: Iterable[Asked], crew: AbstractCrew, limits: Limits) -> None:
        self._waiting = deque(trials)
        self._crew = crew
        self._limits = limits
        self._posts: list[_Post] = []
        self._goes: Counter[str] = Counter()
        self._stillborn = 0

    def traces(self) -> Generator[Trace]:
        """Yields one trace for every trial, as they end; on leaving, every worker is stopped.

        Raises:
            PerfModelError: a trial that cannot be one.
            UserError: workers end before they can take a trial.
        """
        try:
            while self._waiting or any(post.asked for post in self._posts):
                self._bury()
                self._hire()
                self._hand_out()
                self._crew.wait([post.worker for post in self._posts], self._seconds_left())
                for post in self._posts:
                    outcome = self._outcome(post)
                    if outcome is not None:
                        yield from self._ended(post, outcome)
        finally:
            for post in self._posts:
                post.worker.stop()

    def _bury(self) -> None:
        ended = [post for post in self._posts if post.asked is None and post.worker.state() == "ended"]
        self._posts = [post for post in self._posts if all(post is not each for each in ended)]
        self._stillborn += sum(1 for post in ended if not post.was_used)
        if self._stillborn >= MOST_STILLBORN:
            raise UserError(
                f"{self._stillborn} workers in a row ended before they could take a trial",
                "each needs a working installation and room for one model",
                "look at the logs of the machines, or start fewer workers",
            )

    def _hire(self) -> None:
        busy = sum(1 for post in self._posts if post.asked)
        for _ in range(len(self._posts), min(self._crew.size(), busy + len(self._waiting))):
            self._posts.append(_Post(self._crew.start()))

    def _hand_out(self) -> None:
        for post in self._posts:
            if self._waiting and post.asked is None and post.worker.state() == "ready":
                post.give(self._waiting.popleft())
                self._stillborn = 0

    def _seconds_left(self) -> float:
        begun = [post.started for post in self._posts if post.asked and post.worker.state() == "busy"]
        return max(0.0, min(begun) + self._limits.timeout_s - time.monotonic()) if begun else LONGEST_WAIT_S

    def _outcome(self, post: _Post) -> Outcome | None:
        """Returns how a trial ended; what ended in time is no timeout, however late one looks."""
        if post.asked is None:
            return None
        outcome = post.worker.outcome()
        is_late = time.monotonic() >= post.started + self._limits.timeout_s
        if outcome is None and is_late and post.worker.state() == "busy":
            post.worker.stop()
            return Lost("timeout", f"no result after {self._limits.timeout_s:g} s")
        return outcome

    def _ended(self, post: _Post, outcome: Outcome) -> Generator[Trace]:
        """Yields the trace of a trial that has ended for good."""
        asked, post.asked = post.asked, None
        assert asked is not None
        if isinstance(outcome, PerfModelError):
            raise outcome
        if isinstance(outcome, Trace):
            yield outcome
            return
        self._goes[asked.key] += 1
        if outcome.is_blameless and self._goes[asked.key] < MOST_GOES:
            self._waiting.appendleft(asked)
            return
        record = post.worker.record() or unknown_machine(self._limits.campaign, self._limits.threads)
        yield Trace(asked, Measured(outcome.status, outcome.reason), record)
