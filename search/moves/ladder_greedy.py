"""Greedy allocation: always the step up that is worth most, while the bytes last.

Notation:
    L: ladders, one a unit.
    S: levels of a ladder.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def climb_ladders(worth: Floats, sizes: Floats, limit: float) -> NDArray[np.int64] | None:
    """Returns the level of each ladder, shape ``(L,)``; None where the lowest levels already exceed the limit.

    A ladder whose next step does not fit is left where it is, and the others go on. Of equal worths the first ladder
    goes first.

    Args:
        worth: of the step from each level to the next, shape ``(L, S - 1)``; larger is bought sooner.
        sizes: bytes of each level, shape ``(L, S)``.
        limit: of the summed bytes.
    """
    levels = np.zeros(len(sizes), dtype=np.int64)
    spent = float(sizes[:, 0].sum())
    if spent > limit:
        return None
    steps = [(-float(worth[ladder, 0]), ladder) for ladder in range(len(sizes)) if sizes.shape[1] > 1]
    heapq.heapify(steps)
    while steps:
        _, ladder = heapq.heappop(steps)
        level = levels[ladder]
        price = float(sizes[ladder, level + 1] - sizes[ladder, level])
        if spent + price > limit:
            continue
        spent += price
        levels[ladder] += 1
        if level + 1 < worth.shape[1]:
            heapq.heappush(steps, (-float(worth[ladder, level + 1]), ladder))
    return levels
