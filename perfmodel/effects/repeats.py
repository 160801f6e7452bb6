"""The runs of each configuration, on the scale on which their metric is modelled, and how far they lie apart.

    n   runs
    g   configurations, numbered in the order in which the traces name them
    b   weightings: how often each configuration is drawn; the first line is the data as they are
    z   the metric's logarithm where it is modelled so, else the metric

A run is z = m_i + e: the configuration's own value and what the seed did. Over configurations m has the variance of
the signal; e has that of the noise, taken as equal in all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError
from perfmodel.features.training_data import common_setting, measured
from perfmodel.space.metrics import metric as metric_named
from perfmodel.space.space import Configuration
from perfmodel.statistics.bootstrap import RESAMPLES, estimate, group_weights
from perfmodel.statistics.interval import Estimate
from perfmodel.statistics.seed_noise import RepeatedRuns
from perfmodel.traces.trace import Trace

Floats = NDArray[np.float64]

MINIMUM_REPEATS = 3
"""Runs beyond the first of a configuration, over all configurations: with fewer the noise is unknown within 4x."""

MINIMUM_REPEATED = 3
"""Draws from fewer repeated configurations than this say nothing of how well the noise is known."""


@dataclass(frozen=True)
class Repeats:
    """The usable runs of one metric in one setting, by configuration.

    Args:
        configurations: the g different configurations.
        values: z of each run, shape ``(n,)``.
        group: number of each run's configuration, shape ``(n,)``, from 0 to g - 1.
        runs: mean, number and squared deviations of the runs of each configuration, each of shape ``(g,)``.
    """

    configurations: tuple[Configuration, ...]
    values: Floats
    group: NDArray[np.int64]
    runs: RepeatedRuns

    @classmethod
    def of(cls, traces: Sequence[Trace], metric: str) -> "Repeats":
        """Returns the usable runs of a metric.

        Args:
            traces: any number of one setting; those whose status is not ``ok`` are left out.
            metric: name of a measured column, of ``perfmodel.space.metrics.METRICS``.

        Raises:
            NotEnoughTracesError: when there are no traces.
            UserError: when the traces mix settings.
            UnknownNameError: when the metric does not exist.
        """
        common_setting(traces)
        usable, target = measured(traces, metric)
        values = np.log(target) if metric_named(metric).log_target else target
        number: dict[Configuration, int] = {}
        group = [number.setdefault(trace.asked.configuration, len(number)) for trace in usable]
        places = np.array(group, dtype=np.int64)
        return cls(tuple(number), values, places, RepeatedRuns.of(values, places))

    @property
    def repeated(self) -> int:
        """Number of configurations with more than one run."""
        return int((self.runs.counts > 1).sum())

    def require(self, metric: str, configurations: int) -> None:
        """Refuses data that tell too little of the configurations or of the seed noise.

        Args:
            metric: its name, for the message.
            configurations: least number of different configurations.

        Raises:
            NotEnoughTracesError: with fewer configurations, or fewer than ``MINIMUM_REPEATS`` runs beyond the first.
        """
        require(len(self.configurations), configurations, f"different configurations with {metric}")
        require(self.runs.freedom, MINIMUM_REPEATS, f"repeated runs of a configuration with {metric}")

    def weights(self, seed: int, resamples: int = RESAMPLES) -> Floats:
        """Returns bootstrap draws of the configurations, shape ``(1 + resamples, g)``; see ``group_weights``.

        Args:
            seed: seed of the random generator that draws them.
            resamples: number of draws, 1 or more.
        """
        rows = np.repeat(np.arange(len(self.runs.counts)), self.runs.counts)
        first = np.cumsum(self.runs.counts) - self.runs.counts
        return group_weights(rows, resamples=resamples, seed=seed)[:, first]

    def variance_of_means(self, weights: Floats) -> Floats:
        """Returns the variance of the configurations' means, shape ``(b,)``; the noise left in the means is in it.

        Args:
            weights: draws of the configurations, shape ``(b, g)``.
        """
        total, means = weights.sum(axis=1), self.runs.means
        centred = means - means.mean()
        average = weights @ centred / total
        return np.asarray((weights @ centred**2 - total * average**2) / (total - 1))

    def noise_of_means(self, weights: Floats) -> Floats:
        """Returns the part of ``variance_of_means`` that is noise, shape ``(b,)``.

        Args:
            weights: draws of the configurations, shape ``(b, g)``.
        """
        return np.asarray(self.runs.variances(weights) * (weights @ (1 / self.runs.counts)) / weights.sum(axis=1))

    def signal(self, weights: Floats) -> Floats:
        """Returns the variance of the configurations' own values, 0 where the noise is all there is, shape ``(b,)``.

        Args:
            weights: draws of the configurations, shape ``(b, g)``.
        """
        return np.maximum(self.variance_of_means(weights) - self.noise_of_means(weights), 0.0)

    def estimate(self, values: Floats) -> Estimate:
        """Returns the estimate of something that rests on the noise, without an interval where few were repeated.

        Args:
            values: the statistic under each weighting, shape ``(b,)``, NaN where undefined.
        """
        if self.repeated >= MINIMUM_REPEATED:
            return estimate(values)
        return estimate(np.concatenate((values[:1], np.full(len(values) - 1, np.nan))))


def require(found: int, needed: int, what: str) -> None:
    """Refuses a number that is too small to answer a question.

    Args:
        found: how many the traces hold, 0 or more.
        needed: the least number that answers the question.
        what: what is counted, for the message.

    Raises:
        NotEnoughTracesError: when fewer were found than are needed.
    """
    if found < needed:
        raise NotEnoughTracesError(
            f"there are {found} {what}",
            f"at least {needed} are needed",
            "collect more traces of this setting, some configurations with other seeds",
        )
