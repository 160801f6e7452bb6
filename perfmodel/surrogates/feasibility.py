"""The probability that a trial ends well, with an interval that knows how few have failed.

With fewer than five configurations that failed, or that ended well, no feature can be said to matter: all
configurations share one probability, Beta-Binomial with Jeffreys' prior. With more, a logistic regression on few
features, its weights normal about their most probable values.

Source: Brown, Cai and DasGupta (2001), Statistical Science 16:101 (Jeffreys' interval); MacKay (1992), Neural
Computation 4:720 (logistic regression).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import NotEnoughTracesError
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.traces.trace import Trace

COLUMNS = ("pruning_rate", "mean_log2_error", "mean_log2_rank", "state_total_bytes")
LEAST_OF_EACH = 5
LEVEL = 0.9
PRIOR_DEVIATION = 2.0
"""Of a weight for a standardised feature; that of the intercept is five times it."""
STEPS = 50


@final
@dataclass(frozen=True)
class Feasibility:
    """Probability of the status ``ok``.

    Args:
        ended_well: number of configurations all of whose trials ended well.
        failed: configurations of which a trial did not end well.
        shared: probability, low and high that all configurations share.
        centre: of the features, shape ``(4,)``; empty where the probability is shared.
        scale: their divisors, shape ``(4,)``.
        weights: of the intercept and the features, shape ``(5,)``.
        covariance: of the weights, shape ``(5, 5)``.
    """

    ended_well: int
    failed: int
    shared: tuple[float, float, float]
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    covariance: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def fit(cls, traces: Sequence[Trace], features: FeatureMatrix) -> "Feasibility":
        """Returns the model of the traces' statuses.

        Args:
            traces: every trial, failed ones included, shape ``(n,)``.
            features: of their configurations, n rows.

        Raises:
            NotEnoughTracesError: when there are none.
        """
        if not traces:
            raise NotEnoughTracesError("there are no traces", "one or more are needed", "collect traces first")
        names = np.array([trace.asked.configuration.identifier for trace in traces])
        _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
        ok = np.ones(len(first), dtype=bool)
        np.logical_and.at(ok, inverse, np.array([trace.ok for trace in traces]))
        good, bad = int(ok.sum()), int((~ok).sum())
        if min(good, bad) < LEAST_OF_EACH:
            return cls(good, bad, _jeffreys(good, bad))
        values = features.take(COLUMNS)[first]
        centre, scale = values.mean(axis=0), values.std(axis=0)
        scale = np.where(scale > 1e-12 * (1 + np.abs(centre)), scale, 1.0)
        weights, covariance = _logistic((values - centre) / scale, ok)
        return cls(
            good,
            bad,
            _jeffreys(good, bad),
            tuple(centre.tolist()),
            tuple(scale.tolist()),
            tuple(weights.tolist()),
            tuple(map(tuple, covariance.tolist())),
        )

    def probability(
        self, features: FeatureMatrix
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Returns the probability and the ends of its 90 % interval, each of shape ``(n,)``.

        It is the mean where all share it, and the most probable one otherwise.

        Args:
            features: of the configurations asked about, n rows.
        """
        if not self.weights:
            mean, low, high = (np.full(len(features), value) for value in self.shared)
            return mean, low, high
        columns = np.column_stack(
            (np.ones(len(features)), (features.take(COLUMNS) - np.array(self.centre)) / np.array(self.scale))
        )
        location = columns @ np.array(self.weights)
        deviation = np.sqrt(np.einsum("ij,ij->i", columns @ np.array(self.covariance), columns))
        half = NormalDist().inv_cdf(0.5 + LEVEL / 2) * deviation
        return _sigmoid(location), _sigmoid(location - half), _sigmoid(location + half)

    def to_dict(self) -> dict[str, Any]:
        """Returns the model as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Feasibility":
        """Returns the model that ``to_dict`` wrote."""
        shared, centre, scale, weights = (tuple(values[name]) for name in ("shared", "centre", "scale", "weights"))
        covariance = tuple(tuple(row) for row in values["covariance"])
        return cls(values["ended_well"], values["failed"], shared, centre, scale, weights, covariance)


def _jeffreys(good: int, bad: int) -> tuple[float, float, float]:
    """Returns the mean of the share that ends well, and the ends of its 90 % interval."""
    from scipy.stats import beta

    found = beta(good + 0.5, bad + 0.5)
    return float(found.mean()), float(found.ppf(0.5 - LEVEL / 2)), float(found.ppf(0.5 + LEVEL / 2))


def _logistic(columns: NDArray[np.float64], ok: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the most probable weights and their covariance there, by Newton's steps."""
    columns = np.column_stack((np.ones(len(columns)), columns))
    precision = np.full(columns.shape[1], 1 / PRIOR_DEVIATION**2)
    precision[0] /= 25
    weights = np.zeros(columns.shape[1])
    for _ in range(STEPS):
        share = _sigmoid(columns @ weights)
        slope = columns.T @ (ok - share) - precision * weights
        curvature = (columns * (share * (1 - share))[:, None]).T @ columns + np.diag(precision)
        step = np.linalg.solve(curvature, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            break
    return weights, np.asarray(np.linalg.inv(curvature), dtype=np.float64)


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
