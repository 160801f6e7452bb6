"""Two questions that published claims answer in opposite ways, put to measured traces.

**Do low bits want high ranks (compensation), or do the layers that need bits need rank too (alignment)?**
AutoQRA (arXiv 2602.22268) says the first, QR-Adaptor (arXiv 2505.03802, version 4) the second. Two answers:

- *found*: the correlation over layers of log2(bits) with log2(1 + rank) within a configuration, averaged over the best
  quarter of the configurations, and over the others. Best is what lost least beyond what its rate, mean e^2 and mean
  log2(1 + rank) explain, so that a large budget makes no configuration good. A plan that draws bits and ranks apart has
  a correlation near 0 in all of them; compensation is a negative difference best - others, alignment a positive one.
- *wanted*: the additive model's cost of error and gain of rank of each layer (``perfmodel.surrogates.additive``),
  correlated over the layers. Alignment is positive: the layers that suffer most from rounding gain most from rank.

**Does accuracy follow from loss?** Their rank correlation over the configurations, loss turned round.

    g   configurations; L  units of a configuration; b  bootstrap draws of configurations
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.effects.repeats import Repeats, require
from perfmodel.features.columns import relative_error
from perfmodel.features.training_data import common_setting, measured
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.metrics import ACCURACY, LOSS
from perfmodel.statistics.bootstrap import estimate, group_weights
from perfmodel.statistics.interval import Estimate
from perfmodel.statistics.rank_correlation import kendall, spearman
from perfmodel.statistics.weighted import ratio
from perfmodel.surrogates.ridge import fit_ridge
from perfmodel.traces.trace import Trace

MINIMUM_CONFIGURATIONS = 40
"""Ten of which are the best quarter."""

MINIMUM_FOR_RANKS = 10
"""Configurations below which a rank correlation is a matter of luck."""

BEST_SHARE = 0.25

REFITS = 200
"""Bootstrap draws of what takes a fit each."""


@dataclass(frozen=True)
class BitsAgainstRanks:
    """Bits against ranks in one setting; every interval is a bootstrap over configurations.

    Args:
        configurations: number of those whose bits and ranks both vary over the units.
        best: how many of them are called the best.
        among_best: mean correlation of bits with ranks over the units, within the best.
        among_others: mean correlation of bits with ranks over the units, within the others.
        difference: ``among_best`` minus ``among_others``, from -2 to 2.
        importances: correlation over the units of what error costs with what rank gains.
    """

    configurations: int
    best: int
    among_best: Estimate
    among_others: Estimate
    difference: Estimate
    importances: Estimate


@dataclass(frozen=True)
class Agreement:
    """Rank correlation of accuracy with the negative loss over configurations, in one setting.

    Args:
        configurations: number of different configurations.
        spearman: Spearman's rho, from -1 to 1.
        kendall: Kendall's tau-b, from -1 to 1.
    """

    configurations: int
    spearman: Estimate
    kendall: Estimate


def agreement(traces: Sequence[Trace], *, seed: int = 0) -> Agreement:
    """Returns how far accuracy follows from loss.

    Args:
        traces: any number of one setting; those whose status is not ``ok`` are left out.
        seed: seed of the bootstrap's random generator.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_FOR_RANKS`` configurations.
        UserError: when the traces mix settings.
    """
    common_setting(traces)
    usable = [trace for trace in measured(traces, LOSS)[0] if trace.measured.accuracy is not None]
    groups = np.array([trace.asked.configuration.identifier for trace in usable], dtype=object)
    count = len(set(groups))
    require(count, MINIMUM_FOR_RANKS, "different configurations with loss and accuracy")
    weights = group_weights(groups, seed=seed)
    ease = -measured(usable, LOSS)[1]
    accuracy = measured(usable, ACCURACY)[1]
    return Agreement(count, *(estimate(of(ease, accuracy, weights)) for of in (spearman, kendall)))


def bits_against_ranks(traces: Sequence[Trace], metric: str = LOSS, *, seed: int = 0) -> BitsAgainstRanks:
    """Returns whether bits and ranks go together or stand in for each other.

    Args:
        traces: any number of one setting; those whose status is not ``ok`` are left out.
        metric: name of a measured column that is to be minimised.
        seed: seed of the bootstrap's random generator.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` configurations in which bits and ranks both
            vary over the units.
        UserError: when the traces mix settings.
    """
    data = Repeats.of(traces, metric)
    order = np.argsort([each.identifier for each in data.configurations])
    arrays = ConfigurationArrays.from_configurations([data.configurations[place] for place in order])
    means = data.runs.means[order]
    errors, ranks = relative_error(arrays.bits, arrays.methods) ** 2, np.log2(1.0 + arrays.ranks)
    within = _correlations(np.log2(arrays.bits), ranks)
    both = np.isfinite(within)
    require(int(both.sum()), MINIMUM_CONFIGURATIONS, "different configurations in which bits and ranks both vary")
    budget = np.column_stack((arrays.rates, errors.mean(axis=1), ranks.mean(axis=1)))
    beyond = _beyond_budget(budget, means)[both]
    best = beyond <= np.sort(beyond)[int(BEST_SHARE * len(beyond)) - 1]
    weights = group_weights(order[both], seed=seed)
    among = [ratio(weights * chosen @ within[both], (weights * chosen).sum(axis=1)) for chosen in (best, ~best)]
    return BitsAgainstRanks(
        configurations=int(both.sum()),
        best=int(best.sum()),
        among_best=estimate(among[0]),
        among_others=estimate(among[1]),
        difference=estimate(among[0] - among[1]),
        importances=estimate(_importance_correlations(budget, errors, ranks, means, seed)),
    )


def _correlations(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the correlation of each pair of rows, shape ``(g,)``, NaN where one does not vary."""
    x, y = (each - each.mean(axis=1, keepdims=True) for each in (x, y))
    sizes = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return ratio((x * y).sum(axis=1), sizes, more_than=1e-9)


def _beyond_budget(budget: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns what a quadratic regression on the budget leaves of each mean, shape ``(g,)``."""
    x = (budget - budget.mean(axis=0)) / np.maximum(budget.std(axis=0), 1e-12)
    products = [x[:, i] * x[:, j] for i in range(x.shape[1]) for j in range(i, x.shape[1])]
    columns = np.column_stack((np.ones(len(x)), x, *products))
    return np.asarray(means - columns @ np.linalg.lstsq(columns, means, rcond=None)[0])


def _importance_correlations(
    budget: NDArray[np.float64],
    errors: NDArray[np.float64],
    ranks: NDArray[np.float64],
    means: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float64]:
    """Returns the correlation of the additive model's importances in the data and in each draw, ``(1 + REFITS,)``.

    A configuration that is drawn twice counts once, so that none is both fitted and left out when the penalties are
    chosen: a draw holds about 63 % of the data, and the interval is wider, not narrower, than it should be.
    """
    rng = np.random.default_rng(seed)
    draws = [np.unique(rng.integers(len(means), size=len(means))) for _ in range(REFITS)]
    found = []
    for rows in (np.arange(len(means)), *draws):
        model = fit_ridge(budget[rows], errors[rows], ranks[rows], means[rows], rows)
        of_column = np.zeros(budget.shape[1] + errors.shape[1] + ranks.shape[1])
        of_column[model.kept] = model.coefficients / model.scale
        cost, loss_by_rank = np.split(of_column[budget.shape[1] :], 2)
        found.append(_correlations(cost[None], -loss_by_rank[None])[0])
    return np.array(found)
