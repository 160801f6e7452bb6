"""Moves stay legal, are small, and cover every dimension."""

import numpy as np
import pytest

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search.moves.moves import move


@pytest.mark.parametrize("layers", [1, 3, 30])
def test_moves_are_legal(layers: int) -> None:
    space, rng = Space(layers), np.random.default_rng(0)
    for configuration in space.decode(move(space, sample(space, 300, rng), rng)):
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
