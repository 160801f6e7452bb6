"""Every statistic against a value known by hand, by a library, or by integration."""

import numpy as np
import pytest
from scipy import integrate, stats

from perfmodel.evaluation import scores
from perfmodel.surrogates.contract import Posterior

ONE = np.ones((1, 4))
OBSERVED = np.array([0.0, 1.0, 2.0, 3.0])


def posterior(location, scale, log=False):
    return Posterior(np.atleast_1d(np.asarray(location, float)), np.atleast_1d(np.asarray(scale, float)), log)


def test_r2_and_error_by_hand():
    predicted = np.array([0.0, 1.0, 3.0, 2.0])
    assert scores.r2(OBSERVED, predicted, ONE)[0] == pytest.approx(1 - 2 / 5)
    assert scores.root_mean_squared_error(OBSERVED, predicted, ONE)[0] == pytest.approx(np.sqrt(0.5))
    assert np.isnan(scores.r2(np.ones(4), predicted, ONE)[0])


def test_a_weight_counts_as_copies_of_the_row():
    rng = np.random.default_rng(0)
    observed, predicted, scale = rng.random(12), rng.random(12), 0.1 + rng.random(12)
    counts = rng.integers(0, 4, 12)
    weights, ones = counts[None].astype(float), np.ones((1, counts.sum()))

    def copies(values):
        return np.repeat(values, counts)

    whole, repeated = posterior(predicted, scale), posterior(copies(predicted), copies(scale))
    for statistic in (scores.r2, scores.root_mean_squared_error):
        expected = statistic(copies(observed), copies(predicted), ones)
        np.testing.assert_allclose(statistic(observed, predicted, weights), expected)
    for statistic in (scores.negative_log_likelihood, scores.crps, scores.calibration_error):
        np.testing.assert_allclose(statistic(observed, whole, weights), statistic(copies(observed), repeated, ones))
    sparse = scores.sparse_kendall(copies(observed), copies(predicted), ones, 0.2)
    np.testing.assert_allclose(scores.sparse_kendall(observed, predicted, weights, 0.2), sparse)


def test_sparse_kendall_forgives_what_noise_could_reverse():
    observed = np.array([1.00, 1.01, 2.00, 2.01])
    reversed_within = np.array([2.0, 1.0, 4.0, 3.0])
    assert scores.kendall(observed, reversed_within, ONE)[0] == pytest.approx(2 / 6)
    expected = stats.kendalltau([1, 1, 2, 2], reversed_within).statistic
    assert scores.sparse_kendall(observed, reversed_within, ONE, 1.0)[0] == pytest.approx(expected)
    assert expected > 0.8
    assert scores.sparse_kendall(observed, reversed_within, ONE, 0.0)[0] == pytest.approx(2 / 6)


def test_a_ranking_that_only_knows_good_from_bad_fails_at_the_top():
    losses = np.arange(40.0)
    predicted = np.where(losses < 10, 9 - losses, losses)
    weights = np.ones((1, 40))
    assert scores.spearman(losses, predicted, weights)[0] > 0.9
    assert scores.top_spearman(losses, predicted, weights, 0.25)[0] == pytest.approx(-1)
    assert scores.precision_at(losses, predicted, weights, 0.25)[0] == 1
    assert scores.precision_at(losses, predicted, weights, 0.1)[0] == 0


def test_precision_counts_the_overlap():
    losses = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    predicted = np.array([0.0, 5, 1, 6, 7, 8, 9, 10, 11, 12])
    assert scores.precision_at(losses, predicted, np.ones((1, 10)), 0.2)[0] == 0.5
    assert scores.precision_at(losses, predicted, np.ones((1, 10)), 0.1)[0] == 1


def test_the_top_follows_the_weights():
    losses, weights = np.arange(10.0), np.ones((1, 10))
    weights[0, 0], weights[0, 9] = 0, 2
    assert scores.precision_at(losses, np.where(losses == 1, -1.0, losses), weights, 0.1)[0] == 1
    assert scores.precision_at(losses, np.where(losses == 2, -1.0, losses), weights, 0.1)[0] == 0


@pytest.mark.parametrize("log", [False, True])
def test_likelihood_is_that_of_scipy(log):
    y, location, scale = np.array([0.4, 1.3, 2.2, 0.9]), np.array([0.1, 0.2, 0.3, -0.1]), np.array([0.5, 0.3, 0.9, 0.2])
    law = stats.lognorm(s=scale, scale=np.exp(location)) if log else stats.norm(location, scale)
    found = scores.negative_log_likelihood(y, posterior(location, scale, log), ONE)
    assert found[0] == pytest.approx(-law.logpdf(y).mean())


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("y", "location", "scale"), [(1.7, 0.2, 0.4), (0.3, 0.5, 1.1), (0.9, -0.1, 0.05)])
def test_crps_is_the_integral_that_defines_it(log, y, location, scale):
    law = stats.lognorm(s=scale, scale=np.exp(location)) if log else stats.norm(location, scale)
    low, high = law.ppf([1e-13, 1 - 1e-13])
    below = integrate.quad(lambda x: law.cdf(x) ** 2, min(low, y), y, limit=200)[0]
    above = integrate.quad(lambda x: (1 - law.cdf(x)) ** 2, y, max(high, y), limit=200)[0]
    found = scores.crps(np.array([y]), posterior(location, scale, log), np.ones((1, 1)))
    assert found[0] == pytest.approx(below + above, rel=1e-5)


def test_a_posterior_of_no_spread_has_the_absolute_error_as_crps():
    near = posterior([1.0, 2.0, 2.0, 2.0], [1e-9] * 4)
    assert scores.crps(OBSERVED, near, ONE)[0] == pytest.approx(np.abs(OBSERVED - near.location).mean())


def test_calibration_tells_right_from_too_sure_and_too_shy():
    rng = np.random.default_rng(1)
    errors, weights = rng.standard_normal(20_000), np.ones((1, 20_000))

    def error(scale):
        return scores.calibration_error(errors, posterior(np.zeros(20_000), np.full(20_000, scale)), weights)[0]

    assert error(1.0) < 0.01
    assert error(0.2) == pytest.approx(error_of_scale(0.2), abs=0.01) and error(0.2) > 0.15
    assert error(5.0) == pytest.approx(error_of_scale(5.0), abs=0.01) and error(5.0) > 0.15
    curve = scores.calibration_curve(errors, posterior(np.zeros(20_000), np.ones(20_000)), weights, (0.1, 0.5, 0.9))
    np.testing.assert_allclose(curve[0], [0.1, 0.5, 0.9], atol=0.01)


def error_of_scale(scale):
    quantiles = np.array(scores.QUANTILES)
    return np.abs(stats.norm.cdf(scale * stats.norm.ppf(quantiles)) - quantiles).mean()


def test_coverage_and_width():
    low, high = OBSERVED - [1.0, -0.5, 1.0, 1.0], OBSERVED + 1
    assert scores.coverage(OBSERVED, low, high, ONE)[0] == 0.75
    assert scores.relative_width(OBSERVED, low, high, ONE)[0] == pytest.approx((2 + 0.5 + 2 + 2) / 4 / 1.5)
