"""Carries out a plan: trials that the store holds are not run again, and each trace is stored as soon as it ends."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from collectors.campaign.cost import longest_first
from collectors.campaign.stratified_plan import unique
from collectors.executors import AbstractExecutor
from perfmodel.errors import StoreFullError, TrialsFailedError
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Asked, Status, Trace

PATIENCE_S = 3600.0
"""How long a campaign waits for space on a full disk."""

INTERVAL_S = 10.0
"""Time between two tries to write to a full disk."""

HOPELESS_AFTER = 2
"""How many trials of a setting must fail, with none that did anything else, before the setting is given up."""


@dataclass(frozen=True)
class CampaignResult:
    """How many trials a campaign ran.

    Args:
        ran: number of trials that it ran, 0 or more.
        skipped: number of planned trials that the store already held, 0 or more.
    """

    ran: int
    skipped: int


def run_campaign(
    trials: Sequence[Asked],
    store: TraceStore,
    executor: AbstractExecutor,
    on_trace: Callable[[Trace], None] = lambda _: None,
    *,
    say: Callable[[str], None] = lambda _: None,
    retry: Collection[Status] = (),
    patience_s: float = PATIENCE_S,
    interval_s: float = INTERVAL_S,
) -> CampaignResult:
    """Runs the trials that the store does not hold, those that take longest first.

    When the disk is full, the trace that was measured is kept while the campaign waits for space.

    Args:
        trials: planned trials; one whose key came before is run once.
        store: trace store opened by ``TraceStore.writer``.
        executor: runs the trials.
        on_trace: called with each trace after it is stored.
        say: called with one line of text when the campaign has to wait, and when it goes on.
        retry: statuses whose stored trials of this plan are run again; each keeps its old trace until it has a new one.
        patience_s: longest wait for space on a full disk in seconds, 0 or more.
        interval_s: seconds between two tries to write, above 0.

    Raises:
        StoreFullError: the disk stayed full for ``patience_s``; everything stored before is intact.
        TrialsFailedError: every setting that still has trials has failed ``HOPELESS_AFTER`` times and never worked.
        PerfModelError: a trial cannot be run as it was asked for.
    """
    planned = unique(trials)
    stored = store.statuses()
    todo = left_to_run(planned, stored, retry)
    writer = _PatientWriter(store, say, patience_s, interval_s)
    failures = _Failures(store, Counter(asked.setting.identifier for asked in todo))
    with closing(executor.run(longest_first(todo))) as traces:
        for trace in traces:
            writer.write(trace, again=trace.asked.key in stored)
            on_trace(trace)
            failures.add(trace)
    return CampaignResult(ran=len(todo), skipped=len(planned) - len(todo))


def left_to_run(trials: Sequence[Asked], stored: Mapping[str, Status], retry: Collection[Status] = ()) -> list[Asked]:
    """Returns the trials of a plan that a campaign runs.

    Args:
        trials: the plan, without repeated keys.
        stored: status of every stored trace by its key, of ``TraceStore.statuses``.
        retry: statuses whose stored trials are run again.
    """
    return [asked for asked in trials if stored.get(asked.key) in (None, *retry)]


@dataclass(frozen=True)
class _Failures:
    """Counts failed trials by setting, and stops a campaign that has nothing left but settings that never worked."""

    store: TraceStore
    left: Counter[str]
    failed: Counter[str] = field(default_factory=Counter)

    def add(self, trace: Trace) -> None:
        setting = trace.asked.setting.identifier
        self.left[setting] -= 1
        if trace.measured.status == "failed":
            self.failed[setting] += 1
        waiting = {each for each, count in self.left.items() if count > 0}
        if not waiting or any(self.failed[each] < HOPELESS_AFTER for each in waiting):
            return
        if not any(
            each.asked.setting.identifier in waiting and each.measured.status != "failed" for each in self.store
        ):
            raise TrialsFailedError(
                f"the first {HOPELESS_AFTER} trials failed, the last with: {trace.measured.reason}",
                "a campaign goes on while some trial of a setting works",
                "mend the cause, then run the same command with collect.retry=[failed]",
            )


@dataclass(frozen=True)
class _PatientWriter:
    """Writes traces to a store, and waits while its disk is full."""

    store: TraceStore
    say: Callable[[str], None]
    patience_s: float
    interval_s: float

    def write(self, trace: Trace, *, again: bool) -> None:
        write = self.store.replace if again else self.store.add
        ends = time.monotonic() + self.patience_s
        waited = False
        while True:
            try:
                write(trace)
            except StoreFullError as error:
                if time.monotonic() + self.interval_s > ends:
                    raise
                if not waited:
                    self.say(f"{error.given}: waiting up to {self.patience_s:g} s for space on its disk")
                waited = True
                time.sleep(self.interval_s)
            else:
                if waited:
                    self.say("there is space again: the trace is stored, going on")
                return
