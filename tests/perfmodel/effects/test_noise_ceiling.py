"""The noise ceiling against known answers: the closed form, a simulation, and data without noise."""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from perfmodel.effects.noise_ceiling import noise_ceiling
from perfmodel.errors import NotEnoughTracesError, UnknownNameError, UserError


@pytest.fixture
def made(fake_traces, draw_configurations):
    """Makes traces whose log loss is drawn from N(0, signal^2) by configuration and N(0, noise^2) by run."""

    def make(count, *, signal, noise, seeds=3, repeated=None, seed=0):
        rng = np.random.default_rng(seed)
        traces = fake_traces(count, seeds=seeds, repeated=repeated, noise=0.0)
        values = {}
        for trace in traces:
            values.setdefault(trace.asked.configuration, signal * rng.standard_normal())
        return [
            with_loss(trace, np.exp(values[trace.asked.configuration] + noise * rng.standard_normal()))
            for trace in traces
        ]

    return make


def with_loss(trace, loss):
    return replace(trace, measured=replace(trace.measured, held_out_loss=float(loss)))


def around(estimate, truth):
    return estimate.low <= truth <= estimate.high


def test_noise_spread_and_r2_of_known_data_are_found(made):
    found = noise_ceiling(made(150, signal=1.0, noise=0.5, repeated=60), "held_out_loss")

    assert (found.configurations, found.repeated, found.runs) == (150, 60, 90 + 180)
    assert found.noise.value == pytest.approx(0.5, rel=0.1) and around(found.noise, 0.5)
    assert found.spread.value == pytest.approx(1.0, rel=0.15) and around(found.spread, 1.0)
    assert found.r2.value == pytest.approx(1 / 1.25, abs=0.05) and around(found.r2, 1 / 1.25)
    assert found.r2.value == pytest.approx(1 - found.noise.value**2 / (found.noise.value**2 + found.spread.value**2))


def mean_scores(truths, runs):
    """Mean Spearman and Kendall of each line's truths and runs, shape (draws, g), none tied."""
    ranks = [each.argsort(axis=1).argsort(axis=1) - (each.shape[1] - 1) / 2 for each in (truths, runs)]
    g = truths.shape[1]
    rho = (ranks[0] * ranks[1]).sum(axis=1) / (g * (g**2 - 1) / 12)
    signs = [np.sign(each[:, :, None] - each[:, None, :]) for each in (truths, runs)]
    return rho.mean(), (signs[0] * signs[1]).sum() / (len(truths) * g * (g - 1))


def test_rank_ceilings_are_what_knowing_every_value_scores(made):
    found = noise_ceiling(made(60, signal=1.0, noise=0.7, repeated=30), "held_out_loss")
    rng = np.random.default_rng(1)
    truths = rng.standard_normal((400, 60))
    rho, tau = mean_scores(truths, truths + 0.7 * rng.standard_normal(truths.shape))

    assert found.spearman.value == pytest.approx(rho, abs=0.08) and around(found.spearman, rho)
    assert found.kendall.value == pytest.approx(tau, abs=0.08) and around(found.kendall, tau)


def test_rank_ceilings_equal_the_mean_over_simulated_runs(made):
    traces = made(12, signal=1.0, noise=0.8)
    found = noise_ceiling(traces, "held_out_loss")
    means = {}
    for trace in traces:
        means.setdefault(trace.asked.configuration, []).append(log(trace.measured.held_out_loss))
    values = np.array([np.mean(each) for each in means.values()])
    values = values / values.std(ddof=1) * found.spread.value
    rng = np.random.default_rng(2)
    truths = np.tile(values, (20_000, 1))
    rho, tau = mean_scores(truths, truths + found.noise.value * rng.standard_normal(truths.shape))

    # Means of 20,000 draws whose standard deviation is about 0.15.
    assert found.spearman.value == pytest.approx(rho, abs=0.004)
    assert found.kendall.value == pytest.approx(tau, abs=0.004)


def test_without_noise_every_ceiling_is_one(made):
    found = noise_ceiling(made(20, signal=1.0, noise=0.0), "held_out_loss")

    assert found.noise.value == 0
    assert [found.r2.value, found.spearman.value, found.kendall.value] == pytest.approx([1, 1, 1])


def test_without_signal_nothing_can_be_predicted(made):
    found = noise_ceiling(made(60, signal=0.0, noise=0.3, seeds=2), "held_out_loss")

    assert found.r2.low == 0 and found.r2.high < 0.4
    assert around(found.noise, 0.3)


def test_configurations_that_tie_lower_the_rank_ceilings_only(made):
    two_values = [
        replace(trace, measured=replace(trace.measured, accuracy=0.2 + 0.4 * (index // 3 % 2)))
        for index, trace in enumerate(made(20, signal=1.0, noise=0.1))
    ]
    exact = noise_ceiling(two_values, "accuracy")
    rng = np.random.default_rng(0)
    noisy = noise_ceiling(
        [
            replace(
                trace,
                measured=replace(trace.measured, accuracy=trace.measured.accuracy + 0.01 * rng.standard_normal()),
            )
            for trace in two_values
        ],
        "accuracy",
    )

    assert [exact.r2.value, exact.spearman.value, exact.kendall.value] == pytest.approx([1, 1, 1])
    assert noisy.r2.value > 0.99
    assert noisy.kendall.value < 0.85


def test_accuracy_is_taken_as_it_is_and_loss_by_its_logarithm(made):
    traces = made(30, signal=1.0, noise=0.2)
    scaled = [with_loss(trace, 10 * trace.measured.held_out_loss) for trace in traces]

    assert noise_ceiling(scaled, "held_out_loss").noise.value == pytest.approx(
        noise_ceiling(traces, "held_out_loss").noise.value
    )


def test_few_repeated_configurations_give_no_interval_for_what_rests_on_noise(made):
    found = noise_ceiling(made(20, signal=1.0, noise=0.1, seeds=4, repeated=2), "held_out_loss")

    assert found.noise.value is not None and (found.noise.low, found.r2.low, found.kendall.high) == (None,) * 3
    assert found.spread.low is not None


def test_too_few_repeats_are_refused(made, failed):
    with pytest.raises(NotEnoughTracesError, match="2 repeated runs"):
        noise_ceiling(made(20, signal=1.0, noise=0.1, repeated=1), "held_out_loss")
    with pytest.raises(NotEnoughTracesError, match="0 different"):
        noise_ceiling([failed(trace) for trace in made(20, signal=1.0, noise=0.1)], "held_out_loss")


def test_mixed_settings_and_unknown_metrics_are_refused(made):
    traces = made(5, signal=1.0, noise=0.1)
    asked = traces[0].asked
    other = replace(traces[0], asked=replace(asked, setting=replace(asked.setting, task_sha256="c" * 64)))

    with pytest.raises(UserError, match="mix"):
        noise_ceiling([*traces, other], "held_out_loss")
    with pytest.raises(UnknownNameError):
        noise_ceiling(traces, "beauty")


def test_the_same_seed_gives_the_same_intervals(made):
    traces = made(20, signal=1.0, noise=0.3)

    assert noise_ceiling(traces, "held_out_loss") == noise_ceiling(traces, "held_out_loss", seed=0)
    assert noise_ceiling(traces, "held_out_loss") != noise_ceiling(traces, "held_out_loss", seed=1)
