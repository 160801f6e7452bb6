"""Carries out a plan: whatever the store already holds is not run again, and what ends is stored at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collectors.executors import AbstractExecutor
from collectors.plan import unique
from perfmodel.store import TraceStore
from perfmodel.trace import Asked, Trace


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
) -> CampaignResult:
    """Runs the trials that the store does not hold.

    Args:
        trials: the plan; repeated keys are run once.
        store: opened by ``TraceStore.writer``.
        executor: runs the trials.
        on_trace: called after each trace is stored.
    """
    planned = unique(trials)
    done = store.keys()
    todo = [asked for asked in planned if asked.key not in done]
    for trace in executor.run(todo):
        store.add(trace)
        on_trace(trace)
    return CampaignResult(ran=len(todo), skipped=len(planned) - len(todo))
