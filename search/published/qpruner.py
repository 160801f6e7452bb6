"""QPruner: widths bought by mutual information, then Bayesian optimisation of the loss within the budget."""

from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.space import Space
from search.allocation.budget_levels import BudgetLevels
from search.allocation.byte_tables import byte_tables
from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.models.sklearn_gp import Process
from search.moves.climbing import climb
from search.moves.fixed_choices import rank_index, rate_index, with_bits
from search.moves.genes import to_neighbours
from search.moves.ladder_greedy import climb_ladders

_AROUND: Final = 64
_MEMORY: Final = 400


@final
class QPruner(AbstractSearcher):
    """Widths of each unit at one pruning rate and one rank.

    From the lowest width everywhere, the step with the largest MI log2(next / current) per added bit is bought until
    the budget is spent. Once ``initial`` results are told, a Gaussian process with a squared-exponential kernel on
    log2 of the widths models the loss, and expected improvement is climbed among what fits the budget.

    Departs from the paper in that one budget follows another, below the budget where there is one, so that a front
    appears; with one budget the method has one answer.

    Args:
        space: the legal configurations.
        objectives: number of objectives; the loss alone is modelled.
        seed: of everything random here.
        knowledge: with ``sensitivities`` and ``memory``.
        initial: results awaited before the first fit, 2 or more.
        rank: of every unit; the nearest in the space.
        percent: pruning rate in percent; the nearest in the space.
        with_information: 0 takes all units to be worth alike.

    Raises:
        UserError: when an option is out of range or the knowledge lacks sensitivities or memory.

    Source: QPruner, arXiv 2412.11629.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities", "memory")

    def __init__(
        self,
        space: Space,
        objectives: int,
        seed: int,
        knowledge: Knowledge | None = None,
        *,
        initial: int = 10,
        rank: int = 8,
        percent: int = 20,
        with_information: int = 1,
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        if initial < 2:
            raise UserError(f"{initial} initial results", "2 or more", "raise initial")
        assert self.knowledge.memory is not None
        assert self.knowledge.sensitivities is not None
        self._information = self.knowledge.sensitivities.information if with_information else np.ones(space.units)
        self._memory, self._initial = self.knowledge.memory, initial
        self._rank, self._rate = rank_index(space, rank), rate_index(space, percent)
        self._levels = BudgetLevels(space, self.knowledge, rank=self._rank, rate=self._rate)
        self._sizes = byte_tables(space, self._memory).bits[self._rate]
        self._chances = np.full(space.units, 1.5 / space.units)
        self._archive = Archive(space, objectives)

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        self._archive.add(vectors, evaluation)

    def _propose(self, n: int) -> NDArray[np.int64]:
        chosen = np.empty((0, 1 + 2 * self.space.units), dtype=np.int64)
        process = self._fitted() if len(self._archive) >= self._initial else None
        for _ in range(n):
            limit = next(self._levels)
            start = self._by_information(limit)
            met = self._unseen.with_marked(chosen)
            if process is None:
                pool = met.fresh(np.concatenate([start, self._within(self._around(start), limit)]))
                found = pool[0] if len(pool) else None
            else:
                found = self._climb(process, start, limit, chosen)
            if found is not None:
                chosen = np.concatenate([chosen, found[None]])
        return chosen

    def _by_information(self, limit: float) -> NDArray[np.int64]:
        """Returns the start for one budget, shape ``(1, d)``; the lowest widths where they already exceed it."""
        bits = np.asarray(self.space.bits, dtype=np.float64)
        per_bit = np.log2(bits[1:] / bits[:-1]) / np.diff(bits)
        worth = self._information[:, None] * per_bit
        lowest = with_bits(self.space, np.zeros((1, self.space.units), dtype=np.int64), self._rate, self._rank)
        rest = float(self._memory(lowest)[0]) - float(self._sizes[:, 0].sum())
        levels = climb_ladders(worth, self._sizes, limit - rest)
        return lowest if levels is None else with_bits(self.space, levels[None], self._rate, self._rank)

    def _fitted(self) -> Process:
        kept = self._archive.remembered(_MEMORY)
        losses = self._archive.objectives[kept, self.knowledge.loss_objective]
        return Process("rbf", self._inputs(self._archive.vectors[kept]), losses)

    def _climb(
        self, process: Process, start: NDArray[np.int64], limit: float, chosen: NDArray[np.int64]
    ) -> NDArray[np.int64] | None:
        fits = self._memory(self._archive.vectors) <= limit
        losses = self._archive.objectives[:, self.knowledge.loss_objective]
        incumbent = losses[fits].min() if fits.any() else losses.max()
        best = self._archive.vectors[fits][np.argsort(losses[fits], kind="stable")[:4]]
        best = best[(best[:, 0] == self._rate) & (best[:, 1 + self.space.units :] == self._rank).all(axis=1)]
        return climb(
            np.concatenate([start, self._within(self._around(np.concatenate([start, best])), limit)]),
            lambda rows: process.improvement(self._inputs(rows), float(incumbent)),
            lambda rows: self._within(self._around(rows), limit),
            self._unseen.with_marked(chosen),
        )

    def _around(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        many = np.repeat(vectors, -(-_AROUND // len(vectors)), axis=0)
        return to_neighbours(self.space, many, self._chances, self._rng, ranks_too=False)

    def _within(self, vectors: NDArray[np.int64], limit: float) -> NDArray[np.int64]:
        return vectors[self._memory(vectors) <= limit]

    def _inputs(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(np.log2(self.space.bits)[vectors[:, 1 : 1 + self.space.units]] / 4.0)
