"""QR-Adaptor: a start from sensitivities, a small genetic search, then Bayesian optimisation of a weighted sum.

Notation:
    n: vectors.
    U: units of the space; ``d = 1 + 2 U`` dimensions.
"""

from functools import partial
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from search.allocation.budget_repair import BudgetRepair
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least
from search.models.sklearn_gp import GaussianProcess
from search.moves.climbing import climb
from search.moves.fixed_choices import random_choices, rate_index
from search.moves.genes import by_importance, cross, to_neighbours
from search.moves.scalarisation import weighted_sum
from search.moves.survival import survivors


@final
class QRAdaptor(AbstractSearcher):
    """Three stages over bits and ranks of a base that is not pruned.

    1. The KL of each unit alone at the lowest width, scaled to [0, 1] between the least and the largest, is mapped to
       the ladder of widths and, apart from it, to the ladder of ranks. The rest of the first population are neighbours
       of that start.
    2. PRGA: crossover unit by unit with (bits, rank) as one gene, mutation to neighbouring choices only, and elitism
       by non-dominated sorting and crowding, for ``generations``.
    3. A Gaussian process with a Matérn 5/2 kernel on the weighted sum of the objectives; expected improvement is
       climbed by the same mutation.

    What is over a known budget of memory is repaired before it is proposed. Departs from the code in that choices are
    those of the space, not {2, 4, 8} bits and ranks {4, 8, 16}.

    Args:
        setup: its knowledge holds ``sensitivities``; ``memory`` and ``budget`` make the repair.
        population: configurations of a generation of stage 2, 2 or more.
        generations: of stage 2, the first population not counted, 0 or more.
        loss_percent: weight of the loss in stage 3, 0 to 100; the other objectives share the rest.
        percent: pruning rate in percent, 0 to 99; the nearest in the space.
        with_start: 1, or 0 to draw the first population at random.

    Raises:
        UserError: when an option is out of range or the knowledge holds no sensitivities.

    Source: QR-Adaptor, arXiv 2505.03802.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities",)
    uses: ClassVar[tuple[str, ...]] = ("memory",)

    def __init__(
        self,
        setup: Setup,
        *,
        population: int = 5,
        generations: int = 5,
        loss_percent: int = 50,
        percent: int = 0,
        with_start: int = 1,
    ) -> None:
        super().__init__(setup)
        require_at_least(population=(population, 2), generations=(generations, 0), loss_percent=(loss_percent, 0))
        if loss_percent > 100:
            raise UserError(f"option loss_percent is {loss_percent}", "0 to 100", "lower loss_percent")
        self._size = population
        self._evolved = population * (1 + generations)
        others = (1 - loss_percent / 100) / max(1, self.objectives - 1)
        self._weights = np.full(self.objectives, others)
        self._weights[self.knowledge.loss_objective] = loss_percent / 100 if self.objectives > 1 else 1.0
        self._chances = np.full(self.space.units, 1 / self.space.units)
        self._rate = rate_index(self.space, percent)
        importance = self.knowledge.damage(self.space)[:, 0]
        self._repair = BudgetRepair(self.space, self.knowledge, importance)
        start = self._repair(by_importance(self.space, self._rate, importance, importance))
        self._start = start[: 1 if with_start else 0]

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._size and len(self._start) == 0:
            return self._repair(random_choices(self.space, n, self._rate, self._rng))
        if len(self._archive) < self._size:
            return np.concatenate([self._start, self._mutated(np.repeat(self._start, n, axis=0))])
        if len(self._archive) < self._evolved:
            return self._bred(n)
        return self._improved(n)

    def _mutated(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        return self._repair(to_neighbours(self.space, vectors, self._chances, self._rng))

    def _bred(self, n: int) -> NDArray[np.int64]:
        kept = survivors(self._archive.told, self._size)
        # Positions run from the best to the worst, so the smaller of two draws is a binary tournament.
        first, second = self._rng.integers(len(kept), size=(2, 2, n)).min(axis=1)
        parents = self._archive.vectors[kept]
        return self._mutated(cross(self.space, parents[first], parents[second], self._rng))

    def _improved(self, n: int) -> NDArray[np.int64]:
        """Returns the climbed proposals of stage 3, shape ``(<= n, d)``; earlier ones count as their expected value."""
        vectors = self._archive.vectors
        values = weighted_sum(self._archive.told, self._weights)
        for _ in range(n):
            process = GaussianProcess("matern52", self.space.levels, vectors, values)
            best = vectors[np.argsort(values, kind="stable")[: self._size]]
            found = climb(
                self._mutated(np.repeat(best, 32, axis=0)),
                partial(process.improvement, best=float(values.min())),
                self._mutated,
                self._visited.with_marked(vectors),
            )
            if found is None:
                break
            vectors = np.concatenate([vectors, found[None]])
            values = np.concatenate([values, process.mean(found[None])])
        return vectors[len(self._archive) :]
