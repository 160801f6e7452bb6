"""The additive model: recovers costs per layer, shrinks, extrapolates and knows its noise."""

import numpy as np
import pytest

from perfmodel.features.matrix import FeatureMatrix
from perfmodel.surrogates.additive import AdditiveSurrogate
from perfmodel.surrogates.ridge import fit_ridge

LAYERS = 6
COSTS = np.array([3.0, 2.0, 1.0, 1.0, 1.0, 4.0])


def table(bits):
    errors = np.vectorize({2: 0.44, 3: 0.19, 4: 0.093, 16: 0.002}.get)(bits) ** 2
    names = ("pruning_rate", "mean_squared_error", *(f"bits_{layer}" for layer in range(LAYERS)))
    return FeatureMatrix(names, np.column_stack((np.zeros(len(bits)), errors.mean(axis=1), bits))), errors


def made(count, seed, noise=0.01):
    rng = np.random.default_rng(seed)
    features, errors = table(rng.choice([2, 3, 4, 16], size=(count, LAYERS)))
    return features, 1 + errors @ COSTS + noise * rng.standard_normal(count)


def test_it_tells_a_dear_layer_from_a_cheap_one():
    model = AdditiveSurrogate(log_target=False).fit(*made(80, 0), np.arange(80))
    bits = np.full((3, LAYERS), 16)
    bits[1, 5] = bits[2, 3] = 2
    mean = model.posterior(table(bits)[0]).mean
    assert mean[1] - mean[0] > 2 * (mean[2] - mean[0]) > 0


def test_the_noise_is_found_and_covers():
    model = AdditiveSurrogate(log_target=False).fit(*made(80, 0, 0.05), np.arange(80))
    features, target = made(400, 1, 0.05)
    posterior = model.posterior(features)
    assert 0.04 < posterior.std.min() < 0.08
    low, high = posterior.interval(0.9)
    assert 0.83 < np.mean((low < target) & (target < high)) < 0.98


def test_the_spread_grows_away_from_the_data_and_the_mean_is_held():
    features, target = made(40, 0)
    rate = np.linspace(0, 0.3, 40)
    features = features.with_column("pruning_rate", rate)
    model = AdditiveSurrogate(log_target=False).fit(features, target + rate, np.arange(40))
    far = features.rows(slice(3)).with_column("pruning_rate", [0.15, 3.0, 1e9])
    posterior = model.posterior(far)
    assert np.all(np.diff(posterior.std) > 0)
    spread = np.ptp(target) + 0.3
    assert posterior.mean[2] <= target.max() + 0.3 + 2 * spread


def test_seeds_of_one_configuration_are_no_extra_evidence():
    features, target = made(30, 0)
    once = AdditiveSurrogate(log_target=False).fit(features, target, np.arange(30))
    copies = features.rows(np.tile(np.arange(30), 5))
    copied = AdditiveSurrogate(log_target=False).fit(copies, np.tile(target, 5), np.tile(np.arange(30), 5))
    np.testing.assert_allclose(once.posterior(features).std, copied.posterior(features).std)


def test_left_out_errors_are_those_of_really_leaving_out():
    rng = np.random.default_rng(0)
    common, target = rng.standard_normal((15, 2)), rng.standard_normal(15)
    none = np.empty((15, 0))
    ridge = fit_ridge(common, none, none, target, np.arange(15))
    columns = (common - ridge.centre) / ridge.scale
    penalties = np.linalg.inv(ridge.inverse) - columns.T @ columns
    standardised = []
    for out in range(15):
        keep = np.arange(15) != out
        # Same scaling and penalty, refitted without the row: centring is part of the fit.
        inside = columns[keep] - columns[keep].mean(axis=0)
        weights = np.linalg.solve(inside.T @ inside + penalties, inside.T @ (target[keep] - target[keep].mean()))
        prediction = target[keep].mean() + (columns[out] - columns[keep].mean(axis=0)) @ weights
        hat = 1 / 15 + columns[out] @ ridge.inverse @ columns[out]
        standardised.append((target[out] - prediction) * np.sqrt(1 - hat))
    expected = max(np.mean(np.square(standardised)), (max(np.abs(standardised)) / 1.6448536) ** 2)
    assert ridge.noise == pytest.approx(expected, rel=1e-6)


def test_features_that_never_vary_leave_the_mean():
    features = FeatureMatrix(("pruning_rate",), np.full((4, 1), 0.1))
    model = AdditiveSurrogate(log_target=False).fit(features, np.array([1.0, 2.0, 3.0, 4.0]), np.arange(4))
    assert model.posterior(features).mean == pytest.approx(np.full(4, 2.5))
