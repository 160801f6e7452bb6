"""A Gaussian process whose kernel is a sum of known parts, each of finite rank.

    z = c + basis(x) . w + noise,   w_j ~ N(0, v_block(j)),   the additive model's columns among the basis

A kernel that is spanned by p functions is a linear model in them, so the process is exact and costs g p^2 in the
configurations and p^2 a prediction, at some tens of rows as at some ten thousand. Only the kernel of the bumps has more
than p dimensions: beyond 32 configurations it is projected on 32 centres, and what these do not see is added to the
variance (the deterministic training conditional). The mean is that of the largest posterior density within the known
signs of slopes; the variance is that of the functions that it uses.

Source: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, 2.7 and 8.3.4 and 5.4.1.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, Slopes
from perfmodel.files.state_file import read_state, write_state
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, fitted, link_target
from perfmodel.surrogates.marginal_likelihood import maximise_evidence
from perfmodel.surrogates.rbf_features import GaussianBasis
from perfmodel.surrogates.ridge import Averages, Ridge, by_configuration, signed_ridge, varying

if TYPE_CHECKING:
    from perfmodel.surrogates.contract import Features

LENGTHS = (0.35, 0.8, 2.0)
"""Of the bumps, in ranges of the coordinates; the one of the greatest evidence is kept."""

LARGEST = 1000
"""Configurations from which the variances are learned; of more, a random subset. All of them enter the posterior."""

BUMPS = 4
"""Number of the bumps' block."""

_FILE = "gaussian_process.json"


@dataclass(frozen=True)
class Process:
    """The fitted state.

    Args:
        basis: of the functions.
        ridge: the posterior of their weights.
        bump_variance: prior variance of the bumps.
    """

    basis: GaussianBasis
    ridge: Ridge
    bump_variance: float


@final
class GaussianProcessSurrogate(AbstractSurrogate):
    """Gaussian process regression with variances by marginal likelihood; see the module."""

    kind: ClassVar[str] = "gaussian_process"
    version: ClassVar[int] = 1

    def __init__(self, *, log_target: bool, slopes: Slopes = FREE, seed: int = 0) -> None:
        self._log = log_target
        self._slopes = slopes
        self._seed = seed
        self._process: Process | None = None

    def fit(self, features: "Features", target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        matrix = FeatureMatrix.of(features)
        link = link_target(matrix, target, groups, log_target=self._log)
        matrix.take(self._slopes.read(matrix.columns))
        best: tuple[float, Process] | None = None
        for length in LENGTHS:
            basis = GaussianBasis.of(matrix, self._slopes, length, log=self._log)
            averages = by_configuration(basis.values(matrix), link, groups)
            evidence, process = self._fitted(basis, averages)
            if best is None or evidence > best[0]:
                best = evidence, process
            if not len(basis.centres):
                break
        assert best is not None  # there is a length
        self._process = best[1]
        return self

    def posterior(self, features: "Features") -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        process = fitted(self._process, self.kind)
        values = process.basis.values(FeatureMatrix.of(features))
        location, scale = process.ridge.predict(values)
        if process.bump_variance:
            scale = np.sqrt(scale**2 + process.bump_variance * process.basis.missing_variance(values))
        return Posterior(location, scale, self._log, process.ridge.run_noise)

    @property
    def process(self) -> Process:
        """The fitted state.

        Raises:
            UserError: when the model is not fitted.
        """
        return fitted(self._process, self.kind)

    def save(self, folder: Path) -> None:
        """Writes ``gaussian_process.json``; see ``AbstractSurrogate.save``."""
        process = fitted(self._process, self.kind)
        body = {"log_target": self._log, "basis": process.basis.to_dict(), "ridge": process.ridge.to_dict()}
        write_state(folder / _FILE, self.kind, self.version, {**body, "bump_variance": process.bump_variance})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version)
        model = cls(log_target=body["log_target"])
        basis, ridge = GaussianBasis.from_dict(body["basis"]), Ridge.from_dict(body["ridge"])
        model._process = Process(basis, ridge, body["bump_variance"])
        return model

    def _fitted(self, basis: GaussianBasis, averages: Averages) -> tuple[float, Process]:
        """Returns the log evidence and the posterior with the best variances."""
        block, signs = basis.layout(self._slopes)
        kept = varying(averages.values)
        if not len(kept) or np.ptp(averages.target) <= 1e-9 * (1 + np.abs(averages.target).max()):
            return 0.0, Process(basis, signed_ridge(averages, kept[:0], np.ones(0), np.ones(0), signs[:0]), 0.0)
        scale = _scales(averages.values, block)[kept]
        columns = (averages.values[:, kept] - averages.values[:, kept].mean(axis=0)) / scale
        rows = np.arange(len(columns))
        if len(rows) > LARGEST:
            rows = np.random.default_rng(self._seed).choice(rows, LARGEST, replace=False)
        target = averages.target - averages.target.mean()
        found = maximise_evidence(columns[rows], target[rows], block[kept], averages.left_noise)
        ridge = signed_ridge(averages, kept, scale, found.noise / found.variances, signs[kept])
        bumps = block[kept] == BUMPS
        return found.log_evidence, Process(basis, ridge, float(found.variances[bumps].max(initial=0.0)))


def _scales(values: NDArray[np.float64], block: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns divisors, shape ``(p,)``: each summary column's own, one for each other block, none for the bumps."""
    scale: NDArray[np.float64] = values.std(axis=0)
    for name in np.unique(block[block > 0]):
        inside = block == name
        scale[inside] = np.sqrt(np.mean(scale[inside] ** 2)) or 1.0
    scale[block == BUMPS] = 1.0
    return scale
