"""Gaussian process regression on a few summary columns, fitted by scikit-learn.

    z = c + f(x) + noise,   f ~ GP(0, s^2 k + t^2 x.x'),   k the Matern 5/2 kernel with a length for each column

Lengths, s^2, t^2 and the noise are those of the largest marginal likelihood. It holds to no known slope, so a predictor
takes it up only for metrics of which no slope is known.

Source: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, algorithm 2.1 and equation 4.17.
"""

import math
import warnings
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.columns import STEP_0_LOSS_COLUMN, SUMMARY_COLUMNS
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, OPT_IN_COLUMNS, MonotoneColumns, unit_kinds
from perfmodel.features.sensitivity_columns import SENSITIVITY_GROUPS
from perfmodel.files.json_arrays import pack_all, unpack_all
from perfmodel.files.state_file import read_state, write_state
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, fitted, link_target
from perfmodel.surrogates.ridge import Averages, by_configuration, varying

COLUMNS = (
    "pruning_rate",
    "mean_bits",
    "mean_squared_error",
    "mean_log2_error",
    "mean_log2_rank",
    "active_kept_share",
)
"""Read of the columns that describe a configuration; columns of a table that is not ours are all read."""

LARGEST = 300
"""Configurations that are used; of more, a random subset: a fit takes time with their cube."""

LEAST_NOISE = 1e-4
"""Variance of the noise over that of the target, at least."""

OWN_COLUMNS = frozenset((*SUMMARY_COLUMNS, *OPT_IN_COLUMNS, STEP_0_LOSS_COLUMN)).union(*SENSITIVITY_GROUPS.values())
"""Names of summary columns; any other is one of a table that is not ours."""

_FILE = "gaussian_process.json"


@dataclass(frozen=True)
class Process:
    """The fitted state, over m configurations and d columns.

    Args:
        centre: of the columns, shape ``(d,)``.
        divisor: of the columns: their deviations times the kernel's lengths, shape ``(d,)``.
        points: the configurations, in these units, shape ``(m, d)``.
        trend: t^2 times the squared lengths, shape ``(d,)``, in link space.
        weights: of the kernel at each point, in link space, shape ``(m,)``.
        intercept: c, in link space.
        signal: s^2, in link space.
        noise: variance of a configuration's average about f, in link space.
        run_noise: variance of one new run about f, in link space.
    """

    centre: NDArray[np.float64]
    divisor: NDArray[np.float64]
    points: NDArray[np.float64]
    trend: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float
    signal: float
    noise: float
    run_noise: float

    @cached_property
    def whitening(self) -> NDArray[np.float64]:
        """Its product with the kernel has the variance that the points explain as squared length, ``(m, m)``."""
        kernel = _kernel(self.points, self.points, self.signal, self.trend)
        return np.asarray(np.linalg.inv(np.linalg.cholesky(kernel + self.noise * np.eye(len(kernel)))).T)

    def predict(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns location and standard deviation of one new run in link space, each of shape ``(n,)``.

        Args:
            values: the d columns in their own units, shape ``(n, d)``.
        """
        rows = (values - self.centre) / self.divisor
        kernel = _kernel(rows, self.points, self.signal, self.trend)
        explained = kernel @ self.whitening
        variance = self.signal + rows**2 @ self.trend - np.einsum("ij,ij->i", explained, explained)
        return self.intercept + kernel @ self.weights, np.sqrt(np.maximum(variance, 0.0) + self.run_noise)


@final
class GaussianProcessSurrogate(AbstractSurrogate):
    """Gaussian process on the averages of each configuration's runs; see the module."""

    kind: ClassVar[str] = "gaussian_process"
    version: ClassVar[int] = 2

    def __init__(self, *, log_target: bool, monotone: MonotoneColumns = FREE, seed: int = 0) -> None:
        del monotone  # it keeps to none
        self._log = log_target
        self._seed = seed
        self._model: tuple[tuple[str, ...], Process] | None = None

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        link = link_target(features, target, groups, log_target=self._log)
        features.take(features.columns)  # refuses NaN as every surrogate does
        kinds = zip(features.columns, unit_kinds(features.columns), strict=True)
        plain = tuple(name for name, kind in kinds if kind is None)
        known = tuple(name for name in COLUMNS if name in plain)
        columns = (*known, *(name for name in plain if name not in OWN_COLUMNS)) or plain or features.columns
        averages = by_configuration(features.take(columns), link, groups)
        kept = varying(averages.values)
        self._model = tuple(columns[place] for place in kept), _fitted(averages, kept, self._seed)
        return self

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        columns, process = fitted(self._model, self.kind)
        return Posterior(*process.predict(features.take(columns)), self._log, math.sqrt(process.run_noise))

    def save(self, folder: Path) -> None:
        """Writes ``gaussian_process.json``; see ``AbstractSurrogate.save``."""
        columns, process = fitted(self._model, self.kind)
        body = {"log_target": self._log, "columns": list(columns), "process": pack_all(asdict(process))}
        write_state(folder / _FILE, self.kind, self.version, body)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version, oldest=2)
        model = cls(log_target=body["log_target"])
        model._model = tuple(body["columns"]), Process(**unpack_all(body["process"]))
        return model


