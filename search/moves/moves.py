"""Small changes of a configuration: one choice up or down, in single dimensions or over a run of units.

Notation:
    n: vectors, one move each.
    d: dimensions of the space, ``1 + 2 * units``.

One layer changes an objective by about a 30th of its range, so single steps alone cross a front slowly; a run of
neighbouring layers moved together crosses it in a few.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import repair_ranks
from perfmodel.space.space import Space

# Shares of moves over a run, with the rate, and all one way. Runs: 0.3, 0.5, 0.8 did alike on additive problems.
_RUNS: Final = 0.5
_RATE: Final = 0.15
# Dimensions touched on average where no run is moved.
_SINGLES: Final = 1.5
_ONE_WAY: Final = 0.8
# Share of shifts that move bits; the others move ranks.
_BITS: Final = 0.7


def move(space: Space, vectors: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns each vector after one random move, shape ``(n, d)``, legal; at a bound it may stay as it was.

    Args:
        space: the legal configurations.
        vectors: shape ``(n, d)``, legal or with every rank 0.
        rng: source of everything random here.
    """
    n, d = vectors.shape
    single = rng.random((n, d)) < _SINGLES / d
    touched = np.where(rng.random((n, 1)) < _RUNS, _runs(n, space.units, rng), single)
    touched[:, 0] |= rng.random(n) < _RATE
    touched[np.arange(n), rng.integers(d, size=n)] |= np.logical_not(touched.any(axis=1))
    together = rng.choice([-2, -1, 1, 2], p=[0.1, 0.4, 0.4, 0.1], size=(n, 1))
    apart = rng.choice([-1, 1], size=(n, d))
    steps = np.where(rng.random((n, 1)) < _ONE_WAY, together, apart)
    moved = np.clip(vectors + touched * steps, 0, space.cardinalities - 1)
    return repair_ranks(space, moved, rng)


def shift(space: Space, vectors: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns each vector after a move of bits, or of ranks, by one level in any units, shape ``(n, d)``, legal.

    A third of the moves raises units, a third lowers units, and a third does both, which stays near the same memory.

    Args:
        space: the legal configurations.
        vectors: legal index vectors, shape ``(n, d)``.
        rng: source of everything random here.
    """
    n, units = len(vectors), space.units
    kind = rng.integers(3, size=(n, 1))
    steps = (_some(n, units, rng) & (kind != 1)).astype(np.int64) - (_some(n, units, rng) & (kind != 0))
    bits = rng.random((n, 1)) < _BITS
    moved = vectors + np.column_stack([np.zeros(n, dtype=np.int64), steps * bits, steps * ~bits])
    return repair_ranks(space, np.clip(moved, 0, space.cardinalities - 1), rng)


def _some(n: int, units: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Returns 1 to all units in each row, few and many alike, shape ``(n, U)``."""
    counts = np.ceil(units ** rng.random((n, 1)))
    return np.asarray(rng.random((n, units)).argsort(axis=1) < counts)


def _runs(n: int, units: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Returns a run of units, of bits or of ranks, in each row; short and long runs alike, shape ``(n, d)``."""
    length = np.ceil(units ** rng.random(n)).astype(np.int64)
    start = (rng.random(n) * (units - length + 1)).astype(np.int64) + 1 + units * rng.integers(2, size=n)
    dimension = np.arange(1 + 2 * units)
    return np.asarray((dimension >= start[:, None]) & (dimension < (start + length)[:, None]))
