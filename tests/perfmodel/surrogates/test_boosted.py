"""The boosted bag: monotone in bytes, bootstrapped by configuration, refuses damaged members."""

import numpy as np

from perfmodel.features.matrix import FeatureMatrix
from perfmodel.features.monotone import MonotoneColumns
from perfmodel.surrogates.boosted import BoostedSurrogate

NAMES = ("state_total_bytes", "pruning_rate")


def table(count, seed=0):
    rng = np.random.default_rng(seed)
    return FeatureMatrix(NAMES, np.column_stack((rng.uniform(1e9, 9e9, count), rng.random(count))))


def test_memory_never_falls_when_bytes_rise():
    features = table(30)
    noise = np.random.default_rng(1).normal(0, 2e9, 30)
    target = np.maximum(features.column("state_total_bytes") + noise, 1e8)
    grid = FeatureMatrix(NAMES, np.column_stack((np.linspace(0, 1e10, 200), np.full(200, 0.5))))
    free = BoostedSurrogate(log_target=True).fit(features, target, np.arange(30))
    held = BoostedSurrogate(log_target=True, monotone=MonotoneColumns(rising=frozenset(("state_total_bytes",)))).fit(
        features, target, np.arange(30)
    )
    assert np.any(np.diff(free.posterior(grid).location) < 0)
    assert np.all(np.diff(held.posterior(grid).location) >= 0)


def test_rows_of_one_configuration_leave_the_bag_together():
    # Twelve configurations with random levels, five equal runs each: by rows the left-out error would be near 0.
    features = table(12).rows(np.tile(np.arange(12), 5))
    target = np.tile(np.random.default_rng(2).normal(10, 1, 12), 5)
    honest = BoostedSurrogate(log_target=False).fit(features, target, np.tile(np.arange(12), 5))
    by_rows = BoostedSurrogate(log_target=False).fit(features, target, np.arange(60))
    assert honest.posterior(features).std.mean() > 3 * by_rows.posterior(features).std.mean()


def test_one_configuration_keeps_its_whole_spread():
    features = table(1).rows(np.zeros(6, dtype=int))
    target = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    posterior = BoostedSurrogate(log_target=False).fit(features, target, np.zeros(6)).posterior(features)
    assert posterior.std[0] >= 0.99 * target.std(ddof=1)


def test_raw_columns_are_left_out_where_there_are_summaries():
    features = table(12)
    target = features.column("state_total_bytes")
    with_units = features.with_column("bits_0", np.arange(12.0))
    first = BoostedSurrogate(log_target=True).fit(features, target, np.arange(12))
    second = BoostedSurrogate(log_target=True).fit(with_units, target, np.arange(12))
    np.testing.assert_array_equal(first.posterior(features).mean, second.posterior(with_units).mean)