def _fitted(averages: Averages, kept: NDArray[np.int64], seed: int) -> Process:
    """Returns the process through the averages of g configurations, on the columns that vary."""
    rows = np.arange(len(averages.target))
    if len(rows) > LARGEST:
        rows = np.sort(np.random.default_rng(seed).choice(rows, LARGEST, replace=False))
    values, target = averages.values[np.ix_(rows, kept)], averages.target[rows]
    middle, size = float(target.mean()), float(target.std())
    centre, deviation = values.mean(axis=0), values.std(axis=0)
    if not len(kept) or size <= 1e-9 * (1 + abs(middle)):
        none = np.zeros((0, len(kept)))
        variance = max(size**2, LEAST_NOISE**2) + averages.seed_noise
        ones = np.ones(len(kept))
        return Process(centre, ones, none, 0 * ones, np.zeros(0), middle, 0.0, variance, variance)
    columns = (values - centre) / deviation
    lengths, signal, slope, noise = _most_likely(columns, (target - middle) / size, averages.left_noise / size**2)
    points, signal, trend, noise = columns / lengths, signal * size**2, slope * size**2 * lengths**2, noise * size**2
    state = Process(
        centre, deviation * lengths, points, trend, target, middle, signal, noise, noise + averages.seed_noise
    )
    return replace(state, weights=state.whitening @ (state.whitening.T @ (target - middle)))


def _kernel(
    rows: NDArray[np.float64], points: NDArray[np.float64], signal: float, trend: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the covariance of rows and points, shape ``(n, m)``, both in units of the lengths."""
    far = rows @ (-10 * points.T)  # five times the squared distance, in place: new arrays cost more than arithmetic
    far += 5 * (rows * rows).sum(axis=1, keepdims=True)
    far += 5 * (points * points).sum(axis=1)
    np.maximum(far, 0.0, out=far)
    np.sqrt(far, out=far)
    kernel = far / 3
    kernel += 1
    kernel *= far
    kernel += 1
    kernel *= signal
    kernel *= np.exp(np.negative(far, out=far), out=far)
    kernel += (rows * trend) @ points.T
    return np.asarray(kernel)


def _most_likely(
    columns: NDArray[np.float64], target: NDArray[np.float64], known_noise: float
) -> tuple[NDArray[np.float64], float, float, float]:
    """Returns lengths, s^2, t^2 and the noise of the largest marginal likelihood, of standardised values."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern, WhiteKernel

    least = min(max(LEAST_NOISE, known_noise), 1.0)
    smooth = ConstantKernel(1.0, (1e-2, 1e2)) * Matern(np.ones(columns.shape[1]), (0.1, 1e3), nu=2.5)
    linear = ConstantKernel(0.1, (1e-4, 10.0)) * DotProduct(0.0, "fixed")
    model = GaussianProcessRegressor(smooth + linear + WhiteKernel(max(0.1, least), (least, 2.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column that says nothing has its length at the bound
        found = model.fit(columns, target).kernel_
    smooth, linear = found.k1.k1, found.k1.k2
    return (
        np.atleast_1d(smooth.k2.length_scale),
        float(smooth.k1.constant_value),
        float(linear.k1.constant_value),
        float(found.k2.noise_level),
    )
