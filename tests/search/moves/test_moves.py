"""Moves stay legal, are small, and cover every dimension."""

import numpy as np
import pytest

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search.moves.moves import move, shift


@pytest.mark.parametrize("layers", [1, 3, 30])
def test_moves_are_legal(layers: int) -> None:
    space, rng = Space(layers), np.random.default_rng(0)
    vectors = sample(space, 300, rng)
    for moved in (move(space, vectors, rng), shift(space, vectors, rng)):
        for configuration in space.decode(moved):
            space.validate(configuration)


def test_moves_are_small_and_reach_every_dimension() -> None:
    space, rng = Space(30), np.random.default_rng(0)
    before = np.full((2000, 61), 2)
    change = move(space, before, rng) - before
    assert np.abs(change).max() == 2
    assert (np.abs(change) > 0).any(axis=0).all()
    assert (np.abs(change) > 0).any(axis=1).mean() > 0.99
    assert ((np.abs(change) > 0).sum(axis=1) >= 10).mean() > 0.1


def test_a_space_of_one_point_does_not_move() -> None:
    space, rng = Space(2, (0.0,), (4,), (8,)), np.random.default_rng(0)
    assert (move(space, np.zeros((5, 5), dtype=np.int64), rng) == 0).all()


def test_a_shift_is_of_bits_or_of_ranks_by_one_level_and_prefers_no_unit() -> None:
    space, rng = Space(6), np.random.default_rng(0)
    before = np.full((4000, 13), 2)
    steps = shift(space, before, rng) - before
    bits, ranks = steps[:, 1:7], steps[:, 7:]
    assert (steps[:, 0] == 0).all()
    assert np.abs(steps).max() == 1
    assert not ((bits != 0).any(axis=1) & (ranks != 0).any(axis=1)).any()
    assert np.ptp((bits != 0).mean(axis=0)) < 0.05
    assert abs(steps.mean()) < 0.02
    assert ((steps > 0).any(axis=1) & (steps < 0).any(axis=1)).mean() > 0.2
