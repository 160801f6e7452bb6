"""Starts, crossover and mutation where the (bits, rank) of one unit is one gene.

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
    coupled: float = 0.0,
) -> Vectors:
    """Returns vectors in which some units moved one choice up or down, in bits or in rank, shape ``(n, d)``.

    In each vector at least one unit is touched; at a bound it may stay as it was. Rates stay.

    Args:
        space: that the index vectors are of.
        vectors: index vectors, shape ``(n, d)``.
        chances: of each unit to be touched, shape ``(U,)``.
        rng: source of everything random here.
        ranks_too: whether ranks move as well as bits.
        coupled: probability, 0 to 1, that both of a unit move at once, its rank against its bits.
    """
    n, units = len(vectors), space.units
    touched = rng.random((n, units)) < chances
    untouched = ~touched.any(axis=1)
    total = chances.sum()
    weights = chances / total if total > 0 else np.full(units, 1 / units)
    touched[untouched, rng.choice(units, size=n, p=weights)[untouched]] = True
    of_rank = rng.random((n, units)) < (0.5 if ranks_too else 0.0)
    steps = np.where(touched, rng.choice([-1, 1], size=(n, units)), 0)
    of_bits, of_ranks = np.where(of_rank, 0, steps), np.where(of_rank, steps, 0)
    if coupled > 0:
        both = rng.random((n, units)) < coupled
        of_bits, of_ranks = np.where(both, steps, of_bits), np.where(both, -steps, of_ranks)
    change = np.column_stack([np.zeros(n, dtype=np.int64), of_bits, of_ranks])
    return np.asarray(np.clip(vectors + change, 0, space.cardinalities - 1))


def one_edits(space: Space, vectors: Vectors) -> Vectors:
    """Returns all vectors in which the bits or the rank of one unit are one choice away, shape ``(any, d)``.

    Args:
        space: that the index vectors are of.
        vectors: index vectors, shape ``(n, d)``.
    """
    steps = np.eye(1 + 2 * space.units, dtype=np.int64)[1:]
    moved = (vectors[:, None, :] + np.concatenate([steps, -steps])).reshape(-1, vectors.shape[1])
    return np.asarray(moved[((moved >= 0) & (moved < space.cardinalities)).all(axis=1)])


def by_importance(space: Space, rate: int, of_bits: NDArray[np.float64], of_ranks: NDArray[np.float64]) -> Vectors:
    """Returns the vector whose units have bits and ranks by their importance, shape ``(1, d)``.

    An importance is scaled to [0, 1] between the least and the largest, and mapped to the choices above rank 0.

    Args:
        space: the legal configurations.
        rate: index of the pruning rate in the space.
        of_bits: importance of each unit's bits, in any unit, shape ``(U,)``.
        of_ranks: importance of each unit's rank, in any unit, shape ``(U,)``.
    """
    shares = [(each - each.min()) / (float(np.ptp(each)) or 1.0) for each in (of_bits, of_ranks)]
    lowest = int(space.ranks[0] == 0)
    bits = np.rint(shares[0] * (len(space.bits) - 1))
    ranks = lowest + np.rint(shares[1] * (len(space.ranks) - 1 - lowest))
    return np.concatenate([[rate], bits, ranks]).astype(np.int64)[None]
