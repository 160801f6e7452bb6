"""Terms of damage of several models at once, for each amount of damage that one of them tolerates.

n   rows
d   amounts that are tolerated

See ``perfmodel.surrogates.damage`` for what the terms are.
"""

import math
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.table_columns import PLACES
from perfmodel.surrogates.damage import (
    INPUTS,
    PRUNING_WEIGHT,
    RAMPS,
    REACHES,
    SCARCE,
    SCARCITY_COLUMN,
    STARTS,
    WORST,
    DamageTerms,
)

_LACKING = ("adapters are scarce", "share without adapters", "adapters are scarce behind")


def damage_names(terms: DamageTerms) -> tuple[str, ...]:
    """Returns the names of a model's terms in its order; those of a measured damage are none that are known here."""
    if not terms.has_damage:
        return terms.summary_names
    lacking = _LACKING if terms.behind else _LACKING[:-1]
    plain = _names(terms.tolerated, lacking)
    measured = terms.damage_terms - len(lacking) - len(plain)
    return (*lacking, *plain, *("of measured damage",) * measured, *terms.summary_names)


@final
class JointDamage:
    """The terms of damage.

    Args:
        tolerated: amounts, one or more, shape ``(d,)``.

    Attributes:
        names: of the terms.
    """

    def __init__(self, tolerated: Sequence[float]) -> None:
        self.names = (*_LACKING, *(name for each in tolerated for name in _names(each)))
        error, rate, adapted = (PLACES[name] for name in INPUTS)
        self._hurt, self._adapted = np.array([error, rate]), np.array([adapted])
        self._plain = np.array([PLACES[SCARCITY_COLUMN], PLACES["one"]])
        self._over = np.outer((1.0, PRUNING_WEIGHT), 1 / np.array(tolerated))
        self._shares = np.array([[1 / math.log2(1 + WORST / each) for each in tolerated]])
        self._scarce = np.array([[SCARCE]])
        self._set_forms(len(tolerated))

    def values(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the terms, shape ``(n, 3 + 12 d)``.

        Args:
            sums: columns ``SUM_COLUMNS``, shape ``(n, q)``.
        """
        damage = sums.take(self._hurt, axis=1) @ self._over
        damage += 1
        np.log2(damage, out=damage)
        damage *= self._shares
        adapted, plain = sums.take(self._adapted, axis=1), sums.take(self._plain, axis=1)
        inputs = np.concatenate((self._scarce / (adapted + self._scarce), 1 - adapted, plain, damage), axis=1)
        forms = inputs.take(self._first, axis=1)
        forms -= self._starts
        np.maximum(forms, self._lowest, out=forms)
        np.minimum(forms, self._highest, out=forms)
        forms *= inputs.take(self._second, axis=1)
        return forms

    def _set_forms(self, count: int) -> None:
        """Sets of which inputs each term is made: min(max(first - start, lowest), highest) * second."""
        lacking, one = list(range(len(_LACKING))), len(_LACKING)
        first, second = list(lacking), [one] * len(lacking)
        for place in range(one + 1, one + 1 + count):
            first += [place] * (1 + RAMPS + len(lacking))
            second += [one] * (1 + RAMPS) + lacking
        self._first, self._second = np.array(first), np.array(second)
        self._starts, self._lowest, self._highest = (
            np.array([[*[plain] * len(lacking), *([plain, *ramps, *[plain] * len(lacking)] * count)]])
            for plain, ramps in ((0.0, STARTS), (-np.inf, 0 * STARTS), (np.inf, REACHES))
        )


def _names(tolerated: float, lacking: Sequence[str] = _LACKING) -> list[str]:
    kinds = ("damage", *(f"ramp {index}" for index in range(RAMPS)), *(f"damage, {name}" for name in lacking))
    return [f"{kind}, {tolerated:g} tolerated" for kind in kinds]
