"""Carries out a plan: whatever the store already holds is not run again, and what ends is stored at once."""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass

from collectors.campaign.cost import longest_first
from collectors.campaign.stratified_plan import unique
from collectors.executors import AbstractExecutor
from perfmodel.errors import StoreFullError
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Asked, Status, Trace

PATIENCE_S = 3600.0
"""How long a campaign waits for space on a full disk."""

INTERVAL_S = 10.0


@dataclass(frozen=True)
class CampaignResult:
    """What a campaign did.

    Args:
        ran: trials that it ran.
        skipped: trials that the store already held.
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
        trials: the plan; repeated keys are run once.
        store: opened by ``TraceStore.writer``.
        executor: runs the trials.
        on_trace: called after each trace is stored.
        say: told when the campaign has to wait, and when it goes on.
        retry: statuses whose stored trials of this plan are run again; each keeps its old trace until it has a new one.
        patience_s: longest wait for space on the disk.
        interval_s: time between two tries.

    Raises:
        StoreFullError: when there was no space for so long; everything stored before is intact.
        PerfModelError: when a trial cannot be one.
    """
    planned = unique(trials)
    stored = store.statuses()
    todo = [asked for asked in planned if stored.get(asked.key) in (None, *retry)]
    writer = _PatientWriter(store, say, patience_s, interval_s)
    with closing(executor.run(longest_first(todo))) as traces:
        for trace in traces:
            writer.write(trace, again=trace.asked.key in stored)
            on_trace(trace)
    return CampaignResult(ran=len(todo), skipped=len(planned) - len(todo))


@dataclass(frozen=True)
class _PatientWriter:
    """Writes traces to a store, with patience."""

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
