"""The noise has the covariance that repeats showed, the mean it was given, and is fixed by seed and configuration."""

from collections.abc import Callable

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError
from perfmodel.space.space import Configuration
from perfmodel.traces.trace import Trace
from search.benchmark.noise import MeasuredNoise

Make = Callable[..., Trace]
COLUMNS = [("held_out_loss", 0.5), ("held_out_loss", 1.0), ("peak_memory_bytes", 1.0)]
FIRST, SECOND = (Configuration.uniform(2, bits=bits, rank=8) for bits in (4, 8))


def test_covariance_is_pooled_within_configurations(make_trace: Make) -> None:
    # Deviations of log loss: ±0.1 in the first, ±0.3 in the second; level differences must not count.
    runs = [(FIRST, 0, np.exp(0.1)), (FIRST, 1, np.exp(-0.1)), (SECOND, 0, np.exp(2.3)), (SECOND, 1, np.exp(1.7))]
    noise = MeasuredNoise.from_traces([make_trace(of, seed, loss) for of, seed, loss in runs], COLUMNS)
    assert noise.degrees == 2
    assert noise.covariance[:2, :2] == pytest.approx(np.full((2, 2), (2 * 0.01 + 2 * 0.09) / 2))
    assert noise.covariance[2] == pytest.approx([0, 0, 0])


def test_draws_have_the_covariance_and_keep_the_mean() -> None:
    covariance = np.asarray([[0.04, 0.03], [0.03, 0.09]])
    noise = MeasuredNoise(COLUMNS[:2], covariance, 10)
    vectors = np.arange(4_000)[:, None]
    drawn = noise.added(np.full((4_000, 2), 2.0), vectors, COLUMNS[:2], seed=1)
    assert drawn.mean(axis=0) == pytest.approx([2.0, 2.0], rel=0.02)
    assert np.cov(np.log(drawn).T) == pytest.approx(covariance, rel=0.12)


def test_seed_and_configuration_decide_whatever_else_is_asked() -> None:
    noise = MeasuredNoise(COLUMNS[:2], np.diag([0.04, 0.09]), 10)
    vectors = np.asarray([[0, 1], [2, 3], [4, 5]])
    means = np.ones((3, 2))
    together = noise.added(means, vectors, COLUMNS[:2], seed=7)
    assert (noise.added(means[1:2], vectors[1:2], COLUMNS[:2], seed=7) == together[1:2]).all()
    assert (noise.added(means[:, :1], vectors, COLUMNS[1:2], seed=7) == together[:, 1:]).all()
    assert (noise.added(means, vectors, COLUMNS[:2], seed=8) != together).all()
    assert len(np.unique(together)) == 6


def test_values_stay_physical() -> None:
    noise = MeasuredNoise([("accuracy", 1.0)], np.asarray([[4.0]]), 5)
    drawn = noise.added(np.full((200, 1), 0.5), np.arange(200)[:, None], [("accuracy", 1.0)], seed=0)
    assert drawn.min() == 0.0
    assert drawn.max() == 1.0


def test_without_repeats_there_is_no_noise_to_measure(make_trace: Make) -> None:
    with pytest.raises(NotEnoughTracesError, match="two seeds"):
        MeasuredNoise.from_traces([make_trace(FIRST), make_trace(SECOND)], COLUMNS)
