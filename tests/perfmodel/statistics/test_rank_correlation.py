"""Weighted rank correlations equal scipy's on the repeated rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perfmodel.statistics.rank_correlation import kendall, spearman


@given(st.integers(0, 10_000))
def test_weights_count_as_copies(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 6, 12).astype(float), rng.integers(0, 6, 12).astype(float)
    weights = np.vstack((np.ones(12), rng.multinomial(12, np.full(12, 1 / 12), size=4)))
    for statistic, reference in ((kendall, stats.kendalltau), (spearman, stats.spearmanr)):
        for line, value in zip(weights, statistic(x, y, weights), strict=True):
            rows = np.repeat(np.arange(12), line.astype(int))
            if np.ptp(x[rows]) and np.ptp(y[rows]):
                assert value == pytest.approx(reference(x[rows], y[rows]).statistic, abs=1e-9)
            else:
                assert np.isnan(value)
