"""OneAtATime of known size are found with their names, and judged against the noise of repeated runs."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.effects.one_at_a_time import one_at_a_time
from perfmodel.errors import NotEnoughTracesError
from perfmodel.space.recipe import Recipe
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Asked, Measured, RanOn, Setting, Trace

RECIPE = Recipe(steps=24, curve_points=2)
MIDDLE = Configuration.uniform(4, bits=4, rank=8)
RAN_ON = RanOn("cpu", "", 1, 1, {}, "0", "2026-01-01T00:00:00+00:00", "test")
NOISE = (0.01, -0.01, 0.01, -0.01)


def run(loss, configuration=MIDDLE, seed=0, **recipe):
    setting = Setting("model", "m" * 64, "task", "t" * 64, replace(RECIPE, **recipe), "cpu")
    return Trace(Asked(setting, configuration, seed, "pilot"), Measured("ok", held_out_loss=loss), RAN_ON)


@pytest.fixture
def middle():
    return [run(float(np.exp(noise)), seed=seed) for seed, noise in enumerate(NOISE)]


def test_an_effect_of_ten_deviations_is_told_with_its_interval(middle):
    noise = float(np.std(NOISE, ddof=1))
    found = one_at_a_time([*middle, run(float(np.exp(10 * noise)), replace(MIDDLE, bits=(2,) * 4))], MIDDLE, RECIPE)
    (only,) = found.found

    assert found.noise == pytest.approx(noise) and (found.runs, found.freedom) == (4, 3)
    assert (only.axis, only.value, only.runs) == ("bits", "2", 1)
    assert only.ratio.value == pytest.approx(10)
    # Student's t of 3 degrees of freedom is 3.182; the error of one run against the mean of four is sqrt(5 / 4).
    assert only.ratio.high - only.ratio.value == pytest.approx(3.182 * 1.25**0.5, rel=1e-3)
    assert abs(only.ratio.value) >= 3


def test_an_effect_within_the_noise_does_not_stand_out(middle):
    (only,) = one_at_a_time([*middle, run(1.01, learning_rate=3e-3)], MIDDLE, RECIPE).found
    assert (only.axis, only.value) == ("learning rate", "0.003")
    assert abs(only.ratio.value) < 3 and only.ratio.low < 0 < only.ratio.high


def test_the_greatest_effect_stands_for_its_axis(middle):
    traces = [run(2.0, replace(MIDDLE, ranks=(2,) * 4)), run(0.1, replace(MIDDLE, ranks=(32,) * 4)), *middle]
    greatest = one_at_a_time(traces, MIDDLE, RECIPE).axes()
    assert {axis: each.value for axis, each in greatest.items()} == {"rank": "32"}


def test_what_departs_in_two_axes_is_no_departure_but_its_repeats_tell_noise(middle):
    both = replace(MIDDLE, bits=(2,) * 4, pruning_rate=0.3)
    mixed = replace(MIDDLE, bits=(2, 4, 4, 4))
    traces = [*middle, run(2.0, both), run(2.0, both, seed=1), run(2.0, steps=60, learning_rate=1e-2), run(2.0, mixed)]
    found = one_at_a_time(traces, MIDDLE, RECIPE)
    assert found.found == () and found.freedom == 4


@pytest.mark.parametrize(("kept", "problem"), [(3, "2 repeated runs"), (0, "0 repeated runs")])
def test_too_few_runs_are_refused(middle, kept, problem):
    with pytest.raises(NotEnoughTracesError, match=problem):
        one_at_a_time(middle[:kept] or [run(1.0, replace(MIDDLE, pruning_rate=0.1))], MIDDLE, RECIPE)


def test_a_middle_that_was_not_run_is_refused(middle):
    with pytest.raises(NotEnoughTracesError, match="middle"):
        one_at_a_time(middle, replace(MIDDLE, pruning_rate=0.5), RECIPE)
