"""Ridge regression over blocks of columns, its penalties chosen by leaving one configuration out.

    g   configurations; rows of one configuration are averaged first, so that seeds are no extra evidence
    p   columns that vary in the training set
    X   standardised columns, shape (g, p);  A = X'X + diag(penalties), shape (p, p);  H = 1/g + X A^-1 X'

Leaving configuration i out changes its residual r_i to r_i / (1 - H_ii), so every penalty is judged from one
factorisation. Source: Allen (1974), Technometrics 16:125, the PRESS statistic.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        scale: their divisors, shape ``(p,)``.
        coefficients: shape ``(p,)``.
        inverse: A^-1, shape ``(p, p)``.
        intercept: mean of the configurations' targets.
        bounds: lowest and highest location that is given, shape ``(2,)``.
        configurations: g.
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
        columns = (values[:, self.kept] - self.centre) / self.scale
        location = np.clip(self.intercept + columns @ self.coefficients, self.bounds[0], self.bounds[1])
        leverage = 1 / self.configurations + ((columns @ self.inverse) * columns).sum(axis=1)
        spread = float(self.bounds[1] - self.bounds[0]) / 3
        uncertainty = np.clip(self.noise * leverage, 0.0, spread**2)
        return location, np.sqrt(self.noise + uncertainty + self.seed_noise)

    def to_dict(self) -> dict[str, Any]:
        """Returns the regression as plain values."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Ridge":
        """Returns the regression that ``to_dict`` wrote."""
        arrays = {field.name: np.asarray(values[field.name]) for field in fields(cls)}
        arrays["inverse"] = arrays["inverse"].reshape(len(arrays["kept"]), -1)
        arrays["kept"] = arrays["kept"].astype(np.int64)
        plain = {
            "intercept": float(values["intercept"]),
            "configurations": int(values["configurations"]),
            "noise": float(values["noise"]),
            "seed_noise": float(values["seed_noise"]),
        }
        return cls(**{**arrays, **plain})  # type: ignore[arg-type]  # every field is one of the two kinds


def fit_ridge(
    common: NDArray[np.float64],
    errors: NDArray[np.float64],
    ranks: NDArray[np.float64],
    target: NDArray[np.float64],
    groups: NDArray[Any],
) -> Ridge:
    """Returns the regression with the smallest leave-one-configuration-out error.

    Args:
        common: columns scaled and penalised one by one, shape ``(n, q0)``.
        errors: columns scaled and penalised as a block, shape ``(n, q1)``.
        ranks: columns scaled and penalised as a block, shape ``(n, q2)``.
        target: shape ``(n,)``.
        groups: configuration of each row, shape ``(n,)``.
    """
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    average = _averaging(inverse, counts)
    values, means = average @ np.hstack((common, errors, ranks)), average @ target
    seed_noise = _seed_variance(target - means[inverse], counts) * (1 - float(np.mean(1 / counts)))
    centre, deviations = values.mean(axis=0), values.std(axis=0)
    scale = _block_scales(deviations, common.shape[1], errors.shape[1])
    # A column whose spread is rounding error next to its size does not vary.
    kept = np.flatnonzero(deviations > 1e-10 * (1 + np.abs(centre)))
    columns = (values[:, kept] - centre[kept]) / scale[kept]
    penalties, noise = _choose_penalties(columns, means - means.mean(), kept < common.shape[1])
    inverted = np.linalg.inv(columns.T @ columns + np.diag(penalties))
    low, high = float(means.min()), float(means.max())
    return Ridge(
        kept=kept,
        centre=centre[kept],
        scale=scale[kept],
        coefficients=inverted @ columns.T @ (means - means.mean()),
        inverse=inverted,
        intercept=float(means.mean()),
        bounds=np.array([2 * low - high, 2 * high - low]),
        configurations=len(means),
        noise=noise,
        seed_noise=seed_noise,
    )


def _averaging(inverse: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    average = np.zeros((len(counts), len(inverse)))
    average[inverse, np.arange(len(inverse))] = 1 / counts[inverse]
    return average


def _seed_variance(residuals: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    freedom = int((counts - 1).sum())
    return float((residuals**2).sum() / freedom) if freedom else 0.0


def _block_scales(deviations: NDArray[np.float64], common: int, errors: int) -> NDArray[np.float64]:
    scale = deviations.copy()
    for block in (slice(common, common + errors), slice(common + errors, None)):
        # One divisor a block: the same penalty then means the same cost per unit of error in every layer.
        scale[block] = np.sqrt(np.mean(deviations[block] ** 2)) if deviations[block].size else 1.0
    return scale


def _choose_penalties(
    columns: NDArray[np.float64], target: NDArray[np.float64], is_common: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """Returns the penalties, shape ``(p,)``, and the noise variance that goes with them."""
    best: tuple[float, NDArray[np.float64], float] | None = None
    for common in COMMON_PENALTIES:
        for unit in UNIT_PENALTIES:
            penalties = np.where(is_common, common, unit)
            smoother = np.linalg.solve(columns.T @ columns + np.diag(penalties), columns.T)
            left = 1 - np.minimum((columns * smoother.T).sum(axis=1) + 1 / len(target), MAX_LEVERAGE)
            left_out = (target - columns @ (smoother @ target)) / left
            error = float(np.mean(left_out**2))
            if best is None or error < best[0]:
                # A point left out has the predictive variance noise * (1 + H / (1 - H)) = noise / (1 - H).
                best = error, penalties, _noise(np.abs(left_out) * np.sqrt(left))
    assert best is not None  # the grids are not empty
    return best[1], best[2]


def _noise(standardised: NDArray[np.float64]) -> float:
    """Returns the noise variance for absolute left-out errors over their leverage, shape ``(g,)``.

    The penalties were chosen on the same errors, so their mean square flatters: the 90 % quantile with the correction
    of split conformal prediction for few points is a second floor. Source: Lei et al. (2018), JASA 113:1094.
    """
    count = len(standardised)
    rank = min(count, int(np.ceil(0.9 * (count + 1))))
    quantile = float(np.sort(standardised)[rank - 1]) / NormalDist().inv_cdf(0.95)
    return max(float(np.mean(standardised**2)), quantile**2)
