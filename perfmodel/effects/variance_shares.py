"""What share of a metric's variance is the rate, the bits and the ranks by depth, their interactions, and the seed.

    g   configurations
    b   weightings: bootstrap draws of configurations; the first line is the data as they are
    z   the metric's logarithm where it is modelled so, else the metric; of each configuration the mean of its runs
    x   (g, 7): pruning rate; mean of e^2 over the first, middle and last third of the layers; mean of log2(1 + rank)
        over the same thirds.  e is the relative quantisation error: log loss is close to linear in its square

Two ridge regressions explain z: the additive one has x_j and x_j^2 of every part, the full one all products x_j x_k
too. A regression explains what it takes off the squared error with which the mean predicts a configuration that was
left out, so columns that explain nothing get nothing, and may come out a little below 0. Then, of the variance of a
single run,

    noise          pooled variance over seeds
    interactions   what the full regression explains beyond the additive one
    each part      its Shapley value in what additive regressions on every subset of the parts explain; parts that vary
                   together, as neighbouring thirds do, share what either could explain
    unexplained    the rest: effects of single layers, and of more than two parts at once

and all of it adds up to 1. Where the parts are independent, the shares are the first-order indices of functional ANOVA
and the sum of the second-order ones.

Assumed: that thirds stand for their layers, that second order is enough, and noise of one size. Shares belong to the
configurations that were measured: an axis that was varied more explains more. The intervals hold what other
configurations would give the same regressions; the fits are not repeated within them.

Source: Lindeman, Merenda and Gold 1980, "Introduction to bivariate and multivariate analysis", page 119 (Shapley values
of explained variance); Owen 2014, SIAM/ASA J. Uncertainty Quantification 2:245 (Shapley effects); Allen 1974,
Technometrics 16:125 (leaving one out).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from perfmodel.effects.repeats import Repeats
from perfmodel.features.columns import THIRDS, relative_error
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.metrics import LOSS
from perfmodel.space.metrics import metric as metric_named
from perfmodel.space.space import Configuration
from perfmodel.statistics.interval import Estimate
from perfmodel.surrogates.ridge import left_out_errors
from perfmodel.traces.trace import Trace

PARTS: tuple[str, ...] = ("pruning_rate", *(f"{axis}_{third}" for axis in ("bits", "rank") for third in THIRDS))
"""Columns of x."""

AXES = ("pruning_rate", "bits", "rank")

MINIMUM_CONFIGURATIONS = 30
"""Twice the coefficients of the additive regression."""

PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Tried on standardised columns."""

WITHOUT = 1e6
"""A penalty that leaves nothing of a column: products may turn out to be worth nothing."""


@dataclass(frozen=True)
class VarianceShares:
    """Shares of the variance of single runs of one metric in one setting.

    Args:
        metric: name of the measured column.
        log: whether shares are of the variance of the metric's logarithm.
        configurations: g, the number of different configurations.
        runs: number of usable runs.
        parts: share of each of ``PARTS``, 1 for all of the variance.
        axes: share of each of ``AXES`` over all depths, ``interactions``, ``noise`` and ``unexplained``: together 1.
    """

    metric: str
    log: bool
    configurations: int
    runs: int
    parts: dict[str, Estimate]
    axes: dict[str, Estimate]


def variance_shares(traces: Sequence[Trace], metric: str = LOSS, *, seed: int = 0) -> VarianceShares:
    """Returns the shares of a metric's variance.

    Args:
        traces: any number of one setting; those whose status is not ``ok`` are left out.
        metric: name of a measured column, of ``perfmodel.space.metrics.METRICS``.
        seed: seed of the bootstrap's random generator.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` configurations, or too few repeats to know the
            noise (see ``repeats``).
        UserError: when the traces mix settings.
        UnknownNameError: when the metric does not exist.
    """
    data = Repeats.of(traces, metric)
    data.require(metric, MINIMUM_CONFIGURATIONS)
    weights = data.weights(seed)
    additive, full = _errors(part_columns(data.configurations), data.runs.means)
    shares, interactions, noise, unexplained = _shares(data, additive, full, weights)
    by_part = dict(zip(PARTS, shares, strict=True))
    by_axis = {axis: sum(of_part for name, of_part in by_part.items() if name.startswith(axis)) for axis in AXES}
    rest = {"interactions": interactions, "noise": noise, "unexplained": unexplained}
    return VarianceShares(
        metric=metric,
        log=metric_named(metric).log_target,
        configurations=len(data.configurations),
        runs=len(data.values),
        parts={name: data.estimate(values) for name, values in by_part.items()},
        axes={name: data.estimate(np.asarray(values)) for name, values in (by_axis | rest).items()},
    )


