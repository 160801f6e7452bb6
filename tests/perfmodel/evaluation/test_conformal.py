"""Intervals hold as often as they say, on data of which the posterior's spread is wrong."""

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError
from perfmodel.evaluation.conformal import Conformal
from perfmodel.surrogates.contract import Posterior


def rows(count, rng, *, log=False, too_sure=3.0, heavy=False):
    """Observed values whose spread varies from row to row, and a posterior that is too sure everywhere."""
    location = rng.uniform(-1, 1, count)
    spread = np.exp(rng.uniform(-3, 0, count))
    noise = rng.standard_t(3, count) if heavy else rng.standard_normal(count)
    link = location + spread * noise
    return Posterior(location, spread / too_sure, log), np.exp(link) if log else link


def covered(conformal, level, rng, **options):
    posterior, observed = rows(20_000, rng, **options)
    low, high = posterior.within(conformal.half_width(level))
    return np.mean((low <= observed) & (observed <= high))


@pytest.mark.parametrize("options", [{}, {"log": True}, {"heavy": True}, {"too_sure": 0.3}], ids=str)
@pytest.mark.parametrize("level", [0.5, 0.9])
def test_coverage_is_what_it_says_whatever_the_posterior(options, level):
    rng = np.random.default_rng(7)
    found = []
    for _ in range(40):
        posterior, observed = rows(120, rng, **options)
        found.append(covered(Conformal.calibrate(posterior, observed, np.arange(120)), level, rng, **options))
    assert np.mean(found) == pytest.approx(level, abs=0.02)
    raw, observed = rows(20_000, rng, **options)
    low, high = raw.interval(level)
    assert abs(np.mean((low <= observed) & (observed <= high)) - level) > 0.05


def test_repeats_of_one_bad_configuration_do_not_widen_the_interval():
    scores = np.concatenate([np.arange(1.0, 20.0), np.full(200, 50.0)])
    groups = np.concatenate([np.arange(19), np.full(200, 19)])
    posterior = Posterior(np.zeros(219), np.ones(219), log=False)
    assert Conformal.calibrate(posterior, scores, groups).half_width(0.9) == 19.0
    assert Conformal.calibrate(posterior, scores, np.arange(219)).half_width(0.9) == 50.0


def test_the_half_width_is_the_rank_that_split_conformal_asks_for():
    posterior = Posterior(np.zeros(19), np.full(19, 2.0), log=False)
    conformal = Conformal.calibrate(posterior, 2.0 * np.arange(1, 20), np.arange(19))
    assert conformal.half_width(0.9) == 18  # ceil(0.9 * 20)
    assert conformal.half_width(0.5) == 10
    low, high = Posterior(np.array([1.0]), np.array([0.5]), log=False).within(conformal.half_width(0.9))
    assert (low[0], high[0]) == (1 - 9, 1 + 9)


def test_too_few_configurations_give_the_largest_score():
    posterior = Posterior(np.zeros(4), np.ones(4), log=False)
    assert Conformal.calibrate(posterior, np.array([3.0, -7.0, 1.0, 2.0]), np.arange(4)).half_width(0.9) == 7.0


def test_a_logarithm_stays_positive_and_is_centred_on_the_median():
    posterior = Posterior(np.array([0.3]), np.array([2.0]), log=True)
    low, high = posterior.within(1.5)
    assert low[0] == pytest.approx(np.exp(0.3 - 3)) and high[0] == pytest.approx(np.exp(0.3 + 3))


def test_nothing_to_go_by_is_refused():
    with pytest.raises(NotEnoughTracesError, match="calibrate"):
        Conformal.calibrate(Posterior(np.empty(0), np.empty(0), log=False), np.empty(0), np.empty(0))
