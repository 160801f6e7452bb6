"""The stratified sampler: means spread over their range, every rate, trends in depth, legal and repeatable."""

import numpy as np
import pytest

from perfmodel.space.sampling import repair_ranks, sample, stratified
from perfmodel.space.space import Space

SPACE = Space(30)


def means(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean bits and mean rank of each row."""
    return np.asarray(SPACE.bits)[vectors[:, 1:31]].mean(axis=1), np.asarray(SPACE.ranks)[vectors[:, 31:]].mean(axis=1)


@pytest.mark.parametrize("seed", range(5))
def test_small_plan_spans_bits_ranks_and_every_rate(seed: int) -> None:
    vectors = sample(SPACE, 12, np.random.default_rng(seed))
    bits, ranks = means(vectors)
    assert bits.min() < 3
    assert bits.max() > 13
    assert ranks.min() < 2
    assert ranks.max() > 44
    assert np.bincount(vectors[:, 0]).tolist() == [2] * 6


def test_mean_levels_fall_one_in_each_stratum() -> None:
    vectors = sample(SPACE, 20, np.random.default_rng(1))
    for block, k in ((vectors[:, 1:31], 5), (vectors[:, 31:], 7)):
        share = np.sort(block.mean(axis=1)) / (k - 1)
        assert np.abs(share - (np.arange(20) + 0.5) / 20).max() < 0.5 / 20 + 0.01


def test_independent_draws_would_fail_the_same_check() -> None:
    rng = np.random.default_rng(0)
    bits, _ = means(rng.integers(SPACE.cardinalities, size=(12, 61)))
    assert np.ptp(bits) < 5


def test_depth_trends_go_both_ways() -> None:
    vectors = sample(SPACE, 60, np.random.default_rng(2))
    slope = vectors[:, 16:31].mean(axis=1) - vectors[:, 1:16].mean(axis=1)
    assert slope.min() < -1
    assert slope.max() > 1
    assert (np.abs(slope) < 0.3).any()


def test_mean_bits_and_mean_rank_are_unrelated() -> None:
    bits, ranks = means(sample(SPACE, 500, np.random.default_rng(3)))
    assert abs(np.corrcoef(bits, ranks)[0, 1]) < 0.15


@pytest.mark.parametrize("layers", [1, 2, 30])
@pytest.mark.parametrize("n", [0, 1, 3, 50])
def test_rows_are_legal(layers: int, n: int) -> None:
    space = Space(layers)
    vectors = sample(space, n, np.random.default_rng(4))
    assert vectors.shape == (n, 1 + 2 * layers)
    for configuration in space.decode(vectors):
        space.validate(configuration)


def test_one_layer_visits_every_choice() -> None:
    vectors = sample(Space(1), 200, np.random.default_rng(5))
    assert set(vectors[:, 1].tolist()) == set(range(5))
    assert set(vectors[:, 2].tolist()) == set(range(1, 7))


def test_repair_touches_bare_rows_only() -> None:
    space = Space(3)
    vectors = np.zeros((2, 7), dtype=np.int64)
    vectors[1, 4] = 2
    repaired = repair_ranks(space, vectors, np.random.default_rng(0))
    assert repaired[0, 4:].sum() == 1
    assert repaired[1].tolist() == vectors[1].tolist()
    assert vectors[0].sum() == 0


def test_stratified_repeats_by_seed_and_is_distinct() -> None:
    plan = stratified(SPACE, 40, 7)
    assert plan == stratified(SPACE, 40, 7) != stratified(SPACE, 40, 8)
    assert len(set(plan)) == 40


def test_stratified_gives_what_a_small_space_has() -> None:
    space = Space(1, (0.0,), (2, 4), (0, 4))
    assert len(stratified(space, 5, 0)) == 2
    assert len(stratified(Space(1, (0.1,), (4,), (8,)), 1, 0)) == 1