def part_columns(configurations: Sequence[Configuration]) -> NDArray[np.float64]:
    """Returns x, shape ``(g, 7)``."""
    arrays = ConfigurationArrays.from_configurations(configurations)
    by_unit = relative_error(arrays.bits, arrays.methods) ** 2, np.log2(1.0 + arrays.ranks)
    thirds = [third.mean(axis=1) for values in by_unit for third in np.array_split(values, len(THIRDS), axis=1)]
    return np.column_stack((arrays.rates, *thirds))


def _shares(
    data: Repeats, additive: NDArray[np.float64], full: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Returns the shares of the parts, shape ``(7, b)``, of interactions, noise and the rest, each ``(b,)``.

    Args:
        data: the runs of g configurations.
        additive: squared left-out errors of the additive regression on each subset of the parts, shape ``(128, g)``.
        full: squared left-out errors of the full regression, shape ``(g,)``.
        weights: how often each configuration counts, shape ``(b, g)``, 0 or more.
    """
    g = len(data.runs.means)
    # Leaving a configuration out of a mean makes its error g / (g - 1) times as large.
    scale = (g - 1) / g / weights.sum(axis=1)
    left_additive, left_full = additive @ weights.T * scale, full @ weights.T * scale
    noise = data.runs.variances(weights)
    total = left_additive[0] + noise - data.noise_of_means(weights)
    shares = _shapley((left_additive[0] - left_additive) / total)
    interactions = (left_additive[-1] - left_full) / total
    return shares, interactions, noise / total, 1 - shares.sum(axis=0) - interactions - noise / total


def _shapley(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the Shapley value of each player, shape ``(7, b)``.

    Args:
        worth: worth of each subset; bit j of its number tells whether player j is in it; shape ``(128, b)``.
    """
    players = int(np.log2(len(worth)))
    values = np.zeros((players, worth.shape[1]))
    for player in range(players):
        for subset in (number for number in range(len(worth)) if not number >> player & 1):
            size = subset.bit_count()
            weight = factorial(size) * factorial(players - size - 1) / factorial(players)
            values[player] += weight * (worth[subset | 1 << player] - worth[subset])
    return values


def _errors(parts: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns squared left-out errors of additive regressions, shape ``(128, g)``, and of the full one, ``(g,)``."""
    x = _standardised(parts)
    own = [_standardised(np.column_stack((column, column**2))) for column in x.T]
    products = _standardised(np.column_stack([x[:, j] * x[:, k] for j, k in combinations(range(x.shape[1]), 2)]))
    additive = [
        _best([np.hstack([own[j] for j in range(len(own)) if subset >> j & 1] or [x[:, :0]])], target)
        for subset in range(1 << len(own))
    ]
    return np.array(additive), _best([np.hstack(own), products], target)


def _standardised(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns columns of mean 0 and variance 1; one that does not vary becomes 0."""
    deviations = columns.std(axis=0)
    varies = deviations > 1e-10 * (1 + np.abs(columns).max(axis=0))
    scaled = (columns - columns.mean(axis=0)) / np.where(varies, deviations, 1.0)
    return np.asarray(np.where(varies, scaled, 0.0))


def _best(blocks: Sequence[NDArray[np.float64]], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns squared left-out errors, shape ``(g,)``, under the penalties with the smallest sum of them.

    Args:
        blocks: one or two blocks of columns of mean 0, shape ``(g, any)`` each; the second may get a larger penalty.
        target: mean z of each configuration, shape ``(g,)``.
    """
    # One more penalty on the products alone is the same regression on columns that were made smaller.
    shrinks = (1.0,) if len(blocks) == 1 else (1.0, 10**-0.5, 0.1, WITHOUT**-0.5)
    centred = target - target.mean()
    tried = [np.hstack([blocks[0], *(shrink * block for block in blocks[1:])]) for shrink in shrinks]
    errors = [
        left_out_errors(columns, centred, np.full(columns.shape[1], penalty))[0] ** 2
        for columns in tried
        for penalty in PENALTIES
    ]
    return min(errors, key=np.sum)
