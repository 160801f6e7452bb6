"""The learned correction: factors that made the times come back, settings left out judge it, and it may be refused."""

import numpy as np
import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.timing.correction import LEAST_TRACES, TimeCorrection, held_out_errors, learned_correction

RNG = np.random.default_rng(0)
PARTS = RNG.uniform(0.2, 2.0, (60, 4))
SETTINGS = ["a", "b", "c"] * 20


def test_the_factors_that_made_the_times_come_back_and_beat_the_closed_form():
    made = np.array([0.9, 1.6, 1.3, 0.7])
    found = learned_correction(PARTS, PARTS @ made, SETTINGS)

    assert found is not None
    learned = np.array([found.products, found.dequantization, found.moving, found.overhead])
    assert np.abs(learned - made).max() < 0.15  # the ridge keeps them a little nearer to 1
    assert found.error < 0.02 < found.closed_form_error
    assert found.closed_form_error == pytest.approx(np.abs(1 / (PARTS @ made / PARTS.sum(axis=1)) - 1).mean())
    assert found.traces == 60


def test_what_only_one_setting_says_is_not_kept():
    """Each setting is off by a factor of its own, so what the others teach about the one left out is wrong."""
    seconds = PARTS.sum(axis=1) * np.where(np.array(SETTINGS) == "a", 1.5, 0.9)
    closed, corrected = held_out_errors(PARTS, seconds, SETTINGS)

    assert np.abs(corrected).mean() > np.abs(closed).mean()
    assert learned_correction(PARTS, seconds, SETTINGS) is None


def test_the_setting_left_out_has_no_say_in_its_own_prediction():
    seconds = PARTS.sum(axis=1)
    before = held_out_errors(PARTS, seconds, SETTINGS)[1]
    changed = np.where(np.array(SETTINGS) == "c", 3 * seconds, seconds)
    after = held_out_errors(PARTS, changed, SETTINGS)[1]
    of_c = np.array(SETTINGS) == "c"

    assert (after[of_c] + 1) * 3 == pytest.approx(before[of_c] + 1)
    assert not np.allclose(after[~of_c], before[~of_c])


def test_one_setting_or_too_few_traces_judge_nothing():
    few = LEAST_TRACES - 1

    assert learned_correction(PARTS, 1.5 * PARTS.sum(axis=1), ["a"] * 60) is None
    assert learned_correction(PARTS[:few], 1.5 * PARTS[:few].sum(axis=1), SETTINGS[:few]) is None
    assert learned_correction(PARTS[: few + 1], 1.5 * PARTS[: few + 1].sum(axis=1), SETTINGS[: few + 1]) is not None


def test_a_part_that_no_trace_has_keeps_its_seconds():
    """Without a part in the traces nothing is known of it: the ridge leaves its factor at 1."""
    parts = PARTS * [1, 0, 1, 1]
    found = learned_correction(parts, 1.2 * parts.sum(axis=1), SETTINGS)

    assert found is not None and found.dequantization == pytest.approx(1.0)


def test_no_factor_falls_below_0():
    seconds = PARTS @ np.array([1.5, 1.5, 0.0, -0.1]) + 0.5
    found = learned_correction(PARTS, seconds, SETTINGS)

    assert found is not None and min(found.moving, found.overhead) >= 0
    with pytest.raises(InvalidConfigurationError, match="0 or more"):
        TimeCorrection(1.0, -0.1, 1.0, 1.0, 20, 0.1, 0.2)
