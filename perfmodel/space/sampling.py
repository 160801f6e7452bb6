"""Stratified draws from a space: the plans of campaigns and the starts of searchers.

Independent draws per layer all have nearly the same mean bits and mean rank, and teach a surrogate nothing
about either. Here the means are drawn first, spread evenly over their range, and layers are made to fit.

Notation:
    n: configurations drawn.
    units: units of the space; ``d = 1 + 2 * layers``.
    k: choices of one kind (bits or ranks); levels are indices ``0 .. k - 1``.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Configuration, Space

# Columns of the Latin hypercube: the rate, then mean, trend in depth and roughness of the bits and of the ranks.
_COLUMNS: Final = 7
# Halvings of the shift that sets a row's mean: below 1e-6 of a level.
_BISECTIONS: Final = 24
_ROUNDS: Final = 20


def sample(space: Space, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns index vectors, shape ``(n, d)``, stratified over rate, mean bits, mean rank and trend in depth.

    Means are even over choices (2, 3, 4, 8, 16 are equally far apart), not over bits or ranks themselves: loss
    moves most between the low choices. The ``n`` means of each kind fall one in each ``n``-th of their range;
    every pruning rate occurs when ``n`` is at least their number. Rows may repeat in a small space.

    Args:
        space: the space to draw from.
        n: number of configurations to draw, 0 or more.
        rng: source of randomness; the same state gives the same rows.

    Source: Latin hypercube, McKay, Beckman, Conover 1979, by ``scipy.stats.qmc``.
    """
    from scipy.stats import qmc

    if n == 0:
        return np.empty((0, 1 + 2 * space.units), dtype=np.int64)
    cube = qmc.LatinHypercube(_COLUMNS, rng=rng).random(n)
    rates = _rates(cube[:, 0], len(space.pruning_rates))
    bits = _levels(cube[:, 1:4], space.units, len(space.bits), rng)
    ranks = _levels(cube[:, 4:7], space.units, len(space.ranks), rng)
    return repair_ranks(space, np.column_stack([rates, bits, ranks]).astype(np.int64), rng)


def repair_ranks(space: Space, vectors: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns the vectors, shape ``(n, d)``, with one random unit adapted where every rank was 0.

    That unit gets the smallest rank above 0; other rows are untouched. The input is not changed.
    """
    if space.ranks[0] != 0:
        return vectors
    bare = np.flatnonzero((vectors[:, 1 + space.units :] == 0).all(axis=1))
    if len(bare) == 0:
        return vectors
    repaired = vectors.copy()
    repaired[bare, 1 + space.units + rng.integers(space.units, size=len(bare))] = 1
    return repaired


def stratified(space: Space, n: int, seed: int) -> list[Configuration]:
    """Returns ``n`` distinct configurations spread as ``sample`` spreads them, in random order.

    Fewer come back only where the space holds hardly more than ``n``.

    Args:
        space: the space to draw from.
        n: number of configurations, 0 or more.
        seed: the same seed gives the same configurations.
    """
    rng = np.random.default_rng(seed)
    rows = _distinct(sample(space, n, rng))
    for _ in range(_ROUNDS):
        if len(rows) == n:
            break
        rows = _distinct(np.concatenate([rows, sample(space, n - len(rows), rng)]))
    return space.decode(rows)


def _distinct(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns each row once, where it first stood."""
    return rows[np.sort(np.unique(rows, axis=0, return_index=True)[1])]


def _rates(unit: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Returns rate indices, shape ``(n,)``: every one of ``k`` occurs when ``n`` is at least ``k``."""
    if len(unit) < k:
        return (unit * k).astype(np.int64)
    return np.argsort(np.argsort(unit)) * k // len(unit)


def _levels(cube: NDArray[np.float64], units: int, k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns levels, shape ``(n, units)``, whose row sums are even over all the sums there are.

    Args:
        cube: shape ``(n, 3)`` in [0, 1): mean, trend in depth (0.5 is none), roughness between units.
        units: number of units of the space, 1 or more.
        k: number of choices of each unit, 1 or more.
        rng: random generator that draws the roughness.
    """
    mean, trend, roughness = (column[:, None] for column in cube.T)
    depth = np.linspace(-0.5, 0.5, units) if units > 1 else np.zeros(1)
    shape = (k - 1) * (2 * trend - 1) * depth + (k - 1) / 2 * roughness * rng.standard_normal((len(cube), units))
    target = np.floor(mean * (units * (k - 1) + 1))
    low, high = -shape.max(axis=1, keepdims=True) - 1, k - shape.min(axis=1, keepdims=True)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        short = _rounded(shape + middle, k).sum(axis=1, keepdims=True) < target
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return _rounded(shape + high, k)


def _rounded(levels: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    return np.clip(np.floor(levels + 0.5), 0, k - 1).astype(np.int64)
