"""The functions that span the Gaussian process: per-unit costs smooth over depth, products, and bumps.

    n   rows
    U   units
    c   coordinates: the few summary columns whose interplay is modelled
    m   centres of the bumps

Blocks, each with a prior variance of its own:

common      the summary columns of the additive model: its prior mean, with the coefficients marginalised
bits        squared error of the units times hat functions of depth, coarse to fine: an additive ordinal kernel
            that is smooth over depth
ranks       log2(1 + rank) of the units times the same
products    of coordinates
bumps       a squared exponential kernel over the coordinates of unknown slope, projected on its centres

A column in which the metric may not fall gets a coefficient that is not negative. Hats are not negative, so neither is
a sum of them; a held coordinate is multiplied by another's share t of its range and by 1 - t, which are not negative
either. So the whole function keeps to the slopes. Source: Maatouk and Bay (2017), Mathematical Geosciences 49:557.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.hat_basis import ERROR_HATS, HATS, RANK_HATS, depth_hats
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import Slopes
from perfmodel.files.json_arrays import pack, unpack
from perfmodel.surrogates.additive import AdditiveTerms

COORDINATES = ("pruning_rate", "mean_squared_error", "mean_log2_error", "mean_log2_rank", "active_kept_share")
CENTRES = 32
"""Most centres of the bumps; with no more configurations than that the kernel is exact on them."""

JITTER = 1e-6


@dataclass(frozen=True)
class GaussianBasis:
    """The basis, with the ranges and centres that it took from the training set.

    Args:
        columns: of the features that are read.
        log: whether the target is modelled as its logarithm.
        low: lowest value of each coordinate, shape ``(c,)``.
        high: highest value, shape ``(c,)``.
        held: sign of the metric's slope in each coordinate, shape ``(c,)``.
        length: of the bumps, in ranges of the coordinates.
        centres: of the bumps in the free coordinates' ranges, shape ``(m, free)``.
        whitening: makes the bumps independent, shape ``(m, m)``.
    """

    columns: tuple[str, ...]
    log: bool
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    held: NDArray[np.int64]
    length: float
    centres: NDArray[np.float64]
    whitening: NDArray[np.float64]

    @classmethod
    def of(cls, features: FeatureMatrix, slopes: Slopes, length: float, *, log: bool) -> "GaussianBasis":
        """Returns the basis for training features, one row a configuration.

        Args:
            features: n rows.
            slopes: what is known of the metric.
            length: of the bumps.
            log: whether the target is modelled as its logarithm.
        """
        columns = slopes.read(features.columns)
        names = tuple(name for name in COORDINATES if name in columns)
        held = np.array(slopes.signs(names), dtype=np.int64)
        values = features.take(names)
        low, high = values.min(axis=0), values.max(axis=0)
        none = np.empty((0, 0))
        bare = cls(columns, log, low, high, held, length, none, none)
        scaled = bare._scaled(values)[:, held == 0]
        if not scaled.shape[1]:
            return bare
        centres = _spread_out(scaled, CENTRES)
        kernel = _bumps(centres, centres, length) + JITTER * np.eye(len(centres))
        whitening = np.linalg.inv(np.linalg.cholesky(kernel)).T
        return cls(columns, log, low, high, held, length, centres, whitening)

    def values(self, features: FeatureMatrix) -> NDArray[np.float64]:
        """Returns the basis functions, shape ``(n, p)``."""
        parts = [features.once(self._shared_key, lambda: self._shared(features))]
        scaled = self._scaled(features.take(self.names))
        if len(self.held):
            factors, (first, second) = _factors(scaled), self.factor_places
            parts.append(factors.take(first, axis=1) * factors.take(second, axis=1))
        if len(self.centres):
            parts.append(_bumps(scaled.take(self.free, axis=1), self.centres, self.length) @ self.whitening)
        return np.hstack(parts)

    def layout(self, slopes: Slopes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Returns the block and the coefficient's sign of each function, each of shape ``(p,)``."""
        terms = self._terms
        signs = terms.signs(slopes)
        common, errors = terms.common, terms.errors
        blocks = [list(signs[:common])]
        blocks += [[signs[common]] * HATS if errors else []]
        blocks += [[signs[common + errors]] * HATS if len(signs) > common + errors else []]
        blocks += [_pairs(self.held)[2], [0] * len(self.centres)]
        block = np.repeat(np.arange(len(blocks)), [len(each) for each in blocks])
        return block, np.array([sign for each in blocks for sign in each], dtype=np.int64)

    def missing_variance(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the share of the bumps' prior variance that their centres do not see, shape ``(n,)``.

        Args:
            values: what ``values`` gave, shape ``(n, p)``.
        """
        bumps = values[:, values.shape[1] - len(self.centres) :]
        return np.maximum(1 - np.einsum("ij,ij->i", bumps, bumps), 0.0) if len(self.centres) else np.zeros(len(values))

    @property
    def shared_names(self) -> tuple[str, ...]:
        """Names of the functions that do not depend on the training set: additive terms, then hats."""
        common, errors = self._terms.common, self._terms.errors
        ranks = len(self.columns) > common + errors
        return (*self._terms.names[:common], *(ERROR_HATS if errors else ()), *(RANK_HATS if ranks else ()))

    def to_dict(self) -> dict[str, Any]:
        """Returns the basis as plain values."""
        arrays = {name: pack(getattr(self, name)) for name in ("low", "high", "held", "centres", "whitening")}
        return {"columns": list(self.columns), "log": self.log, "length": self.length, **arrays}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "GaussianBasis":
        """Returns the basis that ``to_dict`` wrote.

        Raises:
            CorruptFileError: when an array cannot be read.
        """
        low, high, held, centres, whitening = (
            unpack(values[name]) for name in ("low", "high", "held", "centres", "whitening")
        )
        return cls(
            tuple(values["columns"]), bool(values["log"]), low, high, held, float(values["length"]), centres, whitening
        )

    @cached_property
    def _terms(self) -> AdditiveTerms:
        return AdditiveTerms(self.columns, log=self.log)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Columns that are coordinates, shape ``(c,)``."""
        return tuple(name for name in COORDINATES if name in self.columns)

    @property
    def units(self) -> int:
        """Units whose raw columns it reads."""
        return max(self._terms.errors, len(self.columns) - self._terms.common - self._terms.errors)

    @cached_property
    def _shared_key(self) -> tuple[object, ...]:
        return ("gaussian hats", self.log, self.columns)

    @cached_property
    def _hats(self) -> NDArray[np.float64]:
        return depth_hats(self.units)

    def _shared(self, features: FeatureMatrix) -> NDArray[np.float64]:
        """Returns the blocks that do not depend on the training set: common, bits, ranks; shape ``(n, ...)``."""
        terms = self._terms.of(features)
        common, errors = self._terms.common, self._terms.errors
        units = [block for block in (terms[:, common : common + errors], terms[:, common + errors :]) if block.shape[1]]
        return np.hstack((terms[:, :common], *(block @ self._hats for block in units)))

    @cached_property
    def factor_places(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Columns of ``_factors`` of which each product is made: the first factors and the second."""
        first, second, _ = _pairs(self.held)
        return np.array(first, dtype=np.intp), np.array(second, dtype=np.intp)

    @cached_property
    def free(self) -> NDArray[np.intp]:
        """Coordinates of unknown slope: those of the bumps."""
        return np.flatnonzero(self.held == 0)

    @cached_property
    def span(self) -> NDArray[np.float64]:
        """Range of each coordinate, 1 where it does not vary, shape ``(c,)``."""
        span = self.high - self.low
        return np.where(span > 1e-9 * (1 + np.abs(self.high)), span, 1.0)

    def _scaled(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        return (coordinates - self.low) / self.span


def _pairs(held: NDArray[np.int64]) -> tuple[list[int], list[int], list[int]]:
    """Returns the factors of each product and the sign of its coefficient.

    Factors are columns of ``_factors``: of c coordinates the value, the value where positive, the share t, and 1 - t.
    """
    count = len(held)
    first, second = [count * bool(sign) + index for index, sign in enumerate(held)], []
    second = list(first)
    signs = [int(sign) for sign in held]
    for one, other in combinations(range(count), 2):
        if not held[one] and not held[other]:
            first, second, signs = [*first, one], [*second, other], [*signs, 0]
        elif bool(held[one]) != bool(held[other]):
            fixed, free = (one, other) if held[one] else (other, one)
            first, second = [*first, fixed, fixed], [*second, 2 * count + free, 3 * count + free]
            signs += [int(held[fixed])] * 2
    return first, second, signs


def _factors(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the four forms of the coordinates, shape ``(n, 4 c)``; see ``_pairs``."""
    positive = np.maximum(scaled, 0.0)
    share = np.minimum(positive, 1.0)
    return np.hstack((scaled, positive, share, 1 - share))


def _spread_out(points: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Returns different points, each the farthest from those before it, at most ``count``.

    Source: Gonzalez (1985), Theoretical Computer Science 38:293.
    """
    chosen = [int(((points - points.mean(axis=0)) ** 2).sum(axis=1).argmin())]
    distance = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < min(count, len(points)) and distance.max() > 1e-8:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return points[chosen]


def _bumps(first: NDArray[np.float64], second: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    """Returns exp(-d^2 / 2 length^2) of all pairs, shape ``(len(first), len(second))``."""
    exponent = first @ second.T
    exponent -= (first * first).sum(axis=1, keepdims=True) / 2
    exponent -= (second * second).sum(axis=1) / 2
    exponent *= length**-2
    return np.asarray(np.exp(exponent, out=exponent))
