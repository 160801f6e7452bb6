"""Which share of cases each kind of interval in a report should hold."""

from perfmodel.evaluation.selection import INTERVAL_LEVEL
from perfmodel.statistics.interval import LEVEL
from reports.figures.quantity import Record

_DEFAULT = {"predicted": INTERVAL_LEVEL, "measured": INTERVAL_LEVEL, "scores": LEVEL}
"""For records that do not say so in ``interval_levels``; scores and effects come from the bootstrap."""


def level_text(record: Record, kind: str) -> str:
    """Returns a level as ``90 %``, on one line.

    Args:
        record: the report's.
        kind: ``predicted``, ``measured`` or ``scores`` (effects too).
    """
    return f"{100 * record.get('interval_levels', {}).get(kind, _DEFAULT[kind]):g}\u00a0%"
