"""A weighted mean of the other surrogates, weighted by what they predict for configurations that they did not see.

    k   members
    z   targets in link space;  f_j out-of-fold locations;  s_j out-of-fold scales

The weights are those of least squared error of sum_j w_j f_j to z with w_j >= 0 and sum_j w_j = 1, so a stack of models
that keep to known slopes keeps to them too. Source: Breiman (1996), Machine Learning 24:49.

The scale is sum_j w_j s_j times one factor, which makes 90 % of the out-of-fold errors lie in the 90 % interval, with
the correction of split conformal prediction for few points. The factor is at least 1: the weights were chosen on the
same errors, and where these were small by luck a factor of 0.74 left 73 % covered. Source: Lei et al. (2018), JASA
113:1094.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, Slopes
from perfmodel.files.state_file import read_state, write_state
from perfmodel.surrogates.additive import AdditiveSurrogate
from perfmodel.surrogates.boosted import BoostedSurrogate
from perfmodel.surrogates.constant import ConstantSurrogate
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, fitted, link_target
from perfmodel.surrogates.damage import DamageSurrogate
from perfmodel.surrogates.gaussian_process import GaussianProcessSurrogate
from perfmodel.surrogates.sign_constrained import signed_coefficients

if TYPE_CHECKING:
    from perfmodel.surrogates.contract import Features

MEMBERS: dict[str, type[AbstractSurrogate]] = {
    member.kind: member
    for member in (ConstantSurrogate, AdditiveSurrogate, DamageSurrogate, BoostedSurrogate, GaussianProcessSurrogate)
}

FOLDS = 4
LEVEL = 0.9
LEAST_WEIGHT = 0.02
"""A member below it is left out: it would cost its time and change nothing."""

_FILE = "stack.json"
_SUM_WEIGHT = 1e3
"""How hard the sum of the weights is held to 1 before they are divided by it."""


@dataclass(frozen=True)
class _Stack:
    """The fitted state.

    Args:
        weights: of the members that are used.
        factor: of the spread.
        members: fitted to all rows.
    """

    weights: tuple[float, ...]
    factor: float
    members: tuple[AbstractSurrogate, ...]


@final
class StackSurrogate(AbstractSurrogate):
    """The constant, additive, damage, boosted and Gaussian process surrogates together; see the module."""

    kind: ClassVar[str] = "stack"
    version: ClassVar[int] = 1

    def __init__(self, *, log_target: bool, slopes: Slopes = FREE, seed: int = 0) -> None:
        self._log = log_target
        self._slopes = slopes
        self._seed = seed
        self._stack: _Stack | None = None

    def fit(self, features: "Features", target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        matrix, groups = FeatureMatrix.of(features), np.asarray(groups)
        link = link_target(matrix, target, groups, log_target=self._log)
        target = np.asarray(target, dtype=np.float64)
        location, scale = self._out_of_fold(matrix, target, groups)
        weights = _weights(location, link)
        used = weights >= LEAST_WEIGHT
        weights = weights[used] / weights[used].sum()
        names = [name for name, use in zip(MEMBERS, used, strict=True) if use]
        factor = _factor(np.abs(link - weights @ location[used]), weights @ scale[used])
        members = tuple(self._member(name).fit(matrix, target, groups) for name in names)
        self._stack = _Stack(tuple(weights.tolist()), factor, members)
        return self

    def posterior(self, features: "Features") -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        stack, matrix = fitted(self._stack, self.kind), FeatureMatrix.of(features)
        posteriors = [member.posterior(matrix) for member in stack.members]
        pairs = list(zip(stack.weights, posteriors, strict=True))
        location = np.sum([weight * each.location for weight, each in pairs], axis=0)
        scale = stack.factor * np.sum([weight * each.scale for weight, each in pairs], axis=0)
        noise = stack.factor * sum(weight * (each.noise or 0.0) for weight, each in pairs)
        return Posterior(location, scale, self._log, noise)

    def save(self, folder: Path) -> None:
        """Writes ``stack.json`` and one folder a member; see ``AbstractSurrogate.save``."""
        stack = fitted(self._stack, self.kind)
        names = [member.kind for member in stack.members]
        body = {"log_target": self._log, "members": names, "weights": list(stack.weights), "factor": stack.factor}
        write_state(folder / _FILE, self.kind, self.version, body)
        for member in stack.members:
            member.save(folder / member.kind)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version)
        model = cls(log_target=body["log_target"])
        members = tuple(MEMBERS[name].load(folder / name) for name in body["members"])
        model._stack = _Stack(tuple(body["weights"]), body["factor"], members)
        return model

    def _member(self, name: str) -> AbstractSurrogate:
        return MEMBERS[name](log_target=self._log, slopes=self._slopes, seed=self._seed)

    def _out_of_fold(
        self, matrix: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns locations and scales for rows whose configuration was left out, each of shape ``(k, n)``."""
        names, inverse = np.unique(groups, return_inverse=True)
        order = np.random.default_rng(self._seed).permutation(len(names))
        fold = (order % max(1, min(FOLDS, len(names))))[inverse]
        location, scale = np.zeros((2, len(MEMBERS), len(target)))
        for index in np.unique(fold):
            test = fold == index
            train = ~test if (~test).sum() > 1 else np.ones(len(test), dtype=bool)
            inside, outside = (FeatureMatrix(matrix.columns, matrix.values[rows]) for rows in (train, test))
            for row, name in enumerate(MEMBERS):
                posterior = self._member(name).fit(inside, target[train], groups[train]).posterior(outside)
                location[row, test], scale[row, test] = posterior.location, posterior.scale
        return location, scale


def _weights(location: NDArray[np.float64], link: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns weights of 0 or more that sum to 1, shape ``(k,)``."""
    size = float(link.std()) or 1.0
    columns = np.vstack(((location - link.mean()).T / size, np.full((1, len(location)), _SUM_WEIGHT)))
    wanted = np.append((link - link.mean()) / size, _SUM_WEIGHT)
    found = signed_coefficients(columns, wanted, np.full(len(location), 1e-3), [1] * len(location))
    return np.asarray(found / found.sum())


def _factor(error: NDArray[np.float64], scale: NDArray[np.float64]) -> float:
    """Returns what the scales must be multiplied by, for absolute errors and scales of shape ``(n,)``."""
    ratio = np.sort(error / scale)
    rank = min(len(ratio), int(np.ceil(LEVEL * (len(ratio) + 1))))
    return max(1.0, float(ratio[rank - 1]) / NormalDist().inv_cdf(0.5 + LEVEL / 2))
