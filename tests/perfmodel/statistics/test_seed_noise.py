"""The pooled variance of repeated runs, with and without weights."""

import numpy as np
import pytest

from perfmodel.statistics.seed_noise import RepeatedRuns, pooled_covariance

VALUES, GROUP = np.array([1.0, 3.0, 10.0, 5.0, 5.0, 8.0]), np.array([0, 0, 1, 2, 2, 2])


def test_runs_are_pooled_over_configurations():
    runs = RepeatedRuns.of(VALUES, GROUP)
    assert runs.means.tolist() == [2.0, 10.0, 6.0]
    assert (runs.freedom, runs.variance) == (3, pytest.approx((2 + 6) / 3))
    # The third configuration drawn twice, the first not at all.
    assert runs.variances(np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 2.0]])) == pytest.approx([8 / 3, 3.0])


def test_equal_runs_have_no_noise_at_all_and_single_runs_an_unknown_one():
    assert RepeatedRuns.of(np.full(3, 0.1), np.zeros(3, dtype=int)).variance == 0.0
    assert RepeatedRuns.of(VALUES[:2], np.array([0, 1])).variance is None


def test_the_covariance_of_one_column_is_the_variance():
    covariance, freedom = pooled_covariance(np.column_stack((VALUES, -2 * VALUES)), GROUP)
    assert freedom == 3
    assert covariance == pytest.approx(8 / 3 * np.array([[1, -2], [-2, 4]]))
