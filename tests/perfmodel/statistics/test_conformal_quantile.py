"""The quantile that promises a level to a new score."""

import numpy as np
import pytest

from perfmodel.statistics.conformal_quantile import conformal_quantile


@pytest.mark.parametrize(("level", "rank"), [(0.5, 5), (0.9, 9), (0.99, 9)])
def test_the_kth_of_n_bounds_a_new_score_with_probability_k_of_n_plus_one(level, rank):
    scores = np.random.default_rng(0).permutation(np.arange(1.0, 10.0))
    assert conformal_quantile(scores, level) == rank


def test_weights_say_how_much_each_score_stands_for():
    assert conformal_quantile(np.array([3.0, 1.0, 2.0]), 0.6, np.array([0.1, 0.2, 0.6])) == 2.0
