"""The closed form beside traces: its median step, which traces count, and what is learned from them."""

from dataclasses import replace
from statistics import median

import numpy as np
import pytest

from collectors.device.learned_time import learned
from collectors.device.predicted_steps import of_this_device, predicted_step_s, step_times
from collectors.device.step_loads import timed_loads
from perfmodel.model.architecture import Architecture
from perfmodel.timing.correction import LEAST_TRACES, TimeCorrection
from perfmodel.timing.device_profiles import DeviceProfile
from perfmodel.timing.step_time import step_time, step_work
from perfmodel.traces.trace import Measured, RanOn, Trace

PROFILE = DeviceProfile(
    "here",
    "cpu",
    "bench calibrate",
    True,
    ((1e4, 1e9), (1e8, 5e10)),
    1e10,
    dequantized_per_s={"bf16": 4e9, "int8": 2e9, "nf4": 1e9},
    seconds_per_pass=1e-4,
    threads=1,
)
RAN_ON = RanOn("here", "", 2, 1, {}, "c0de", "2026-01-01T00:00:00Z", "test")


def trace(asked, seconds=1.0, ran_on=RAN_ON, **measured):
    return Trace(asked, Measured("ok", step_time_s=seconds, **measured), ran_on)


@pytest.fixture(scope="module")
def architecture(builder):
    return Architecture.from_config(builder.base.config)


@pytest.fixture(scope="module")
def asked_of_many(make_asked):
    """Twenty-four trials under two settings."""
    return [
        make_asked(bits=bits, rank=rank, seed=seed, steps=5, batch_size=batch)
        for bits in (16, 8, 4)
        for rank in (2, 16)
        for seed in (0, 1)
        for batch in (2, 8)
    ]


def seconds_of(asked, architecture, train, profile=PROFILE):
    """Returns the median of the closed form over the timed steps, worked out step by step."""
    steps = []
    for load in timed_loads(asked, train):
        work = step_work(architecture, asked.configuration, asked.setting.recipe, load, device_class="cpu")
        steps.append(step_time(work, profile).seconds)
    return median(steps)


@pytest.mark.parametrize("steps", [8, 9])
def test_the_parts_add_up_to_the_median_step(make_asked, architecture, builder, steps):
    asked = make_asked(bits=4, steps=steps)
    expected = seconds_of(asked, architecture, builder.train)
    times = step_times(PROFILE, [trace(asked)])

    assert times.parts.sum() == pytest.approx(expected)
    assert times.parts.shape == (1, 4) and times.settings == (asked.setting.identifier,)
    loads = timed_loads(asked, builder.train)
    assert predicted_step_s(PROFILE, trace(asked), architecture, loads) == pytest.approx(expected)


def test_a_correction_enters_the_prediction_and_not_what_it_is_learned_from(make_asked, architecture, builder):
    asked = make_asked(bits=4, steps=8)
    corrected = replace(PROFILE, correction=TimeCorrection(2.0, 2.0, 2.0, 2.0, 20, 0.1, 0.2))
    loads = timed_loads(asked, builder.train)

    assert step_times(corrected, [trace(asked)]).parts == pytest.approx(step_times(PROFILE, [trace(asked)]).parts)
    assert predicted_step_s(corrected, trace(asked), architecture, loads) == pytest.approx(
        2 * predicted_step_s(PROFILE, trace(asked), architecture, loads)
    )


def test_the_shapes_that_pruning_left_are_counted(make_asked):
    asked = make_asked(rate=0.5, steps=4)
    whole = trace(make_asked(steps=4))
    by_rate, narrow = trace(asked), trace(asked, kv_groups=(1,) * 8, channels=(16,) * 8)
    times = step_times(PROFILE, [whole, by_rate, narrow]).parts.sum(axis=1)

    assert times[2] < times[1] < times[0]


def test_only_whole_trials_of_this_very_device_count(make_asked):
    asked = make_asked()
    good = trace(asked)
    others = [
        trace(asked, ran_on=replace(RAN_ON, device_name="there")),
        trace(asked, ran_on=replace(RAN_ON, threads=2)),
        trace(make_asked(device_class="cuda")),
        trace(asked, resumed_from_step=2),
        trace(asked, seconds=None),
        Trace(asked, Measured("diverged"), RAN_ON),
    ]

    assert of_this_device(PROFILE, [good, *others]) == [good]


def test_a_correction_that_helps_is_kept_and_told(asked_of_many, architecture, builder):
    made = TimeCorrection(1.6, 1.2, 1.4, 1.5, 0, 0.0, 0.0)
    slower = replace(PROFILE, correction=made)
    found = learned(
        PROFILE, [trace(asked, seconds_of(asked, architecture, builder.train, slower)) for asked in asked_of_many]
    )
    correction = found.profile.correction

    assert len(asked_of_many) >= LEAST_TRACES and (found.traces, found.settings) == (24, 2)
    assert correction is not None and correction.error < 0.03 < 0.2 < correction.closed_form_error
    assert found.profile.closed_form_error == pytest.approx(correction.closed_form_error)
    assert found.told().startswith("seconds by the correction, off by ")
    assert f"the closed form by {100 * correction.closed_form_error:.1f} % on average over 24 traces" in found.told()


def test_a_correction_that_does_not_help_is_not_kept(asked_of_many, architecture, builder):
    """The closed form is right but for noise that differs from setting to setting."""
    rng = np.random.default_rng(0)
    off = {16: 1.05, 4: 0.95}
    traces = []
    for asked in asked_of_many:
        factor = off[16 if asked.setting.recipe.batch_size == 8 else 4] * rng.uniform(0.99, 1.01)
        traces.append(trace(asked, factor * seconds_of(asked, architecture, builder.train)))
    found = learned(PROFILE, traces)

    assert found.profile.correction is None
    assert found.corrected_error > found.profile.closed_form_error == pytest.approx(0.05, abs=0.01)
    assert found.told().startswith(
        "seconds by the closed form, off by 4.8 % on average over 24 traces; the correction by "
    )


def test_too_few_or_foreign_traces_judge_no_correction(make_asked):
    few = learned(PROFILE, [trace(make_asked())] * 3)
    none = learned(replace(PROFILE, threads=2), [trace(make_asked())])

    assert few.profile.compared_traces == 3 and few.corrected_error is None
    assert "a correction needs 20 traces of 2 settings" in few.told()
    assert none.profile.closed_form_error is None
    assert none.told() == "seconds by the closed form: none of the traces ran to its end on here with 2 threads"
