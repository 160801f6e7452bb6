"""The uniform grid: one width and one rank everywhere, at every rate."""

import itertools
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.space import Space
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.moves.fixed_choices import rank_index, with_bits


@final
class UniformGrid(AbstractSearcher):
    """What people do today: 16-bit LoRA, QLoRA in 8, 4, 3 and 2 bits, then the rest of the grid in random order.

    Configurations over a known budget come last. When the grid is used up, stratified draws.

    Args:
        space: the legal configurations.
        objectives: number of objectives.
        seed: of the order.
        knowledge: ``memory`` and ``budget`` are used where they are there.
        rank: of the first ones, without pruning; the nearest in the space.

    Raises:
        UserError: when the rank is not above 0.

    Source: QLoRA, arXiv 2305.14314, for uniform choices.
    """

    def __init__(
        self, space: Space, objectives: int, seed: int, knowledge: Knowledge | None = None, *, rank: int = 16
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        usual = rank_index(space, rank)
        first = [(0, bits, usual) for bits in reversed(range(len(space.bits)))]
        adapted = range(int(space.ranks[0] == 0), len(space.ranks))
        every = itertools.product(range(len(space.pruning_rates)), range(len(space.bits)), adapted)
        rest = sorted(set(every) - set(first))
        order = first + [rest[position] for position in self._rng.permutation(len(rest))]
        grid = np.concatenate(
            [with_bits(space, np.full((1, space.units), bits), rate, ranks) for rate, bits, ranks in order]
        )
        known = self.knowledge
        if known.memory is not None and known.budget is not None:
            grid = grid[np.argsort(known.memory(grid) > known.budget, kind="stable")]
        self._grid = grid

    def _propose(self, n: int) -> NDArray[np.int64]:
        return self._unseen.fresh(self._grid)[:n]

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        """Results change nothing."""
