"""The loss as a sum over units: from sensitivities alone, and refitted on results.

Notation:
    n: results.
    R, U, B, K: pruning rates, units, widths and ranks of the space.

Before any result,

    cost = M(rate) sum_u D[u, lowest] + sum_u D[u, b_u] (1 - s(r_u))

with D the sensitivities, M the share of Taylor importance that a rate removes, and s the share of the damage that an
adapter is taken to mend, half of it at the highest rank and in proportion to log2(1 + r). M's factor and s are
assumptions that only start a search: with results, the weight of each unit's damage and of each unit's log2(1 + r),
and the cost of each rate, come from ridge regression with its penalties chosen by leaving results out.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.features.columns import relative_error
from perfmodel.space.space import Space
from perfmodel.surrogates.ridge import fit_ridge
from search.contract.knowledge import Knowledge
from search.moves.fixed_choices import FixedChoices

Floats = NDArray[np.float64]

_MENDED: Final = 0.5


@final
@dataclass(frozen=True)
class Costs:
    """An additive loss, up to a constant.

    Args:
        rates: cost of each pruning rate, in the unit of the loss, shape ``(R,)``.
        pairs: cost of each width and rank in each unit, in the unit of the loss, shape ``(U, B, K)``.
    """

    rates: Floats
    pairs: Floats

    def total(self, vectors: NDArray[np.int64]) -> Floats:
        """Returns the cost of index vectors, shape ``(n,)``."""
        units = np.arange(len(self.pairs))
        bits, ranks = vectors[:, 1 : 1 + len(units)], vectors[:, 1 + len(units) :]
        return np.asarray(self.rates[vectors[:, 0]] + self.pairs[units, bits, ranks].sum(axis=1))


def damage(space: Space, knowledge: Knowledge) -> Floats:
    """Returns the measured KL of each width in each unit, or its format's error where none was measured, ``(U, B)``."""
    if knowledge.sensitivities is not None:
        return knowledge.damage(space)
    errors = relative_error(np.asarray(space.bits), space.methods) ** 2
    return np.tile(errors, (space.units, 1))


def prior_costs(space: Space, knowledge: Knowledge) -> Costs:
    """Returns the costs before any result, by the formula above.

    Args:
        space: the legal configurations.
        knowledge: its sensitivities, in nats of KL, where there are any.
    """
    table = damage(space, knowledge)
    growth = _growth(space)
    mended = _MENDED * growth / max(growth.max(), 1e-12)
    return Costs(
        removed(space, knowledge) * table[:, 0].sum(),
        table[:, :, None] * (1 - mended),
    )


def width_costs(fixed: FixedChoices, costs: Floats) -> Costs:
    """Returns the costs of widths alone: other rates and other ranks than the fixed ones are excluded.

    Args:
        fixed: the rate and the rank.
        costs: of each width in each unit, in any unit, shape ``(U, B)``.
    """
    space = fixed.space
    rates = np.full(len(space.pruning_rates), np.inf)
    rates[fixed.rate] = 0.0
    pairs = np.full((space.units, len(space.bits), len(space.ranks)), np.inf)
    pairs[:, :, fixed.rank] = costs
    return Costs(rates, pairs)


def fitted_costs(space: Space, knowledge: Knowledge, vectors: NDArray[np.int64], losses: Floats) -> Costs:
    """Returns the costs that results teach, shape ``(n, d)`` and ``(n,)``; more bits or rank never cost more.

    Args:
        space: the legal configurations.
        knowledge: sensitivities, where there are any.
        vectors: index vectors of the results, shape ``(n, d)``.
        losses: of the results, in any unit, shape ``(n,)``.
    """
    table, growth, units = damage(space, knowledge), _growth(space), np.arange(space.units)
    rates = (vectors[:, [0]] == np.arange(1, len(space.pruning_rates))).astype(np.float64)
    errors = table[units, vectors[:, 1 : 1 + space.units]]
    ranks = growth[vectors[:, 1 + space.units :]]
    common = np.column_stack([errors.sum(axis=1), ranks.sum(axis=1), rates])
    groups = np.unique(vectors, axis=0, return_inverse=True)[1].reshape(-1)
    ridge = fit_ridge(common, errors, ranks, losses, groups)
    weights = np.zeros(common.shape[1] + 2 * space.units)
    weights[ridge.kept] = ridge.coefficients / ridge.scale
    of_rates = np.concatenate([[0.0], weights[2 : common.shape[1]]])
    of_errors = np.maximum(weights[0] + weights[common.shape[1] :][: space.units], 0.0)
    of_ranks = np.minimum(weights[1] + weights[common.shape[1] + space.units :], 0.0)
    return Costs(of_rates, (of_errors[:, None] * table)[:, :, None] + of_ranks[:, None, None] * growth)


def removed(space: Space, knowledge: Knowledge) -> Floats:
    """Returns the share of importance that each rate removes, measured where it was, else the rate, shape ``(R,)``."""
    rates = np.asarray(space.pruning_rates)
    known = knowledge.sensitivities
    if known is None or len(known.rates) == 0:
        return rates
    order = np.argsort(known.rates)
    at, mass = (np.concatenate([[0.0], column[order]]) for column in (known.rates, known.taylor_mass))
    return np.asarray(np.interp(rates, at, mass))


def _growth(space: Space) -> Floats:
    return np.log2(1.0 + np.asarray(space.ranks, dtype=np.float64))
