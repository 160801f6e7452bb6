"""Greedy allocation: always the step up that is worth most, while the bytes last.

Notation:
    L: ladders, one a unit.
    S: levels of a ladder, the widths of the space.
    d: dimensions of the space, ``1 + 2 L``.
"""

import heapq
from typing import final

import numpy as np
from numpy.typing import NDArray

from search.contract.knowledge import Memory
from search.moves.fixed_choices import FixedChoices

Floats = NDArray[np.float64]


def climb_ladders(worth: Floats, sizes: Floats, limit: float) -> NDArray[np.int64] | None:
    """Returns the level of each ladder, shape ``(L,)``; None where the lowest levels already exceed the limit.

    A ladder whose next step does not fit is left where it is, and the others go on. Of equal worths the first ladder
    goes first.

    Args:
        worth: of the step from each level to the next, in any unit, shape ``(L, S - 1)``; larger is bought sooner.
        sizes: bytes of each level, shape ``(L, S)``.
        limit: most bytes of all ladders together.
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


@final
class WidthLadders:
    """The widths that a greedy purchase gives within a limit of bytes, at one rate and one rank.

    Args:
        fixed: the rate and the rank.
        memory: from index vectors ``(n, d)`` to bytes ``(n,)``.
        sizes: bytes of each width in each unit, shape ``(L, S)``.
        worth: of the step from each width to the next, in any unit, shape ``(L, S - 1)``.
    """

    def __init__(self, fixed: FixedChoices, memory: Memory, sizes: Floats, worth: Floats) -> None:
        self.lowest = fixed.with_bits(np.zeros((1, len(sizes)), dtype=np.int64))[0]
        self._fixed, self._sizes, self._worth = fixed, sizes, worth
        self._rest = float(memory(self.lowest[None])[0]) - float(sizes[:, 0].sum())

    def within(self, limit: float) -> NDArray[np.int64] | None:
        """Returns the vector of the widths bought, shape ``(d,)``; None where the lowest exceed the limit.

        Args:
            limit: most bytes of the whole configuration.
        """
        levels = climb_ladders(self._worth, self._sizes, limit - self._rest)
        return None if levels is None else self._fixed.with_bits(levels[None])[0]
