"""Hat functions over depth: what units add, weighted by where in the model they lie."""

import numpy as np
from numpy.typing import NDArray

RESOLUTIONS = (1, 4, 8)
"""Hats over depth: one that is the mean over units, and two finer grids for what sets a depth apart."""

HATS = sum(RESOLUTIONS)

ERROR_HATS = tuple(f"error_hat_{index}" for index in range(HATS))
"""Sums over units of the hat times the squared error of the unit's width in the default formats."""

RANK_HATS = tuple(f"rank_hat_{index}" for index in range(HATS))
"""Sums over units of the hat times log2(1 + rank)."""


def depth_hats(units: int) -> NDArray[np.float64]:
    """Returns each unit's share of each hat, shape ``(U, HATS)``; a hat's shares are at most 1 / U."""
    depth = (np.arange(units) + 0.5) / max(1, units)
    columns = []
    for count in RESOLUTIONS:
        knots = (np.arange(count) + 0.5) / count
        clipped = depth.clip(knots[0], knots[-1])
        columns += [np.maximum(0.0, 1 - np.abs(clipped - knot) * count) for knot in knots]
    return np.column_stack(columns) / max(1, units)
