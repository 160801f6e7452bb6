"""A linear model of damage: it adds up, saturates, and is repaired where there are adapters.

    e   mean squared relative error of the units' stored weights
    r   pruning rate
    a   share of the layers with an adapter
    t   damage: log2(1 + (e + g r) / f), over its value where every unit has the narrowest width and nothing is pruned
    q   lack of adapters: 1 / (1 + 30 a), 1 - a, and where that helps the column ``active_scarcity``

    z = c + ramps(t) + sum over q of (b + d t) q + w . s + noise

with s the summary columns. Where the features have ``STEP_0_LOSS_COLUMN``, that loss before fine-tuning is a second t,
over its range in the training set.

Rounding and pruning hurt the same network, so they are added before anything saturates: pruning a model that two bits
have broken costs little more. Each ramp rises over an eighth of the damage and none may fall, so together they can be
any monotone curve: flat while the network tolerates the damage, steep, and flat again where only the distribution of
the answers can be learnt. What few adapters cannot repair grows with the damage. What is damaged behind the last
adapter cannot be repaired at all; the scarcity tells that and a does not.

The tolerated damage f, the penalties, and whether the scarcity is among the q are those of the least error on a
configuration left out. The weight g of pruning is fixed: choosing it too did no better.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.columns import STEP_0_LOSS_COLUMN, relative_error
from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import FREE, MonotoneColumns, unit_kinds
from perfmodel.files.state_file import read_state, write_state
from perfmodel.space.methods import DEFAULT_METHODS, WIDTHS
from perfmodel.surrogates.contract import AbstractSurrogate, Posterior, fitted, link_target
from perfmodel.surrogates.ridge import (
    Averages,
    Ridge,
    by_configuration,
    left_out_errors,
    sign_constrained_ridge,
    varying,
)
from perfmodel.surrogates.terms import Terms

INPUTS = ("mean_squared_error", "pruning_rate", "active_adapted_share")
"""e, r and a. Without one of them there is no damage to speak of, and the model is linear in the columns."""

SCARCITY_COLUMN = "active_scarcity"

PRUNING_WEIGHT = 0.1
"""g: pruning two fifths costs about what storing every weight in 3 bits does."""

TOLERATED = (0.004, 0.016)
DAMAGE_PENALTIES = (0.3, 3.0)
SUMMARY_PENALTIES = (3.0, 30.0, 1e5)
"""Tried: f; those of the damage's coefficients; those of the summary columns', of which the last means without."""

RAMPS = 8
STARTS = np.arange(RAMPS) / RAMPS
REACHES = np.append(np.full(RAMPS - 1, 1 / RAMPS), np.inf)
SCARCE = 1 / 30
"""Share of adapted layers at which half of the first scarcity is gone: one layer of SmolLM2."""

_FILE = "damage.json"


@dataclass(frozen=True)
class DamageTerms:
    """The columns as the model reads them: those of damage first, then the summary columns.

    Args:
        columns: names of the columns of the features that are read, shape ``(q,)``.
        log: whether the target is modelled as its logarithm.
        tolerated: f, the damage below which little is lost, above 0.
        low: lowest measured damage (``STEP_0_LOSS_COLUMN``) of the training set.
        high: highest measured damage of the training set.
        behind: whether ``active_scarcity`` is among the q; files of version 1 do not have it.
    """

    columns: tuple[str, ...]
    log: bool
    tolerated: float
    low: float
    high: float
    behind: bool = False

    def of(self, features: FeatureMatrix) -> NDArray[np.float64]:
        """Returns the terms, shape ``(n, p)``: of damage the q, then for each t itself, its ramps, and t q."""
        summary = self._summary.of(features)
        if not self.has_damage:
            return summary
        values = features.take(self._inputs)
        adapted = values[:, 2:3]
        lacking = np.concatenate((1 / (1 + adapted / SCARCE), 1 - adapted, values[:, 3 : 3 + self.behind]), axis=1)
        parts = [lacking]
        for damage in self._damages(values):
            ramps = np.minimum(np.maximum(damage - STARTS, 0.0), REACHES)
            parts += [damage, ramps, lacking * np.maximum(damage, 0.0)]
        return np.concatenate([*parts, summary], axis=1)

    def signs(self, monotone: MonotoneColumns, direction: int) -> NDArray[np.int64]:
        """Returns the sign that each term's coefficient must have, 0 where any will do.

        Args:
            monotone: what is known of the metric.
            direction: 1 where damage raises it, -1 where it lowers it.
        """
        summary = self._summary.signs(monotone)
        return np.array([direction] * self.damage_terms + list(summary), dtype=np.int64)

    @cached_property
    def has_damage(self) -> bool:
        """Whether the features tell the damage."""
        return set(INPUTS) <= set(self.columns)

    @cached_property
    def damage_terms(self) -> int:
        """How many of the terms are of damage."""
        lacking = 2 + self.behind
        return (lacking + (1 + lacking + RAMPS) * (1 + self._measured)) * self.has_damage

    def to_dict(self) -> dict[str, Any]:
        """Returns the terms as plain values."""
        return {**asdict(self), "columns": list(self.columns)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DamageTerms":
        """Returns the terms that ``to_dict`` wrote."""
        return cls(**{**values, "columns": tuple(values["columns"])})

    @cached_property
    def _summary(self) -> Terms:
        return Terms(self.columns, log=self.log)

    @cached_property
    def _inputs(self) -> tuple[str, ...]:
        return (*INPUTS, *(SCARCITY_COLUMN,) * self.behind, *(STEP_0_LOSS_COLUMN,) * self._measured)

    @cached_property
    def _measured(self) -> bool:
        return STEP_0_LOSS_COLUMN in self.columns

    def _damages(self, values: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
        """Returns t of each row, then the measured one where there is one, each of shape ``(n, 1)``."""
        hurt = values[:, 0:1] + PRUNING_WEIGHT * values[:, 1:2]
        yield np.log2(1 + hurt / self.tolerated) / math.log2(1 + WORST / self.tolerated)
        if self._measured:
            yield (values[:, -1:] - self.low) / max(self.high - self.low, 1e-9)


@final
class DamageSurrogate(AbstractSurrogate):
    """Ridge regression on the terms of damage; see the module."""

    kind: ClassVar[str] = "damage"
    version: ClassVar[int] = 2

    def __init__(self, *, log_target: bool, monotone: MonotoneColumns = FREE, seed: int = 0) -> None:
        del seed  # nothing is drawn
        self._log = log_target
        self._monotone = monotone
        self._model: tuple[DamageTerms, Ridge] | None = None

    def fit(self, features: FeatureMatrix, target: NDArray[np.float64], groups: NDArray[Any]) -> Self:
        """Returns the model itself, fitted; see ``AbstractSurrogate.fit``."""
        link = link_target(features, target, groups, log_target=self._log)
        best: tuple[float, DamageTerms, Ridge] | None = None
        for terms in self._shapes(features):
            averages = by_configuration(terms.of(features), link, groups)
            for direction in self._directions():
                signs = terms.signs(self._monotone, direction)
                for pair in product(DAMAGE_PENALTIES, SUMMARY_PENALTIES):
                    error, ridge = _fitted(averages, signs, terms.damage_terms, pair)
                    if best is None or error < best[0]:
                        best = error, terms, ridge
        assert best is not None  # there is a shape, and a direction
        self._model = best[1], best[2]
        return self

    def posterior(self, features: FeatureMatrix) -> Posterior:
        """Returns the prediction for each row; see ``AbstractSurrogate.posterior``."""
        terms, ridge = fitted(self._model, self.kind)
        return Posterior(*ridge.predict(terms.of(features)), self._log, ridge.run_noise)

    def save(self, folder: Path) -> None:
        """Writes ``damage.json``; see ``AbstractSurrogate.save``."""
        terms, ridge = fitted(self._model, self.kind)
        body = {"log_target": self._log, "terms": terms.to_dict(), "ridge": ridge.to_dict()}
        write_state(folder / _FILE, self.kind, self.version, body)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Returns the model that ``save`` wrote; see ``AbstractSurrogate.load``."""
        body = read_state(folder / _FILE, cls.kind, cls.version)
        model = cls(log_target=body["log_target"])
        model._model = DamageTerms.from_dict(body["terms"]), Ridge.from_dict(body["ridge"])
        return model

    def _shapes(self, features: FeatureMatrix) -> list[DamageTerms]:
        read = self._monotone.read(features.columns)
        columns = tuple(name for name, kind in zip(read, unit_kinds(read), strict=True) if kind is None) or read
        start = features.take((STEP_0_LOSS_COLUMN,)) if STEP_0_LOSS_COLUMN in columns else np.zeros((1, 1))
        ends = float(start.min()), float(start.max())
        ways = (False, True) if SCARCITY_COLUMN in features.columns else (False,)
        shapes = [DamageTerms(columns, self._log, each, *ends, way) for each, way in product(TOLERATED, ways)]
        return shapes if shapes[0].has_damage else shapes[:1]

    def _directions(self) -> Sequence[int]:
        """Returns which way damage may move the metric: that of errors, and against that of adapters."""
        error, _, adapted = self._monotone.signs(INPUTS)
        known = {sign for sign in (error, -adapted) if sign}
        return tuple(known) if len(known) == 1 else (1, -1)


def _fitted(
    averages: Averages, signs: NDArray[np.int64], damage_terms: int, pair: tuple[float, float]
) -> tuple[float, Ridge]:
    """Returns the mean squared error on configurations left out, and the regression."""
    kept = varying(averages.values)
    penalties = np.where(np.arange(len(signs)) < damage_terms, *pair)
    ridge = sign_constrained_ridge(averages, kept, averages.values[:, kept].std(axis=0), penalties[kept], signs[kept])
    columns = (averages.values[:, ridge.kept] - ridge.centre) / ridge.scale
    error, _ = left_out_errors(columns, averages.target - ridge.intercept, penalties[ridge.kept])
    return float(np.mean(error**2)), ridge


WORST = float(relative_error(np.array([min(WIDTHS)]), DEFAULT_METHODS)[0] ** 2)
