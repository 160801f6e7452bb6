"""Bits against ranks, and accuracy against loss, on functions that settle both."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.effects.bits_against_ranks import agreement, bits_against_ranks
from perfmodel.errors import NotEnoughTracesError
from perfmodel.features.columns import relative_error
from perfmodel.space.methods import DEFAULT_METHODS
from perfmodel.space.space import Configuration

LAYERS = 10
NEED = np.linspace(1.8, 0.2, LAYERS)
"""How much each layer suffers from error."""


@pytest.fixture
def aligned(fake_traces, monkeypatch):
    """Asks traces whose log loss has a cost of error by layer, a gain of rank by layer and an interaction."""
    template = fake_traces(1)[0]
    monkeypatch.setattr("perfmodel.effects.bits_against_ranks.REFITS", 40)  # each takes a regression

    def ask(gain_of_rank, *, interaction=0.0, count=120, seed=0):
        rng = np.random.default_rng(seed)
        traces = []
        for _ in range(count):
            bits, ranks = rng.choice([2, 3, 4], LAYERS), rng.choice([0, 4, 32], LAYERS)
            error, rank = relative_error(bits, DEFAULT_METHODS) ** 2, np.log2(1.0 + ranks)
            log_loss = NEED @ error - 0.02 * gain_of_rank @ rank - interaction * error @ rank
            configuration = Configuration(0.0, tuple(bits.tolist()), tuple(ranks.tolist()))
            traces.append(
                replace(
                    template,
                    asked=replace(template.asked, configuration=configuration),
                    measured=replace(
                        template.measured, held_out_loss=float(np.exp(log_loss + 0.005 * rng.standard_normal()))
                    ),
                )
            )
        return bits_against_ranks(traces)

    return ask


def test_layers_that_need_both_are_alignment(aligned):
    found = aligned(NEED)

    assert found.configurations == 120 and found.best == 30
    assert found.importances.value > 0.9 and found.importances.low > 0.5


def test_layers_that_need_the_other_are_the_opposite(aligned):
    found = aligned(NEED[::-1])

    assert found.importances.value < -0.9 and found.importances.high < -0.5


def test_rank_that_makes_up_for_low_bits_is_compensation(aligned):
    found = aligned(np.ones(LAYERS), interaction=0.15)

    assert found.among_best.high < 0 and found.difference.high < 0


def test_without_either_the_interval_holds_zero(aligned):
    found = aligned(np.zeros(LAYERS), count=80)

    assert found.difference.low < 0 < found.difference.high
    assert found.importances.low < 0 < found.importances.high


def test_configurations_without_variation_over_layers_do_not_count(fake_traces):
    traces = [
        replace(
            trace,
            asked=replace(trace.asked, configuration=replace(trace.asked.configuration, bits=(4,) * LAYERS)),
        )
        for trace in fake_traces(60)
    ]

    with pytest.raises(NotEnoughTracesError, match="0 different configurations in which bits and ranks both vary"):
        bits_against_ranks(traces)


def with_scores(trace, loss, accuracy):
    return replace(trace, measured=replace(trace.measured, held_out_loss=loss, accuracy=accuracy))


def test_accuracy_that_falls_with_loss_agrees_wholly_and_noise_not_at_all(fake_traces):
    traces = fake_traces(40)
    rng = np.random.default_rng(0)
    falling = agreement([with_scores(trace, 1.0 + i, 0.9 - 0.01 * i) for i, trace in enumerate(traces)])
    noise = agreement([with_scores(trace, 1.0 + i, float(rng.random())) for i, trace in enumerate(traces)])

    assert falling.spearman.value == pytest.approx(1) and falling.kendall.low == pytest.approx(1)
    assert noise.spearman.low < 0 < noise.spearman.high


def test_too_few_configurations_are_refused(fake_traces, failed):
    with pytest.raises(NotEnoughTracesError, match="9 different"):
        agreement(fake_traces(9))
    with pytest.raises(NotEnoughTracesError, match="0 different"):
        agreement([failed(trace) for trace in fake_traces(20)])
