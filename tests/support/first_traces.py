"""The first published traces, for tests that need few of them, or those of the first release."""

from functools import cache

from datasets_cache.shelf.shelf import load_shelf
from perfmodel.traces.trace import Trace


@cache
def first_traces(count: int, task: str | None = None) -> tuple[Trace, ...]:
    """Returns the first ``count`` traces by time of the published campaign, in the file's order; of one task if named.

    The first 73 (48 of chain_sum, 16 of number_sequence) were the first release.
    """
    traces = load_shelf("smollm2-v1b").traces
    last = sorted(trace.ran_on.started_at for trace in traces)[count - 1]
    return tuple(t for t in traces if t.ran_on.started_at <= last and task in (None, t.asked.setting.task))
