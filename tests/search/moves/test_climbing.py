"""Climbing finds the best of what was not visited."""

import numpy as np

from perfmodel.space.space import Space
from search.contract.visited import Visited, every
from search.moves.climbing import climb, climb_space
from search.moves.moves import move

SMALL, LARGE = Space(2, bits=(2, 4, 8), ranks=(4, 8)), Space(6)


def level(vectors):
    return vectors.sum(axis=1).astype(float)


def test_a_small_space_gives_its_very_best_and_then_the_next() -> None:
    visited, rng, found = Visited(SMALL), np.random.default_rng(0), []
    for _ in range(3):
        vector = climb_space(SMALL, every(SMALL)[:1], level, visited, rng)
        visited.mark(vector[None])
        found.append(level(vector[None])[0])
    best = np.sort(level(every(SMALL)))[::-1]
    assert found == best[:3].tolist()


def test_nothing_is_left() -> None:
    visited = Visited(SMALL)
    visited.mark(every(SMALL))
    assert climb_space(SMALL, every(SMALL)[:1], level, visited, np.random.default_rng(0)) is None


def test_it_climbs_beyond_its_pool() -> None:
    rng = np.random.default_rng(0)
    pool = np.full((1, 13), 2)
    found = climb(pool, level, lambda vectors: move(LARGE, vectors, rng), Visited(LARGE))
    assert level(found[None])[0] > level(pool)[0] + 10
