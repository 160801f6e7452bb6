"""The uniform grid: one width and one rank everywhere, at every rate."""

import itertools
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup
from search.moves.fixed_choices import FixedChoices, rank_index


@final
class UniformGrid(AbstractSearcher):
    """What people do today: 16-bit LoRA, QLoRA in 8, 4, 3 and 2 bits, then the rest of the grid in random order.

    Configurations over a known budget come last. When the grid is used up, stratified draws.

    Args:
        setup: ``memory`` and ``budget`` of its knowledge are used where they are known.
        rank: of the first ones, which are not pruned, 1 or more; the nearest in the space.

    Raises:
        UserError: when the rank is not above 0.

    Source: QLoRA, arXiv 2305.14314, for uniform choices.
    """

    uses: ClassVar[tuple[str, ...]] = ("memory",)

    def __init__(self, setup: Setup, *, rank: int = 16) -> None:
        super().__init__(setup)
        space, known = self.space, self.knowledge
        usual = rank_index(space, rank)
        first = [(0, bits, usual) for bits in reversed(range(len(space.bits)))]
        adapted = range(int(space.ranks[0] == 0), len(space.ranks))
        every = itertools.product(range(len(space.pruning_rates)), range(len(space.bits)), adapted)
        rest = sorted(set(every) - set(first))
        order = first + [rest[position] for position in self._rng.permutation(len(rest))]
        grid = np.concatenate(
            [FixedChoices(space, rate, ranks).with_bits(np.full((1, space.units), bits)) for rate, bits, ranks in order]
        )
        if known.memory is not None and known.budget is not None:
            grid = grid[np.argsort(known.memory(grid) > known.budget, kind="stable")]
        self._grid = grid

    def _propose(self, n: int) -> NDArray[np.int64]:
        return self._visited.new(self._grid)[:n]
