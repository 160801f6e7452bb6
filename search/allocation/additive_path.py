"""The whole front of an additive loss in one pass: steps up, the one that saves most loss for a byte first.

Notation:
    U: units.
    P: choices of each unit.
    s: steps.

The linear relaxation of the multiple-choice knapsack of ``additive_program`` is solved by taking the steps along each
unit's lower convex hull of (bytes, cost) in the order of their slopes, and every prefix of that order is the exact
optimum at its own bytes. Between two prefixes the integer optimum saves less than one step's cost. All budgets take
milliseconds, where the integer program takes up to seconds for one, and for equal units does not end.

Source: Sinha, Zoltners 1979; Zemel 1980.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def additive_path(costs: Floats, sizes: Floats) -> NDArray[np.int64]:
    """Returns the choices of all units at every budget of the path, fewest bytes first, shape ``(s + 1, U)``.

    Args:
        costs: of each choice in each unit, in any unit, finite, shape ``(U, P)``.
        sizes: bytes of each choice in each unit, shape ``(U, P)``.
    """
    lowest, steps = np.zeros(len(costs), dtype=np.int64), []
    for unit, (cost, size) in enumerate(zip(costs, sizes, strict=True)):
        hull = _hull(cost, size)
        lowest[unit] = hull[0]
        for before, after in pairwise(hull):
            slope = (cost[after] - cost[before]) / (size[after] - size[before])
            steps.append((slope, unit, after))
    path = np.repeat(lowest[None], len(steps) + 1, axis=0)
    for row, (_, unit, choice) in enumerate(sorted(steps, key=lambda step: step[0]), start=1):
        path[row:, unit] = choice
    return path


def _hull(cost: Floats, size: Floats) -> list[int]:
    """Returns the choices on the lower left convex hull, from the fewest bytes to the least cost."""
    hull: list[int] = []
    for choice in np.lexsort((cost, size)).tolist():
        if hull and cost[choice] >= cost[hull[-1]]:
            continue
        while len(hull) > 1:
            (a, b), c = hull[-2:], choice
            if (cost[b] - cost[a]) * (size[c] - size[b]) < (cost[c] - cost[b]) * (size[b] - size[a]):
                break
            hull.pop()
        if hull and size[hull[-1]] == size[choice]:
            hull.pop()
        hull.append(choice)
    return hull
