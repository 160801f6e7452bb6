"""Crossover and mutation where the (bits, rank) of one unit is one gene.

Notation:
    n: vectors.
    U: units of the space; ``d = 1 + 2 * U``.
"""

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space

Vectors = NDArray[np.int64]


def cross(space: Space, first: Vectors, second: Vectors, rng: np.random.Generator) -> Vectors:
    """Returns children whose every unit has the bits and the rank of one parent, shape ``(n, d)``; rates of the first.

    Args:
        space: that the index vectors are of.
        first: parents, shape ``(n, d)``.
        second: their partners, shape ``(n, d)``.
        rng: source of everything random here.
    """
    other = rng.random((len(first), space.units)) < 0.5
    taken = np.column_stack([np.zeros(len(first), dtype=bool), other, other])
    return np.where(taken, second, first)


def to_neighbours(
    space: Space,
    vectors: Vectors,
    chances: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    ranks_too: bool = True,
) -> Vectors:
    """Returns vectors in which some units moved one choice up or down, in bits or in rank, shape ``(n, d)``.

    In each vector at least one unit is touched; at a bound it may stay as it was. Rates stay.

    Args:
        space: that the index vectors are of.
        vectors: index vectors, shape ``(n, d)``.
        chances: of each unit to be touched, shape ``(U,)``.
        rng: source of everything random here.
        ranks_too: whether ranks move as well as bits.
    """
    n, units = len(vectors), space.units
    touched = rng.random((n, units)) < chances
    untouched = ~touched.any(axis=1)
    total = chances.sum()
    weights = chances / total if total > 0 else np.full(units, 1 / units)
    touched[untouched, rng.choice(units, size=n, p=weights)[untouched]] = True
    of_rank = rng.random((n, units)) < (0.5 if ranks_too else 0.0)
    steps = np.where(touched, rng.choice([-1, 1], size=(n, units)), 0)
    change = np.column_stack([np.zeros(n, dtype=np.int64), np.where(of_rank, 0, steps), np.where(of_rank, steps, 0)])
    return np.asarray(np.clip(vectors + change, 0, space.cardinalities - 1))
