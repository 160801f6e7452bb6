"""The bootstrap draws whole configurations, repeated ones apart, and does not invent numbers."""

import numpy as np
import pytest

from perfmodel.statistics.bootstrap import estimate, group_weights
from perfmodel.statistics.interval import Estimate

GROUPS = np.array(["a", "a", "a", "b", "c", "d", "d"], dtype=object)


def test_whole_configurations_are_drawn_within_their_stratum():
    weights = group_weights(GROUPS, resamples=200)
    assert weights[0].tolist() == [1.0] * 7
    assert np.all(weights[:, 0] == weights[:, 1]) and np.all(weights[:, 5] == weights[:, 6])
    assert np.all(weights[:, 3] + weights[:, 4] == 2) and np.all(weights[:, 0] + weights[:, 5] == 2)
    np.testing.assert_array_equal(weights, group_weights(GROUPS, resamples=200))


def test_the_interval_of_a_mean_has_its_known_width():
    values = np.random.default_rng(0).standard_normal(400)
    weights = group_weights(np.arange(400))
    result = estimate(weights @ values / 400)
    assert result.low < result.value < result.high
    assert result.high - result.low == pytest.approx(2 * 1.96 / 20, rel=0.15)


def test_undefined_is_none():
    assert estimate(np.array([np.nan, 1.0, 2.0])) == Estimate.undefined()
    assert estimate(np.array([1.0, np.nan, np.nan, 2.0])) == Estimate(1.0, None, None)
