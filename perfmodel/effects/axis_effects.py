"""Which axes matter in a setting, judged against what a change of seed does by itself.

    n   traces;  b  bootstrap samples over configurations
    z   the metric's logarithm where it is modelled so, else the metric
    x   (n, 5): pruning rate; mean of e^2 over the first, middle and last third of the layers; mean of log2(1 + rank)

One least-squares fit z = c + x . w gives each axis its partial effect, the sum of w_j x_j over its columns. e^2, the
squared relative quantisation error, stands for the bits because log loss is close to linear in it (see
``perfmodel.surrogates.additive``); it has three columns because layers differ, and what a single one leaves unexplained
would drown the other axes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from perfmodel.effects.repeats import Repeats
from perfmodel.features.columns import relative_error
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.metrics import LOSS
from perfmodel.space.metrics import metric as metric_named
from perfmodel.space.space import Configuration
from perfmodel.statistics.bootstrap import RESAMPLES, estimate, group_weights
from perfmodel.statistics.interval import LEVEL, Estimate
from perfmodel.statistics.weighted import ratio, weighted_deviation
from perfmodel.traces.trace import Trace

Verdict = Literal["matters", "no effect seen", "undecided"]

AXES: dict[str, list[int]] = {"pruning_rate": [0], "bits": [1, 2, 3], "rank": [4]}
"""Columns of x that belong to each axis."""

MATTERS_ABOVE = 3.0
"""An axis matters when going from its lowest to its highest value moves z by more than this many seed deviations."""

NOTHING_BELOW = 1.0
"""Less than one seed deviation from end to end is lost in the noise of a single run."""

MINIMUM_CONFIGURATIONS = 12
"""Twice the six coefficients of the fit."""


@dataclass(frozen=True)
class SeedNoise:
    """How far runs of one configuration lie apart.

    Args:
        std: pooled within-configuration standard deviation of z; its ``LEVEL`` interval is chi-squared.
        repeats: runs beyond the first of each configuration, over all configurations: the degrees of freedom.
        configurations: configurations with more than one run.
    """

    std: Estimate
    repeats: int
    configurations: int


@dataclass(frozen=True)
class AxisEffect:
    """What one axis does to z, everything else held.

    Args:
        axis: name of the axis, of ``AXES``.
        spread: standard deviation of the partial effect over the traces.
        change: partial effect at the axis' highest mean over its columns minus that at its lowest, signed.
        ratio: ``change`` in seed deviations, signed; undefined where seeds make no difference at all.
        spread_ratio: ``spread`` in seed deviations, 0 or more.
        variance_share: variance of the partial effect over the variance of z.
        verdict: ``matters``: the interval of ``ratio`` lies wholly above +``MATTERS_ABOVE`` or wholly below its
            negative. ``no effect seen``: the interval lies within ±``MATTERS_ABOVE`` and either holds 0 or lies
            within ±``NOTHING_BELOW``. ``undecided``: otherwise, and where the axis does not vary in the traces.
            Without any seed noise an axis matters when the interval of ``change`` leaves out 0.
    """

    axis: str
    spread: Estimate
    change: Estimate
    ratio: Estimate
    spread_ratio: Estimate
    variance_share: Estimate
    verdict: Verdict


@dataclass(frozen=True)
class Effects:
    """The axes of one setting and one metric beside the seed noise.

    Args:
        metric: name of the measured column.
        log: whether z is the metric's logarithm.
        n_traces: number of usable traces.
        n_configurations: number of different configurations.
        noise: noise of a change of seed.
        axes: effect of each of ``AXES``, in their order.
    """

    metric: str
    log: bool
    n_traces: int
    n_configurations: int
    noise: SeedNoise
    axes: tuple[AxisEffect, ...]


def axis_effects(traces: Sequence[Trace], metric: str = LOSS, *, resamples: int = RESAMPLES, seed: int = 0) -> Effects:
    """Returns the effect of each axis on a metric against the seed noise of the same traces.

    Args:
        traces: any number of one setting; those whose status is not ``ok`` are left out.
        metric: name of a measured column, of ``perfmodel.space.metrics.METRICS``.
        resamples: b, the number of bootstrap samples, 1 or more.
        seed: seed of the bootstrap's random generator.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` different configurations or fewer than
            ``MINIMUM_REPEATS`` repeated runs.
        UserError: when the traces mix settings.
        UnknownNameError: when the metric does not exist.
    """
    data = Repeats.of(traces, metric)
    data.require(metric, MINIMUM_CONFIGURATIONS)
    identifiers = np.array([each.identifier for each in data.configurations], dtype=object)
    weights = group_weights(identifiers[data.group], resamples=resamples, seed=seed)
    first = np.unique(data.group, return_index=True)[1]
    noise = data.runs.variances(weights[:, first])
    return Effects(
        metric=metric,
        log=metric_named(metric).log_target,
        n_traces=len(data.values),
        n_configurations=len(data.configurations),
        noise=_seed_noise(float(noise[0]), data),
        axes=_axes(_design(data.configurations)[data.group], data.values, weights, np.sqrt(noise)),
    )


def _design(configurations: Sequence[Configuration]) -> NDArray[np.float64]:
    """Returns the columns of x for each configuration, shape ``(g, 5)``."""
    arrays = ConfigurationArrays.from_configurations(configurations)
    error = relative_error(arrays.bits, arrays.methods) ** 2
    thirds = [third.sum(axis=1) / max(1, third.shape[1]) for third in np.array_split(error, 3, axis=1)]
    return np.column_stack((arrays.rates, *thirds, np.log2(1 + arrays.ranks).mean(axis=1)))


def _seed_noise(variance: float, data: Repeats) -> SeedNoise:
    from scipy.stats import chi2

    freedom = data.runs.freedom
    low, high = (
        float(np.sqrt(variance * freedom / chi2.ppf(quantile, freedom)))
        for quantile in ((1 + LEVEL) / 2, (1 - LEVEL) / 2)
    )
    return SeedNoise(Estimate(float(np.sqrt(variance)), low, high), freedom, data.repeated)


def _axes(
    design: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64], noise: NDArray[np.float64]
) -> tuple[AxisEffect, ...]:
    slopes = _slopes(design, values, weights)
    total = weighted_deviation(values, weights)
    effects = []
    for axis, columns in AXES.items():
        width = float(np.ptp(design[:, columns].mean(axis=1)))
        if width <= 0:
            effects.append(_without_variation(axis))
            continue
        change = slopes[:, columns].sum(axis=1) * width
        spread = weighted_deviation(slopes[:, columns] @ design[:, columns].T, weights)
        in_noise, signed = estimate(ratio(change, noise)), estimate(change)
        effects.append(
            AxisEffect(
                axis=axis,
                spread=estimate(spread),
                change=signed,
                ratio=in_noise,
                spread_ratio=estimate(ratio(spread, noise)),
                variance_share=estimate(ratio(spread, total) ** 2),
                verdict=_verdict(in_noise) if noise[0] > 0 else _verdict_without_noise(signed),
            )
        )
    return tuple(effects)


def _without_variation(axis: str) -> AxisEffect:
    none = Estimate.undefined()
    return AxisEffect(axis, none, none, none, none, none, "undecided")


def _slopes(
    design: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns weighted least-squares slopes, shape ``(b, 5)``; a column that does not vary gets 0."""
    spread = np.ptp(design, axis=0)
    scaled = (design - design.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    columns = np.column_stack((np.ones(len(values)), scaled))
    gram = np.einsum("bn,ni,nj->bij", weights, columns, columns, optimize=True)
    moment = np.einsum("bn,ni,n->bi", weights, columns, values - values[0], optimize=True)
    # The pseudo-inverse survives samples in which an axis does not vary.
    solved = (np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ moment[..., None])[..., 0]
    return np.asarray(solved[:, 1:] / np.where(spread > 0, spread, 1.0))


def _verdict(ratio: Estimate) -> Verdict:
    if ratio.low is None or ratio.high is None:
        return "undecided"
    if ratio.low > MATTERS_ABOVE or ratio.high < -MATTERS_ABOVE:
        return "matters"
    largest = max(abs(ratio.low), abs(ratio.high))
    if largest < NOTHING_BELOW or (ratio.low <= 0 <= ratio.high and largest < MATTERS_ABOVE):
        return "no effect seen"
    return "undecided"


def _verdict_without_noise(change: Estimate) -> Verdict:
    if change.low is None or change.high is None:
        return "undecided"
    if change.low > 0 or change.high < 0:
        return "matters"
    return "no effect seen" if change.low == 0 == change.high else "undecided"
