"""Ridge regression over blocks of columns, its penalties chosen by leaving one configuration out.

    g   configurations; rows of one configuration are averaged first, so that seeds are no extra evidence
    p   columns that vary in the training set
    X   standardised columns, shape (g, p);  A = X'X + diag(penalties), shape (p, p);  H = 1/g + X A^-1 X'

Columns whose coefficient would take a sign that cannot be are left out: the rest is the best fit with the right signs.

Leaving configuration i out changes its residual r_i to r_i / (1 - H_ii), so every penalty is judged from one
factorisation. Source: Allen (1974), Technometrics 16:125, the PRESS statistic.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.files.json_arrays import pack_all, unpack_all
from perfmodel.statistics.conformal_quantile import conformal_quantile
from perfmodel.statistics.seed_noise import RepeatedRuns
from perfmodel.surrogates.sign_constrained import sign_constrained_coefficients

COMMON_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Tried on the first block, whose columns are each scaled to unit variance."""

UNIT_PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e5)
"""Tried on the other blocks; the last means: every layer costs the same."""

MAX_LEVERAGE = 1 - 1e-6


@dataclass(frozen=True)
class Ridge:
    """A fitted ridge regression.

    Args:
        kept: indices of the columns that varied in the training set, shape ``(p,)``.
        centre: their means, shape ``(p,)``.
        scale: what they are divided by, above 0, shape ``(p,)``.
        coefficients: of the scaled columns, in the target's unit, shape ``(p,)``.
        inverse: A^-1, shape ``(p, p)``.
        intercept: mean of the configurations' targets.
        bounds: lowest and highest location that is given, shape ``(2,)``.
        configurations: g, the number of configurations it was fitted to.
        noise: variance left when a configuration is left out, leverage removed.
        seed_noise: variance between runs of one configuration that averaging had removed.
    """

    kept: NDArray[np.int64]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    inverse: NDArray[np.float64]
    intercept: float
    bounds: NDArray[np.float64]
    configurations: int
    noise: float
    seed_noise: float

    def predict(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns location and standard deviation of one new run a row, each of shape ``(n,)``.

        A line knows nothing beyond the data: the location is held within one training range of the training targets,
        and the uncertainty of the coefficients adds no more than that range.

        Args:
            values: the columns of all blocks, shape ``(n, q)`` with ``q >= p``.
        """
        columns = values.take(self.kept, axis=1)
        columns -= self.centre
        low, high = self.bounds.tolist()
        found = columns @ self._products
        location = found[:, 0] + self.intercept
        np.minimum(np.maximum(location, low, out=location), high, out=location)
        variance = np.einsum("ij,ij->i", found[:, 1:], columns)
        variance += self.noise / self.configurations
        np.minimum(variance, ((high - low) / 3) ** 2, out=variance)
        variance += self.noise + self.seed_noise
        return location, np.sqrt(variance, out=variance)

    @cached_property
    def _products(self) -> NDArray[np.float64]:
        """The coefficients and then their covariance, both for columns that are not scaled, shape ``(p, 1 + p)``."""
        covariance = self.noise * self.inverse / np.outer(self.scale, self.scale)
        return np.column_stack((self.coefficients / self.scale, covariance))

    @property
    def run_noise(self) -> float:
        """Standard deviation of one run about the line."""
        return math.sqrt(self.noise + self.seed_noise)

    def to_dict(self) -> dict[str, Any]:
        """Returns the regression as plain values."""
        return pack_all(asdict(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Ridge":
        """Returns the regression that ``to_dict`` wrote."""
        return cls(**unpack_all(values))


def fit_ridge(
    common: NDArray[np.float64],
    errors: NDArray[np.float64],
    ranks: NDArray[np.float64],
    target: NDArray[np.float64],
    groups: NDArray[Any],
    signs: Sequence[int] = (),
) -> Ridge:
    """Returns the regression with the smallest leave-one-configuration-out error.

    Args:
        common: columns scaled and penalised one by one, shape ``(n, q0)``.
        errors: columns scaled and penalised as a block, shape ``(n, q1)``.
        ranks: columns scaled and penalised as a block, shape ``(n, q2)``.
        target: in link space, shape ``(n,)``.
        groups: name or number of each row's configuration, shape ``(n,)``.
        signs: that the coefficients of all columns must have, 0 where any will do; none for no such knowledge.
    """
    averages = by_configuration(np.hstack((common, errors, ranks)), target, groups)
    centre, deviations = averages.values.mean(axis=0), averages.values.std(axis=0)
    scale = _block_scales(deviations, common.shape[1], errors.shape[1])
    kept = varying(averages.values)
    columns, link = (averages.values[:, kept] - centre[kept]) / scale[kept], averages.target - averages.target.mean()
    penalties = _choose_penalties(columns, link, kept < common.shape[1])
    return sign_constrained_ridge(averages, kept, scale[kept], penalties, np.asarray(signs or [0] * len(scale))[kept])


@dataclass(frozen=True)
class Averages:
    """The rows of each configuration averaged, g of them.

    Args:
        values: of the columns, shape ``(g, q)``.
        target: in link space, shape ``(g,)``.
        seed_noise: variance between runs of one configuration that averaging removed.
        left_noise: variance between runs that averaging left, 0 where no configuration was run twice.
    """

    values: NDArray[np.float64]
    target: NDArray[np.float64]
    seed_noise: float
    left_noise: float


def by_configuration(values: NDArray[np.float64], target: NDArray[np.float64], groups: NDArray[Any]) -> Averages:
    """Returns the averages over the rows of each configuration.

    Args:
        values: of the columns, shape ``(n, q)``.
        target: in link space, shape ``(n,)``.
        groups: name or number of each row's configuration, shape ``(n,)``.
    """
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    average = _averaging(inverse, counts)
    runs = RepeatedRuns.of(target, inverse)
    noise, left = runs.variance or 0.0, float(np.mean(1 / counts))
    return Averages(average @ values, runs.means, noise * (1 - left), noise * left)


def varying(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns the indices of the columns that vary by more than rounding error, shape ``(p,)``."""
    return np.flatnonzero(values.std(axis=0) > 1e-10 * (1 + np.abs(values.mean(axis=0))))


def sign_constrained_ridge(
    averages: Averages,
    kept: NDArray[np.int64],
    scale: NDArray[np.float64],
    penalties: NDArray[np.float64],
    signs: NDArray[np.int64],
) -> Ridge:
    """Returns the regression of given penalties whose coefficients have the right signs.

    Args:
        averages: columns and targets of g configurations.
        kept: columns to use, shape ``(p,)``.
        scale: what they are divided by, above 0, shape ``(p,)``.
        penalties: of their coefficients, shape ``(p,)``.
        signs: that these must have, 0 where any will do, shape ``(p,)``.
    """
    centre, link = averages.values[:, kept].mean(axis=0), averages.target - averages.target.mean()
    columns = (averages.values[:, kept] - centre) / scale
    if np.any(signs):
        support = (sign_constrained_coefficients(columns, link, penalties, signs) != 0) | (signs == 0)
        kept, centre, scale, penalties = kept[support], centre[support], scale[support], penalties[support]
        columns = columns[:, support]
    inverted = np.linalg.inv(columns.T @ columns + np.diag(penalties))
    low, high = float(averages.target.min()), float(averages.target.max())
    return Ridge(
        kept=kept,
        centre=centre,
        scale=scale,
        coefficients=inverted @ columns.T @ link,
        inverse=inverted,
        intercept=float(averages.target.mean()),
        bounds=np.array([2 * low - high, 2 * high - low]),
        configurations=len(averages.target),
        noise=_noise(*left_out_errors(columns, link, penalties)),
        seed_noise=averages.seed_noise,
    )


def _averaging(inverse: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    average = np.zeros((len(counts), len(inverse)))
    average[inverse, np.arange(len(inverse))] = 1 / counts[inverse]
    return average


def _block_scales(deviations: NDArray[np.float64], common: int, errors: int) -> NDArray[np.float64]:
    scale = deviations.copy()
    for block in (slice(common, common + errors), slice(common + errors, None)):
        # One divisor a block: the same penalty then means the same cost per unit of error in every layer.
        scale[block] = np.sqrt(np.mean(deviations[block] ** 2)) if deviations[block].size else 1.0
    return scale


def _choose_penalties(
    columns: NDArray[np.float64], target: NDArray[np.float64], is_common: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Returns the penalties of the least mean squared error on configurations left out, shape ``(p,)``."""
    tried = [np.where(is_common, *pair) for pair in product(COMMON_PENALTIES, UNIT_PENALTIES)]
    return min(tried, key=lambda each: float(np.mean(left_out_errors(columns, target, each)[0] ** 2)))


def left_out_errors(
    columns: NDArray[np.float64], target: NDArray[np.float64], penalties: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the errors of configurations left out and 1 - H, each of shape ``(g,)``."""
    smoother = np.linalg.solve(columns.T @ columns + np.diag(penalties), columns.T)
    left = 1 - np.minimum((columns * smoother.T).sum(axis=1) + 1 / len(target), MAX_LEVERAGE)
    return (target - columns @ (smoother @ target)) / left, left


def _noise(left_out: NDArray[np.float64], left: NDArray[np.float64]) -> float:
    """Returns the noise variance for left-out errors and 1 - H, each of shape ``(g,)``.

    A point left out has the predictive variance noise * (1 + H / (1 - H)) = noise / (1 - H). The penalties were chosen
    on the same errors, so their mean square flatters: the 90 % quantile with the correction of split conformal
    prediction for few points is a second floor. Source: Lei et al. (2018), JASA 113:1094.
    """
    standardised = np.abs(left_out) * np.sqrt(left)
    quantile = conformal_quantile(standardised, 0.9) / NormalDist().inv_cdf(0.95)
    return max(float(np.mean(standardised**2)), quantile**2)
