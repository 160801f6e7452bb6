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

from perfmodel.errors import NotEnoughTracesError
from perfmodel.features.columns import relative_error
from perfmodel.features.training_data import common_setting, measured
from perfmodel.space.arrays import ConfigurationArrays
from perfmodel.space.metrics import LOSS
from perfmodel.space.metrics import metric as metric_named
from perfmodel.statistics.bootstrap import LEVEL, RESAMPLES, Estimate, estimate, group_weights
from perfmodel.traces.trace import Trace

Verdict = Literal["matters", "no effect seen", "undecided"]

AXES: dict[str, list[int]] = {"pruning_rate": [0], "bits": [1, 2, 3], "rank": [4]}
"""Columns of x that belong to each axis."""

MATTERS_ABOVE = 3.0
"""An axis matters when going from its lowest to its highest value moves z by more than this many seed deviations."""

NOTHING_BELOW = 1.0
"""Less than one seed deviation from end to end is lost in the noise of a single run."""

MINIMUM_REPEATS = 3
"""Runs beyond the first of a configuration, over all configurations: with fewer the noise is unknown within 4x."""

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
        axis: one of ``AXES``.
        spread: standard deviation of the partial effect over the traces.
        change: partial effect at the axis' highest mean over its columns minus that at its lowest, signed.
        ratio: ``change`` in seed deviations, signed; undefined where seeds make no difference at all.
        spread_ratio: ``spread`` in seed deviations.
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
        metric: its name.
        log: whether z is its logarithm.
        n_traces: n.
        n_configurations: number of different configurations.
        noise: over seeds.
        axes: one entry for each of ``AXES``.
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
        traces: of one setting; those that did not end well are left out.
        metric: name of the column.
        resamples: b.
        seed: of the bootstrap.

    Raises:
        NotEnoughTracesError: with fewer than ``MINIMUM_CONFIGURATIONS`` different configurations or fewer than
            ``MINIMUM_REPEATS`` repeated runs.
        UserError: when the traces mix settings.
        UnknownNameError: when the metric does not exist.
    """
    common_setting(traces)
    usable, target = measured(traces, metric)
    log = metric_named(metric).log_target
    values = np.log(target) if log else target
    groups = np.array([trace.asked.configuration.identifier for trace in usable], dtype=object)
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    _require(metric, len(counts), int((counts - 1).sum()))
    weights = group_weights(groups, resamples=resamples, seed=seed)
    noise = _noise_variance(values, inverse, counts, weights)
    return Effects(
        metric=metric,
        log=log,
        n_traces=len(usable),
        n_configurations=len(counts),
        noise=_seed_noise(float(noise[0]), counts),
        axes=_axes(_design(usable), values, weights, np.sqrt(noise)),
    )


def _require(metric: str, configurations: int, repeats: int) -> None:
    if configurations < MINIMUM_CONFIGURATIONS:
        raise NotEnoughTracesError(
            f"{metric} was measured on {configurations} different configurations",
            f"at least {MINIMUM_CONFIGURATIONS} are needed to tell the axes apart",
            "collect more traces of this setting",
        )
    if repeats < MINIMUM_REPEATS:
        raise NotEnoughTracesError(
            f"{metric} has {repeats} repeated runs of a configuration",
            f"at least {MINIMUM_REPEATS} are needed to know the seed noise",
            "run some configurations again with other seeds",
        )


def _design(traces: Sequence[Trace]) -> NDArray[np.float64]:
    arrays = ConfigurationArrays.from_configurations([trace.asked.configuration for trace in traces])
    error = relative_error(arrays.bits, arrays.methods) ** 2
    thirds = [third.sum(axis=1) / max(1, third.shape[1]) for third in np.array_split(error, 3, axis=1)]
    return np.column_stack((arrays.rates, *thirds, np.log2(1 + arrays.ranks).mean(axis=1)))


def _noise_variance(
    values: NDArray[np.float64], inverse: NDArray[np.int64], counts: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the pooled within-configuration variance of each weighting, shape ``(b,)``."""
    _, first = np.unique(inverse, return_index=True)
    # Measured from a configuration's first run, equal runs give exactly 0 and not a rounding error.
    shifted = values - values[first][inverse]
    squares = (shifted - (np.bincount(inverse, weights=shifted) / counts)[inverse]) ** 2
    # Each row carries its configuration's degrees of freedom in equal parts.
    freedom = (1 - 1 / counts)[inverse]
    return np.asarray(weights @ squares / (weights @ freedom))


def _seed_noise(variance: float, counts: NDArray[np.int64]) -> SeedNoise:
    from scipy.stats import chi2

    freedom = int((counts - 1).sum())
    low, high = (
        float(np.sqrt(variance * freedom / chi2.ppf(quantile, freedom)))
        for quantile in ((1 + LEVEL) / 2, (1 - LEVEL) / 2)
    )
    return SeedNoise(Estimate(float(np.sqrt(variance)), low, high), freedom, int((counts > 1).sum()))


def _axes(
    design: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64], noise: NDArray[np.float64]
) -> tuple[AxisEffect, ...]:
    slopes = _slopes(design, values, weights)
    total = _weighted_std(values, weights)
    effects = []
    for axis, columns in AXES.items():
        width = float(np.ptp(design[:, columns].mean(axis=1)))
        if width <= 0:
            effects.append(_without_variation(axis))
            continue
        change = slopes[:, columns].sum(axis=1) * width
        spread = _weighted_std(slopes[:, columns] @ design[:, columns].T, weights)
        ratio, signed = estimate(_divide(change, noise)), estimate(change)
        effects.append(
            AxisEffect(
                axis=axis,
                spread=estimate(spread),
                change=signed,
                ratio=ratio,
                spread_ratio=estimate(_divide(spread, noise)),
                variance_share=estimate(_divide(spread, total) ** 2),
                verdict=_verdict(ratio) if noise[0] > 0 else _verdict_without_noise(signed),
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


def _weighted_std(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the standard deviation of each weighting, shape ``(b,)``, of values ``(n,)`` or ``(b, n)``."""
    total = weights.sum(axis=1)
    centred = values - values[..., :1]
    variance = (weights * centred**2).sum(axis=1) / total - ((weights * centred).sum(axis=1) / total) ** 2
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def _divide(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return ratio


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
