"""The best unvisited configuration under a score, by climbing from many starts with small moves.

Notation:
    n: vectors.
    d: dimensions of the space.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search.contract.visited import Visited, every, size
from search.moves.moves import move

Vectors = NDArray[np.int64]
Rate = Callable[[Vectors], NDArray[np.float64]]
Move = Callable[[Vectors], Vectors]

# A space of at most this many configurations is scored as a whole.
_LISTED: Final = 2048
_STRATIFIED: Final = 128
_FROM_FRONT: Final = 128
_CLIMBERS: Final = 2
_TRIES: Final = 32
_STEPS: Final = 8


def climb_space(
    space: Space, front: Vectors, score: Rate, visited: Visited, rng: np.random.Generator
) -> Vectors | None:
    """Returns the best unvisited vector found in a whole space, shape ``(d,)``, or None where none is left.

    A small space is scored as a whole; in a large one stratified draws and moves from the front are climbed from.

    Args:
        space: the legal configurations.
        front: promising vectors, shape ``(>= 1, d)``.
        score: larger is better, from ``(n, d)`` to ``(n,)``.
        visited: vectors that are not wanted.
        rng: of draws and moves.
    """
    if size(space) <= _LISTED:
        listed = visited.new(every(space))
        return np.asarray(listed[np.argmax(score(listed))]) if len(listed) else None
    parents = front[rng.integers(len(front), size=_FROM_FRONT)]
    pool = np.concatenate([sample(space, _STRATIFIED, rng), move(space, parents, rng)])
    return climb(pool, score, lambda vectors: move(space, vectors, rng), visited)


def climb_in_turn(
    space: Space,
    n: int,
    scored: Callable[[Vectors], tuple[Vectors, Rate]],
    visited: Visited,
    rng: np.random.Generator,
) -> Vectors:
    """Returns up to n unvisited vectors, shape ``(<= n, d)``, each the best under a score that knows those before it.

    Args:
        space: the legal configurations.
        n: how many are wanted, 0 or more.
        scored: from the vectors chosen so far, ``(k, d)``, to promising vectors ``(>= 1, d)`` and the score of the
            next, larger is better.
        visited: vectors that are not wanted.
        rng: of draws and moves.
    """
    chosen = np.empty((0, len(space.cardinalities)), dtype=np.int64)
    for _ in range(n):
        front, score = scored(chosen)
        best = climb_space(space, front, score, visited.with_marked(chosen), rng)
        if best is None:
            break
        chosen = np.concatenate([chosen, best[None]])
    return chosen


def climb(pool: Vectors, score: Rate, moved: Move, visited: Visited) -> Vectors | None:
    """Returns the best unvisited vector found from a pool, shape ``(d,)``, or None where the pool holds none.

    Args:
        pool: where to start, shape ``(n, d)``.
        score: larger is better, from ``(n, d)`` to ``(n,)``.
        moved: one small random change of each vector.
        visited: vectors that are not wanted.
    """
    vectors = visited.new(pool)
    if len(vectors) == 0:
        return None
    values = score(vectors)
    top = np.argsort(-values, kind="stable")[:_CLIMBERS]
    vectors, values = vectors[top], values[top]
    for _ in range(_STEPS):
        around = visited.new(moved(np.repeat(vectors, _TRIES, axis=0)))
        if len(around) == 0:
            break
        values = np.concatenate([values, score(around)])
        vectors = np.concatenate([vectors, around])
        top = np.argsort(-values, kind="stable")[:_CLIMBERS]
        vectors, values = vectors[top], values[top]
    return np.asarray(vectors[0])
