"""The best score that any predictor can reach against single noisy runs: the noise ceiling.

    g       configurations, each with its own value m_i
    sigma   standard deviation of a run around it:  z_i = m_i + e_i,  e_i ~ N(0, sigma^2)
    tau     standard deviation of m over the configurations

Whoever knows every m_i exactly still meets the noise of the run that he is judged by. His scores are

    R^2       1 - sigma^2 / (tau^2 + sigma^2)
    Kendall   mean over pairs of |E sign(z_i - z_j)|,   E sign(z_i - z_j) = erf((m_i - m_j) / (2 sigma))
    Spearman  cov(rank m, E rank z) / (sd(rank m) sd(rank z)),   E rank z_i = 1/2 sum_j (1 + E sign(z_i - z_j)) + const

so all three follow in closed form, with nothing drawn but the bootstrap. For m stand the configurations' means, drawn
together until their standard deviation is tau: the means of noisy runs lie further apart than what they estimate.

Assumed: normal noise of one size on the scale on which the metric is modelled, and that configurations count alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfmodel.effects.repeats import MINIMUM_REPEATED, Repeats
from perfmodel.statistics.bootstrap import estimate
from perfmodel.statistics.interval import Estimate
from perfmodel.statistics.weighted import quadratic_form, ratio
from perfmodel.traces.trace import Trace

GRID = 33


@dataclass(frozen=True)
class NoiseCeiling:
    """How repeatable a metric is in one setting, and the best scores against single runs of it.

    Every interval is a bootstrap over configurations; what rests on the noise has none where fewer than three
    configurations were repeated.

    Args:
        metric: name of the measured column.
        configurations: number of different configurations.
        repeated: number of configurations with more than one run.
        runs: number of usable runs.
        noise: pooled standard deviation of a single run over seeds, on the scale on which the metric is modelled.
        spread: standard deviation over configurations with the noise taken out, on that scale.
        r2: highest R^2, on that scale; undefined where configurations do not differ.
        spearman: highest expected rank correlation; undefined where configurations do not differ.
        kendall: highest expected tau-b; undefined where configurations do not differ.
    """

    metric: str
    configurations: int
    repeated: int
    runs: int
    noise: Estimate
    spread: Estimate
    r2: Estimate
    spearman: Estimate
    kendall: Estimate


def noise_ceiling(traces: Sequence[Trace], metric: str, *, seed: int = 0) -> NoiseCeiling:
    """Returns the noise ceiling of a metric.

    Args:
        traces: any number of one setting; those whose status is not ``ok`` are left out.
        metric: name of a measured column, of ``perfmodel.space.metrics.METRICS``.
        seed: seed of the bootstrap's random generator.

    Raises:
        NotEnoughTracesError: with fewer than three runs beyond the first of a configuration, or fewer than three
            configurations.
        UserError: when the traces mix settings.
        UnknownNameError: when the metric does not exist.
    """
    data = Repeats.of(traces, metric)
    data.require(metric, MINIMUM_REPEATED)
    weights = data.weights(seed)
    noise, signal = data.runs.variances(weights), data.signal(weights)
    total = noise + signal
    rho, tau = _rank_ceilings(data, weights, noise, signal)
    return NoiseCeiling(
        metric=metric,
        configurations=len(data.configurations),
        repeated=data.repeated,
        runs=len(data.values),
        noise=data.estimate(np.sqrt(noise)),
        spread=estimate(np.sqrt(signal)),
        r2=data.estimate(1 - ratio(noise, total)),
        spearman=data.estimate(rho),
        kendall=data.estimate(tau),
    )


def _rank_ceilings(
    data: Repeats, weights: NDArray[np.float64], noise: NDArray[np.float64], signal: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns Spearman's and Kendall's ceiling of each weighting, each of shape ``(b,)``, NaN where nothing differs."""
    from scipy.special import erf

    variance = data.variance_of_means(weights)
    if variance[0] <= 0:
        undefined = np.full(len(weights), np.nan)
        return undefined, undefined
    apart = np.subtract.outer(data.runs.means, data.runs.means) / np.sqrt(variance[0])
    # A sample draws all means together by tau over their deviation in it; over sigma and in the units of ``apart``
    # that is tan(angle). The scores are smooth in sin(angle): exact at GRID places, straight between.
    above, below = signal * variance[0], noise * variance
    share = np.sqrt(np.divide(above, above + below, out=np.ones(len(above)), where=above + below > 0))
    grid = np.union1d(np.linspace(share.min(), share.max(), GRID), share[:1])
    true = np.sign(apart)
    # With noise no two runs tie, so configurations that do are ranked apart in z, in either order.
    order = np.argsort(np.argsort(data.runs.means, kind="stable"))
    seen = np.sign(np.subtract.outer(order, order)) if noise[0] > 0 else true
    pairs = np.sqrt(quadratic_form(weights, np.abs(true)) * quadratic_form(weights, np.abs(seen)))
    # Twice a rank, less a constant, is the weight below a row minus the weight above it: its weighted mean is 0.
    ranks = [weights @ signs.T for signs in (true, seen)]
    spreads = np.sqrt(np.prod([(weights * each**2).sum(axis=1) for each in ranks], axis=0))
    rho, tau = np.empty((2, len(grid), len(weights)))
    for place, level in enumerate(grid):
        expected = erf(apart / 2 * level / np.sqrt(1 - level**2)) if level < 1 else true
        rho[place] = (weights * ranks[0] * (weights @ expected.T)).sum(axis=1) / spreads
        tau[place] = quadratic_form(weights, true * expected) / pairs
    return _at(share, grid, rho), _at(share, grid, tau)


def _at(places: NDArray[np.float64], grid: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns each line's score at its place, shape ``(b,)``, from those on the grid, shape ``(k, b)``."""
    return np.array([np.interp(place, grid, line) for place, line in zip(places, scores.T, strict=True)])
