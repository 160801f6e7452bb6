"""How far runs of one configuration lie apart: the pooled variance over a change of seed.

n  runs;  g  configurations;  b  weightings of the configurations
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RepeatedRuns:
    """The runs of each configuration, summed up.

    Args:
        means: mean of the runs of each configuration, shape ``(g,)``, in the values' unit.
        counts: number of its runs, shape ``(g,)``, 1 or more.
        squares: sum of squared deviations of its runs from its mean, shape ``(g,)``, 0 or more.
    """

    means: Floats
    counts: NDArray[np.int64]
    squares: Floats

    @classmethod
    def of(cls, values: Floats, group: NDArray[np.int64]) -> "RepeatedRuns":
        """Returns the summary of single runs.

        Args:
            values: one value a run, shape ``(n,)``.
            group: number of each run's configuration, shape ``(n,)``, from 0 to g - 1, each at least once.
        """
        counts = np.bincount(group)
        apart = deviations(values[:, None], group)[:, 0]
        first = np.unique(group, return_index=True)[1]
        squares = np.bincount(group, weights=apart**2).astype(np.float64)
        return cls((values - apart)[first], counts, squares)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the pooled variance: the runs beyond the first of each configuration."""
        return int((self.counts - 1).sum())

    @property
    def variance(self) -> float | None:
        """Pooled variance of a single run around its configuration's mean; None where none was run twice."""
        return float(self.squares.sum() / self.freedom) if self.freedom else None

    def variances(self, weights: Floats) -> Floats:
        """Returns the pooled variance under each weighting of the configurations, shape ``(b,)``.

        Args:
            weights: how often each configuration counts, shape ``(b, g)``, 0 or more; NaN where none that counts was
                run twice.
        """
        return np.asarray(weights @ self.squares / (weights @ (self.counts - 1.0)))


def deviations(values: Floats, group: NDArray[np.int64]) -> Floats:
    """Returns how far each run lies from the mean of its configuration's runs, shape ``(n, c)``.

    Args:
        values: c values a run, shape ``(n, c)``.
        group: number of each run's configuration, shape ``(n,)``, from 0 to g - 1, each at least once.
    """
    first = np.unique(group, return_index=True)[1]
    # Measured from a configuration's first run, equal runs give exactly 0 and not a rounding error.
    shifted = values - values[first][group]
    sums = np.zeros((len(first), values.shape[1]))
    np.add.at(sums, group, shifted)
    return np.asarray(shifted - (sums / np.bincount(group)[:, None])[group])


def pooled_covariance(values: Floats, group: NDArray[np.int64]) -> tuple[Floats, int]:
    """Returns the pooled covariance of c values of a run, shape ``(c, c)``, and its degrees of freedom.

    Args:
        values: c values a run, shape ``(n, c)``.
        group: number of each run's configuration, shape ``(n,)``, from 0 to g - 1, each at least once.
    """
    apart, freedom = deviations(values, group), len(group) - len(np.unique(group))
    return apart.T @ apart / max(freedom, 1), freedom
