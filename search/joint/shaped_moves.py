"""Changes of a configuration that follow sensitivities: what matters goes up, what does not pays for it.

Notation:
    n: vectors, one move each.
    d: dimensions of the space.
    U: units.

A third of the moves raises sensitive units, a third lowers insensitive ones, and a third does both at once, which
shifts bytes to where they help and stays near the same memory.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import repair_ranks
from perfmodel.space.space import Space
from search.allocation.additive_costs import damage
from search.contract.knowledge import Knowledge

# Probability to touch a unit grows with its importance to this power.
# Source: AutoQRA's code, importance-guided mutation.
_POWER: Final = 1.5
_BITS: Final = 0.7


def importance(space: Space, knowledge: Knowledge) -> NDArray[np.float64]:
    """Returns the damage of each unit at the lowest width over its mean, shape ``(U,)``; 1 where none was measured."""
    if knowledge.sensitivities is None:
        return np.ones(space.units)
    lowest = damage(space, knowledge)[:, 0]
    return lowest / max(float(lowest.mean()), 1e-300)


def shaped_move(
    space: Space, vectors: NDArray[np.int64], weights: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Returns each vector after one move of bits or of ranks by one level, shape ``(n, d)``, legal.

    Args:
        space: the legal configurations.
        vectors: legal index vectors, shape ``(n, d)``.
        weights: importance of each unit, shape ``(U,)``.
        rng: source of everything random here.
    """
    n, units = len(vectors), space.units
    kind = rng.integers(3, size=n)
    up = _picked(np.maximum(weights, 1e-6) ** _POWER, n, rng) & (kind != 1)[:, None]
    down = _picked(np.maximum(weights, 1e-6) ** -_POWER, n, rng) & (kind != 0)[:, None]
    steps = up.astype(np.int64) - down.astype(np.int64)
    bits = rng.random(n) < _BITS
    moved = vectors.copy()
    moved[:, 1 : 1 + units] += steps * bits[:, None]
    moved[:, 1 + units :] += steps * ~bits[:, None]
    return repair_ranks(space, np.clip(moved, 0, space.cardinalities - 1), rng)


def _picked(chances: NDArray[np.float64], n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Returns 1 to U units for each of ``n`` rows, few and many alike, drawn by their chances, shape ``(n, U)``.

    Source: Efraimidis and Spirakis 2006, weighted draws without replacement by keys.
    """
    units = len(chances)
    keys = rng.exponential(size=(n, units)) / (chances / chances.max())
    counts = np.ceil(units ** rng.random(n))[:, None]
    return np.asarray(keys.argsort(axis=1).argsort(axis=1) < counts)
