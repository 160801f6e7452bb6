"""Axes with a known effect are found, axes without one are not, and unknown noise is refused."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.effects.axis_effects import AXES, _verdict, axis_effects
from perfmodel.errors import NotEnoughTracesError, UnknownNameError, UserError
from perfmodel.statistics.interval import Estimate


def by_axis(effects):
    return {entry.axis: entry for entry in effects.axes}


def with_loss(trace, loss):
    return replace(trace, measured=replace(trace.measured, held_out_loss=loss))


def test_what_moves_the_loss_matters_and_rank_does_not(fake_traces):
    effects = axis_effects(fake_traces(60, seeds=3, repeated=20))
    axes = by_axis(effects)
    assert list(axes) == list(AXES) and effects.log
    assert axes["pruning_rate"].verdict == axes["bits"].verdict == "matters"
    assert axes["rank"].verdict == "no effect seen"
    assert axes["pruning_rate"].change.value == pytest.approx(1.2 * 0.5, rel=0.05)
    assert axes["rank"].variance_share.value < 0.001 < axes["pruning_rate"].variance_share.value
    assert axes["pruning_rate"].spread_ratio.value < abs(axes["pruning_rate"].ratio.value)


def test_a_rank_that_helps_is_found_with_its_sign(fake_traces):
    rank = by_axis(axis_effects(fake_traces(60, seeds=3, repeated=20, rank_gain=0.1)))["rank"]
    assert rank.verdict == "matters" and rank.ratio.high < -3 and rank.change.value < 0


def test_seed_noise_is_found_with_its_interval(fake_traces):
    noise = axis_effects(fake_traces(40, seeds=3, repeated=20, noise=0.02)).noise
    assert (noise.repeats, noise.configurations) == (40, 20)
    assert noise.std.low < 0.02 < noise.std.high
    assert noise.std.value == pytest.approx(0.02, rel=0.3)


def test_an_effect_within_the_noise_is_not_claimed(fake_traces):
    axes = by_axis(axis_effects(fake_traces(40, seeds=2, noise=1.0, rate_gain=0.0, bits_gain=0.0)))
    assert all(entry.verdict != "matters" for entry in axes.values())


def test_an_axis_that_never_varies_is_undecided(fake_traces):
    traces = [
        replace(trace, asked=replace(trace.asked, configuration=replace(trace.asked.configuration, pruning_rate=0.0)))
        for trace in fake_traces(40, seeds=2)
    ]
    rate = by_axis(axis_effects(traces))["pruning_rate"]
    assert rate.verdict == "undecided" and rate.change == rate.ratio == Estimate.undefined()


def test_no_seed_noise_at_all(fake_traces):
    traces = [with_loss(trace, float(np.exp(trace.asked.configuration.pruning_rate))) for trace in fake_traces(40)]
    repeated = traces + [replace(trace, asked=replace(trace.asked, seed=9)) for trace in traces[:5]]
    axes = by_axis(axis_effects(repeated))
    assert axes["pruning_rate"].verdict == "matters" and axes["pruning_rate"].ratio == Estimate.undefined()
    flat = by_axis(axis_effects([with_loss(trace, 0.7) for trace in repeated]))
    assert all(entry.verdict == "no effect seen" for entry in flat.values())
    assert all(entry.variance_share == Estimate.undefined() for entry in flat.values())


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (3.1, 9.0, "matters"),
        (-9.0, -3.1, "matters"),
        (-2.9, 2.9, "no effect seen"),
        (0.1, 0.9, "no effect seen"),
        (0.5, 2.0, "undecided"),
        (-1.0, 3.5, "undecided"),
        (2.0, 9.0, "undecided"),
        (None, None, "undecided"),
    ],
)
def test_verdicts(low, high, verdict):
    assert _verdict(Estimate(1.0, low, high)) == verdict


def test_refusals(fake_traces, failed):
    with pytest.raises(NotEnoughTracesError, match=r"0 repeated runs.*other seeds"):
        axis_effects(fake_traces(20))
    with pytest.raises(NotEnoughTracesError, match="5 different configurations"):
        axis_effects(fake_traces(5, seeds=4))
    with pytest.raises(NotEnoughTracesError, match="0 different configurations"):
        axis_effects([failed(trace) for trace in fake_traces(20, seeds=2)])
    with pytest.raises(NotEnoughTracesError, match="no traces"):
        axis_effects([])
    with pytest.raises(UnknownNameError, match="speed"):
        axis_effects(fake_traces(20, seeds=2), "speed")
    traces = fake_traces(20, seeds=2)
    other = replace(traces[0].asked, setting=replace(traces[0].asked.setting, task_sha256="c" * 64))
    with pytest.raises(UserError, match="mix"):
        axis_effects([*traces, replace(traces[0], asked=other)])
