"""Every legal vector is drawn once and no more, by listing or by chance."""

import numpy as np
import pytest

from perfmodel.space.space import Space
from search.contract.visited import Visited, every, size

SPACES = [
    Space(1, (0.0,), (4,), (8,)),
    Space(1, (0.0,), (2, 4), (0, 4)),
    Space(2, (0.0, 0.5), (2, 4), (0, 2, 4)),
    Space(2, (0.0,), (2, 4), (2, 4)),
]


@pytest.mark.parametrize("space", SPACES)
def test_every_lists_the_legal_ones(space: Space) -> None:
    rows = every(space)
    assert len(np.unique(rows, axis=0)) == len(rows) == size(space)
    assert (space.encode(space.decode(rows)) == rows).all()


@pytest.mark.parametrize("space", SPACES)
def test_draw_uses_a_space_up(space: Space) -> None:
    visited = Visited(space)
    rows = visited.draw(size(space) + 5, np.random.default_rng(0))
    assert sorted(rows.tolist()) == sorted(every(space).tolist())
    assert visited.remaining == 0
    assert len(visited.draw(1, np.random.default_rng(0))) == 0


def test_draw_from_a_space_too_large_to_list() -> None:
    space = Space(30)
    visited = Visited(space)
    rows = visited.draw(500, np.random.default_rng(0))
    assert len(np.unique(rows, axis=0)) == 500
    assert len(visited.new(rows)) == 0
    assert visited.remaining == size(space) - 500


def test_fresh_keeps_order_and_drops_repeats() -> None:
    visited = Visited(SPACES[2])
    rows = every(SPACES[2])
    visited.mark(rows[:3])
    assert (visited.new(rows[[4, 0, 5, 4]]) == rows[[4, 5]]).all()
    assert len(visited.with_marked(rows[4:5]).new(rows[[4, 5]])) == 1
    assert len(visited.new(rows[[4, 5]])) == 2
