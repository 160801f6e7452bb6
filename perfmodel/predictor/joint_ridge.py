"""Linear models and Gaussian processes of several metrics at once: one product of stacked matrices for all.

n   rows
k   models
p   columns of the model that has most, the last of them 1; the others' are filled up with weights of 0
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.columns import BYTE_COLUMNS, unit_columns
from perfmodel.features.table_columns import PLACES, SUM_COLUMNS, SpaceFeatures
from perfmodel.predictor.joint_basis import JointBasis
from perfmodel.predictor.joint_damage import JointDamage, damage_names
from perfmodel.surrogates.additive import AdditiveSurrogate
from perfmodel.surrogates.contract import AbstractSurrogate
from perfmodel.surrogates.damage import DamageSurrogate
from perfmodel.surrogates.gaussian_process import GaussianProcessSurrogate
from perfmodel.surrogates.rbf_features import GaussianBasis
from perfmodel.surrogates.ridge import Ridge

_NONE = np.zeros((0, 0))
_NO_BASIS = GaussianBasis(
    columns=(),
    log=False,
    low=_NONE.ravel(),
    high=_NONE.ravel(),
    held=_NONE.ravel().astype(np.int64),
    length=1.0,
    centres=_NONE,
    whitening=_NONE,
)


@dataclass(frozen=True)
class RidgeModel:
    """What additive models, models of damage and Gaussian processes have in common.

    Args:
        names: of the shared columns that it reads, in its order.
        ridge: on these, then the basis's products and bumps.
        basis: of a Gaussian process.
        bump_variance: prior variance of its bumps.
        tolerated: by a model of damage.
    """

    names: tuple[str, ...]
    ridge: Ridge
    basis: GaussianBasis = _NO_BASIS
    bump_variance: float = 0.0
    tolerated: tuple[float, ...] = ()

    @classmethod
    def of(cls, surrogate: AbstractSurrogate, units: int) -> Self | None:
        """Returns a surrogate's model, None where it is of no such kind or reads other columns than a space's.

        Args:
            surrogate: a fitted one.
            units: of the space.
        """
        made = None
        if isinstance(surrogate, GaussianProcessSurrogate):
            process = surrogate.process
            if process.basis.units == units:
                made = cls(process.basis.shared_names, process.ridge, process.basis, process.bump_variance)
        elif isinstance(surrogate, AdditiveSurrogate):
            terms, ridge = surrogate.line
            made = cls(terms.names, ridge)
        elif isinstance(surrogate, DamageSurrogate):
            damage, ridge = surrogate.line
            made = cls(damage_names(damage), ridge, tolerated=(damage.tolerated,) * damage.has_damage)
        return made if made and set(made.names) <= _known_names(made.tolerated, units) else None


@final
class JointRidge:
    """Locations and scales of several models.

    Args:
        models: one or more, shape ``(k,)``.
        features: of the space whose vectors will be asked about.
    """

    def __init__(self, models: Sequence[RidgeModel], features: SpaceFeatures) -> None:
        self._features = features
        self._bytes = np.array([PLACES[name] for name in BYTE_COLUMNS], dtype=np.intp)
        tolerated = sorted({each for model in models for each in model.tolerated})
        self._damage = JointDamage(tolerated) if tolerated else None
        shared = (*_COMMON_NAMES, *(self._damage.names if self._damage else ()))
        self._reads_units = any(set(model.names) - set(shared) for model in models)
        shared += _unit_names(features.units) if self._reads_units else ()
        bases = [model.basis for model in models]
        self._basis = JointBasis(bases, PLACES) if any(base.columns for base in bases) else None
        self._stack(models, {name: place for place, name in enumerate(shared)})
        ridges = [model.ridge for model in models]
        self._low, self._high = (_column([ridge.bounds[end] for ridge in ridges]) for end in (0, 1))
        self._most = ((self._high - self._low) / 3) ** 2
        self._noise = _column([ridge.noise + ridge.seed_noise for ridge in ridges])
        self._bumps = _column([model.bump_variance for model in models])
        self._most_spread = self._noise + self._bumps
        self._least_bytes = np.ones((1, len(BYTE_COLUMNS)))

    def posterior(self, sums: NDArray[np.float64], vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns locations and scales in link space, shape ``(2, k, n)``.

        Args:
            sums: of the vectors, columns ``SUM_COLUMNS``, shape ``(n, q)``.
            vectors: index vectors that were checked, shape ``(n, 1 + 2 * units)``.
        """
        count, (models, most, _) = len(sums), self._weights.shape
        joined, spread = self._joined(sums, vectors)
        columns = joined.take(self._places, axis=1)
        columns -= self._centre
        stacked = columns.reshape(count, models, most).transpose(1, 0, 2)
        found = np.matmul(stacked, self._weights)
        made = np.empty((2, models, count))
        location, variance = made[0], made[1]
        np.maximum(found[:, :, 0], self._low, out=location)
        np.minimum(location, self._high, out=location)
        np.vecdot(found[:, :, 1:], stacked, out=variance)
        np.minimum(variance, self._most, out=variance)
        variance += spread
        np.sqrt(variance, out=variance)
        return made

    def _joined(
        self, sums: NDArray[np.float64], vectors: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns all columns side by side, and the variance that the coefficients do not make.

        That is the noise, and what the bumps' centres do not see; shape ``(k, n)`` or ``(k, 1)``.
        """
        stored = sums.take(self._bytes, axis=1)
        parts = [sums, np.log(np.maximum(stored, self._least_bytes, out=stored), out=stored)]
        if self._damage:
            parts.append(self._damage.values(sums))
        if self._reads_units:
            parts.append(self._features.unit_terms(vectors))
        if not self._basis:
            return np.concatenate(parts, axis=1), self._noise
        products, bumps = self._basis.values(sums)
        side_by_side = bumps.transpose(1, 0, 2).reshape(len(sums), bumps.shape[0] * bumps.shape[2])
        joined = np.concatenate((*parts, products, side_by_side), axis=1)
        seen = np.vecdot(bumps, bumps)
        seen *= self._bumps
        np.subtract(self._most_spread, seen, out=seen)
        return joined, np.maximum(seen, self._noise, out=seen)

    def _stack(self, models: Sequence[RidgeModel], shared: dict[str, int]) -> None:
        """Sets where the models' columns lie, their centres, and each model's coefficients beside its covariance."""
        most = 1 + max(len(model.ridge.kept) for model in models)
        places = np.full((len(models), most), shared["one"], dtype=np.intp)
        centres = np.zeros((len(models), most))
        self._weights = np.zeros((len(models), most, 1 + most))
        for index, model in enumerate(models):
            ridge, count = model.ridge, len(model.ridge.kept)
            own = [np.array([shared[name] for name in model.names], dtype=np.intp)]
            if self._basis:
                own += [len(shared) + each for each in self._basis.columns(index)]
            places[index, :count] = np.concatenate(own)[ridge.kept]
            centres[index, :count] = ridge.centre
            self._weights[index, :count, 0] = ridge.coefficients / ridge.scale
            covariance = ridge.noise * ridge.inverse / np.outer(ridge.scale, ridge.scale)
            self._weights[index, :count, 1 : 1 + count] = covariance
            self._weights[index, -1, 0] = ridge.intercept
            self._weights[index, -1, -1] = ridge.noise / ridge.configurations
        # A row of its own: for one row NumPy then has nothing to broadcast, which costs more than the arithmetic.
        self._places, self._centre = places.reshape(-1), centres.reshape(1, -1)


_COMMON_NAMES = (*SUM_COLUMNS, *(f"log {name}" for name in BYTE_COLUMNS))


def _unit_names(units: int) -> tuple[str, ...]:
    """Returns the names of the terms that ``SpaceFeatures.unit_terms`` gives, as ``AdditiveTerms`` has them."""
    names = unit_columns(units)
    return (*(f"squared_error {name}" for name in names[:units]), *(f"log2 {name}" for name in names[units:]))


def _known_names(tolerated: tuple[float, ...], units: int) -> set[str]:
    return {*_COMMON_NAMES, *(JointDamage(tolerated).names if tolerated else ()), *_unit_names(units)}


def _column(values: Sequence[float]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)[:, None]
