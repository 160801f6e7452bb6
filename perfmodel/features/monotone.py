"""Columns in which a metric is known, before any trace, never to fall or never to rise.

Raising the bits of every unit lowers every error column and raises the mean bits, but moves the shares of 3, 4 and 8
bits both ways; a model that is to fall with bits must fall in the former and leave out the latter. Ranks likewise.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from perfmodel.features.columns import PEAK_COLUMN, STEP_0_LOSS_COLUMN, unit_columns
from perfmodel.features.sensitivity_columns import COST_COLUMNS
from perfmodel.space.metrics import ACCURACY, ADAPTERS, LOSS, METRICS, OPTIMIZER, PEAK, WEIGHTS, Metric

OPT_IN_COLUMNS = ("active_scarcity", PEAK_COLUMN)
"""Columns that only models that ask for them by name read: a line through the first follows single collapsed models,
and the second is a model by itself."""

_UNIT = re.compile(r"(bits|rank)_\d+")


@dataclass(frozen=True)
class MonotoneColumns:
    """Columns in which a metric rises or falls.

    Args:
        rising: columns in which it cannot fall; ``bits`` and ``rank`` stand for the raw columns of every unit.
        falling: columns in which it cannot rise, likewise.
        unused: columns that are not to be read.
    """

    rising: frozenset[str] = field(default_factory=frozenset)
    falling: frozenset[str] = field(default_factory=frozenset)
    unused: frozenset[str] = field(default_factory=frozenset)

    def read(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Returns the columns that may be read, in their order, those of ``OPT_IN_COLUMNS`` left out.

        Args:
            columns: names of the columns that there are, shape ``(q,)``.
        """
        return tuple(column for column in columns if column not in self.unused and column not in OPT_IN_COLUMNS)

    def signs(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Returns for each column 1 where the metric cannot fall, -1 where it cannot rise, 0 where neither is known.

        Args:
            columns: names, shape ``(q,)``.
        """
        return tuple(self._sign(unit_kind(column) or column) for column in columns)

    def _sign(self, name: str) -> int:
        return int(name in self.rising) - int(name in self.falling)


FREE = MonotoneColumns()
"""Nothing is known."""


def unit_kind(column: str) -> str | None:
    """Returns ``bits`` or ``rank`` for a unit's raw column, None for any other."""
    found = _UNIT.fullmatch(column)
    return found[1] if found else None


def unit_kinds(columns: Sequence[str]) -> tuple[str | None, ...]:
    """Returns ``unit_kind`` of each column where units from 0 on have bits, else None of each.

    A table that is not ours may have a column ``rank_1``, which is then a column like any other.

    Args:
        columns: names, shape ``(q,)``.
    """
    kinds = tuple(unit_kind(column) for column in columns)
    units = kinds.count("bits")
    return kinds if units and set(unit_columns(units)[:units]) <= set(columns) else (None,) * len(kinds)


_ADAPTED_COLUMNS = frozenset(("rank", "mean_log2_rank", "active_share", "active_adapted_share"))
_RANK_COLUMNS = _ADAPTED_COLUMNS | {
    *("mean_rank", "active_kept_share"),
    *("state_adapter_bytes", "state_training_bytes", "state_total_bytes"),
}
_BARE_COLUMNS = frozenset(("share_rank_0", "active_scarcity"))
_ERROR_COLUMNS = frozenset(
    f"mean_{error}{third}" for error in ("log2_error", "squared_error") for third in ("", "_first", "_middle", "_last")
)

_LOSS = MonotoneColumns(
    rising=_ERROR_COLUMNS | _BARE_COLUMNS | {"share_bits_2", STEP_0_LOSS_COLUMN, *COST_COLUMNS},
    falling=frozenset(("bits", "mean_bits", "share_bits_16")) | _ADAPTED_COLUMNS,
    # Stored bytes need not rise with bits in every choice of formats, and say nothing that the errors do not; what
    # the rest say of adapters, those with a sign say too.
    unused=frozenset(("share_bits_3", "share_bits_4", "share_bits_8", "mean_rank", "active_kept_share"))
    | {f"state_{of}_bytes" for of in ("weight", "adapter", "training", "total")},
)

MONOTONE: dict[str, MonotoneColumns] = {
    LOSS: _LOSS,
    ACCURACY: MonotoneColumns(rising=_LOSS.falling, falling=_LOSS.rising, unused=_LOSS.unused),
    PEAK: MonotoneColumns(rising=_RANK_COLUMNS | {"state_weight_bytes"}, falling=_BARE_COLUMNS),
    WEIGHTS: MonotoneColumns(rising=frozenset(("state_weight_bytes",))),
    ADAPTERS: MonotoneColumns(rising=_RANK_COLUMNS, falling=_BARE_COLUMNS),
    OPTIMIZER: MonotoneColumns(rising=_RANK_COLUMNS, falling=_BARE_COLUMNS),
}
"""No predicted loss rises with bits or with rank, no predicted accuracy falls with them, and no predicted memory falls
with rank; what is resident is part of the peak. Without signs for adapters a model of few traces takes few adapters for
better than many, and searches go there.
"""


def known_slopes(metric: str | Metric) -> MonotoneColumns:
    """Returns in which columns a metric is known to rise or fall; nothing is known of one that the caller declares.

    Args:
        metric: name of the metric, or the metric itself.
    """
    if isinstance(metric, Metric):
        return MONOTONE.get(metric.name, FREE) if METRICS.get(metric.name) == metric else FREE
    return MONOTONE.get(metric, FREE)
