"""QPruner: widths bought by mutual information, then Bayesian optimisation of the loss within the budget.

Notation:
    n: vectors.
    U, B: units and widths of the space.
    d: dimensions of the space, ``1 + 2 U``.
"""

from functools import partial
from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from search.allocation.budget_levels import BudgetLevels
from search.allocation.byte_tables import byte_tables
from search.allocation.ladder_greedy import WidthLadders
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least
from search.models.predicted_objectives import MOST
from search.models.sklearn_gp import GaussianProcess
from search.moves.climbing import climb
from search.moves.fixed_choices import FixedChoices
from search.moves.genes import to_neighbours

_AROUND: Final = 64


@final
class QPruner(AbstractSearcher):
    """Widths of each unit at one pruning rate and one rank.

    From the lowest width everywhere, the step with the largest MI log2(next / current) per added bit is bought until
    the budget is spent. Once ``initial`` results are told, a Gaussian process with a squared-exponential kernel on
    log2 of the widths models the loss, and expected improvement is climbed among what fits the budget.

    Departs from the paper in that one budget follows another, below the budget where there is one, so that a front
    appears; with one budget the method has one answer.

    Args:
        setup: its knowledge holds ``sensitivities`` and ``memory``; of the objectives the loss alone is modelled.
        initial: results awaited before the first fit, 2 or more.
        rank: of every unit, 1 or more; the nearest in the space.
        percent: pruning rate in percent, 0 to 99; the nearest in the space.
        with_information: 1, or 0 to take all units to be worth alike.

    Raises:
        UserError: when an option is out of range or the knowledge lacks sensitivities or memory.

    Source: QPruner, arXiv 2412.11629.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities", "memory")

    def __init__(
        self, setup: Setup, *, initial: int = 10, rank: int = 8, percent: int = 20, with_information: int = 1
    ) -> None:
        super().__init__(setup)
        require_at_least(initial=(initial, 2))
        space, memory, sensitivities = self.space, self.knowledge.memory, self.knowledge.sensitivities
        assert memory is not None
        assert sensitivities is not None
        self._memory, self._initial = memory, initial
        self._fixed = fixed = FixedChoices.nearest(space, rank=rank, percent=percent)
        self._levels = BudgetLevels(space, self.knowledge, rank=fixed.rank, rate=fixed.rate)
        information = sensitivities.information if with_information else np.ones(space.units)
        bits = np.asarray(space.bits, dtype=np.float64)
        worth = information[:, None] * (np.log2(bits[1:] / bits[:-1]) / np.diff(bits))
        self._ladders = WidthLadders(fixed, memory, byte_tables(space, memory).bits[fixed.rate], worth)
        self._chances = np.full(space.units, 1.5 / space.units)

    def _propose(self, n: int) -> NDArray[np.int64]:
        chosen = np.empty((0, 1 + 2 * self.space.units), dtype=np.int64)
        process = self._fitted() if len(self._archive) >= self._initial else None
        for _ in range(n):
            limit = next(self._levels)
            bought = self._ladders.within(limit)
            start = (self._ladders.lowest if bought is None else bought)[None]
            visited = self._visited.with_marked(chosen)
            if process is None:
                pool = visited.new(np.concatenate([start, self._within(limit, self._around(start))]))
                found = pool[0] if len(pool) else None
            else:
                best = np.concatenate([start, self._best(limit)])
                found = climb(
                    np.concatenate([start, self._within(limit, self._around(best))]),
                    partial(process.improvement, best=self._incumbent(limit)),
                    lambda rows, limit=limit: self._within(limit, self._around(rows)),  # type: ignore[misc]  # a default binds the loop's limit
                    visited,
                )
            if found is not None:
                chosen = np.concatenate([chosen, found[None]])
        return chosen

    def _fitted(self) -> GaussianProcess:
        kept = self._archive.remembered(MOST)
        return GaussianProcess("rbf", self._columns, self._archive.vectors[kept], self._losses[kept])

    def _incumbent(self, limit: float) -> float:
        """Returns the least loss told within a limit of bytes; the worst of all where nothing told fits."""
        fits = self._memory(self._archive.vectors) <= limit
        return float(self._losses[fits].min() if fits.any() else self._losses.max())

    def _best(self, limit: float) -> NDArray[np.int64]:
        """Returns the told vectors of this rate and rank among the four of least loss within a limit, ``(<= 4, d)``."""
        fits = self._memory(self._archive.vectors) <= limit
        best = self._archive.vectors[fits][np.argsort(self._losses[fits], kind="stable")[:4]]
        return best[self._fixed.hold(best)]

    def _around(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        many = np.repeat(vectors, -(-_AROUND // len(vectors)), axis=0)
        return to_neighbours(self.space, many, self._chances, self._rng, ranks_too=False)

    def _within(self, limit: float, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        return vectors[self._memory(vectors) <= limit]

    def _columns(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns log2 of the widths over 4, in [0, 1], shape ``(n, U)``."""
        return np.asarray(np.log2(self.space.bits)[vectors[:, 1 : 1 + self.space.units]] / 4.0)
