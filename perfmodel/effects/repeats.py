"""The runs of each configuration, on the scale on which their metric is modelled, and how far they lie apart.

    g   configurations
    b   weightings: how often each configuration is drawn; the first line is the data as they are
    z   the metric's logarithm where it is modelled so, else the metric

A run is z = m_i + e: the configuration's own value and what the seed did. Over configurations m has the variance of
the signal; e has that of the noise, taken as equal in all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.effects.axis_effects import MINIMUM_REPEATS
from perfmodel.errors import NotEnoughTracesError
from perfmodel.features.training_data import common_setting, measured
from perfmodel.space.metrics import metric as metric_named
from perfmodel.space.space import Configuration
from perfmodel.statistics.bootstrap import RESAMPLES, Estimate, estimate, group_weights
from perfmodel.traces.trace import Trace

MINIMUM_REPEATED = 3
"""Draws from fewer repeated configurations than this say nothing of how well the noise is known."""


@dataclass(frozen=True)
class Repeats:
    """The usable runs of one metric, by configuration.

    Args:
        configurations: shape ``(g,)``.
        means: of the runs of each, shape ``(g,)``.
        counts: of the runs of each, shape ``(g,)``.
        squares: sum of squared deviations of the runs of each from its mean, shape ``(g,)``.
    """

    configurations: tuple[Configuration, ...]
    means: NDArray[np.float64]
    counts: NDArray[np.int64]
    squares: NDArray[np.float64]

    def weights(self, seed: int, resamples: int = RESAMPLES) -> NDArray[np.float64]:
        """Returns bootstrap draws of the configurations, shape ``(1 + resamples, g)``; see ``group_weights``."""
        rows = np.repeat(np.arange(len(self.counts)), self.counts)
        first = np.cumsum(self.counts) - self.counts
        return group_weights(rows, resamples=resamples, seed=seed)[:, first]

    def noise(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the pooled variance of a single run around its configuration's value, shape ``(b,)``."""
        return np.asarray(weights @ self.squares / (weights @ (self.counts - 1.0)))

    def variance_of_means(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the variance of the configurations' means, shape ``(b,)``; the noise left in the means is in it."""
        total = weights.sum(axis=1)
        centred = self.means - self.means.mean()
        average = weights @ centred / total
        return np.asarray((weights @ centred**2 - total * average**2) / (total - 1))

    def noise_of_means(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the part of ``variance_of_means`` that is noise, shape ``(b,)``."""
        return np.asarray(self.noise(weights) * (weights @ (1 / self.counts)) / weights.sum(axis=1))

    def signal(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the variance of the configurations' own values, 0 where the noise is all there is, shape ``(b,)``."""
        return np.maximum(self.variance_of_means(weights) - self.noise_of_means(weights), 0.0)

    def estimate(self, values: NDArray[np.float64]) -> Estimate:
        """Returns the estimate of something that rests on the noise, without an interval where few were repeated.

        Args:
            values: of each weighting, shape ``(b,)``.
        """
        if (self.counts > 1).sum() >= MINIMUM_REPEATED:
            return estimate(values)
        return estimate(np.concatenate((values[:1], np.full(len(values) - 1, np.nan))))


def repeats(traces: Sequence[Trace], metric: str) -> Repeats:
    """Returns the usable runs of a metric, by configuration.

    Args:
        traces: of one setting; those that did not end well are left out.
        metric: name of the column.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_REPEATS`` runs beyond the first of a configuration, or fewer
            than three configurations.
        UserError: when the traces mix settings.
        UnknownNameError: when the metric does not exist.
    """
    common_setting(traces)
    usable, target = measured(traces, metric)
    values = np.log(target) if metric_named(metric).log_target else target
    rows: dict[Configuration, list[int]] = {}
    for index, trace in enumerate(usable):
        rows.setdefault(trace.asked.configuration, []).append(index)
    _require(metric, len(rows), len(usable) - len(rows))
    runs = [values[indices] for indices in rows.values()]
    # Measured from the first run, equal runs give exactly 0 and not a rounding error.
    shifted = [of_one - of_one[0] for of_one in runs]
    return Repeats(
        tuple(rows),
        np.array([of_one[0] + each.mean() for of_one, each in zip(runs, shifted, strict=True)]),
        np.array([len(each) for each in runs]),
        np.array([((each - each.mean()) ** 2).sum() for each in shifted]),
    )


def _require(metric: str, configurations: int, beyond_first: int) -> None:
    if beyond_first < MINIMUM_REPEATS or configurations < MINIMUM_REPEATED:
        raise NotEnoughTracesError(
            f"{metric} was measured on {configurations} configurations, with {beyond_first} repeated runs",
            f"at least {MINIMUM_REPEATED} configurations and {MINIMUM_REPEATS} runs beyond the first of one are needed "
            "to know the seed noise",
            "run some configurations again with other seeds",
        )
