"""Which combinations of mean bits and pruning rate a release covers, as numbers and as a picture.

Mean bits are cut into tenths of their range, 2 to 16, and rates are as few as the space has: a cell is one tenth of
the bits at one rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from perfmodel.files.optional import needs_extra
from perfmodel.space.space import DEFAULT_BITS, DEFAULT_RATES
from perfmodel.traces.trace import Trace

TENTHS = 10
HELD_BY = 3
"""Configurations with which a tenth, a rate or a cell counts as covered."""


@dataclass(frozen=True)
class ShelfCoverage:
    """Counts of different configurations with a trace of status ``ok``.

    Args:
        counts: by tenth of the mean bits and by rate, shape ``(10, rates)``.
        rates: pruning rate of each column of the counts, in [0, 1).
    """

    counts: NDArray[np.int64]
    rates: tuple[float, ...]

    @property
    def tenths(self) -> int:
        """How many tenths of the bits are covered."""
        return int((self.counts.sum(axis=1) >= HELD_BY).sum())

    @property
    def covered_rates(self) -> int:
        """How many rates are covered."""
        return int((self.counts.sum(axis=0) >= HELD_BY).sum())

    @property
    def cells(self) -> int:
        """How many cells are covered."""
        return int((self.counts >= HELD_BY).sum())


def shelf_coverage(traces: Sequence[Trace]) -> ShelfCoverage:
    """Returns the coverage of the traces of one setting.

    Args:
        traces: traces of one setting; failed ones are left out.
    """
    configurations = {trace.asked.configuration for trace in traces if trace.ok}
    rates = tuple(sorted({*DEFAULT_RATES, *(each.pruning_rate for each in configurations)}))
    counts = np.zeros((TENTHS, len(rates)), dtype=np.int64)
    low, high = min(DEFAULT_BITS), max(DEFAULT_BITS)
    for each in configurations:
        tenth = min(TENTHS - 1, int((mean(each.bits) - low) / (high - low) * TENTHS))
        counts[tenth, rates.index(each.pruning_rate)] += 1
    return ShelfCoverage(counts, rates)


def draw_coverage(groups: Mapping[str, ShelfCoverage], path: Path) -> None:
    """Writes the picture of the coverage of several settings.

    Args:
        groups: by the name of the setting.
        path: of the picture, PNG.

    Raises:
        MissingExtraError: when matplotlib is not installed.
    """
    with needs_extra("report"):
        import matplotlib as mpl
        from matplotlib.figure import Figure
    low, high = min(DEFAULT_BITS), max(DEFAULT_BITS)
    ticks = np.linspace(low, high, TENTHS + 1)
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=(2.5 * len(groups) + 0.6, 3.6), layout="constrained")
        axes = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
        for axis, (name, coverage) in zip(axes, groups.items(), strict=True):
            axis.imshow(coverage.counts, origin="lower", aspect="auto", cmap="Blues", vmin=0, vmax=3 * HELD_BY)
            for (tenth, column), count in np.ndenumerate(coverage.counts):
                color = "white" if count > 2 * HELD_BY else "#222222" if count >= HELD_BY else "#D55E00"
                axis.text(column, tenth, str(count), ha="center", va="center", color=color)
            axis.set_title(name, fontsize=8)
            axis.set_xticks(range(len(coverage.rates)), [f"{rate:g}" for rate in coverage.rates])
            axis.set_xlabel("pruning rate")
            axis.set_yticks(np.arange(TENTHS + 1) - 0.5, [f"{tick:.1f}" for tick in ticks])
        axes[0].set_ylabel("mean bits")
        # The same data must give the same file, whichever version of matplotlib draws it: it names none.
        figure.savefig(path, dpi=110, metadata={"Software": None})
