"""AutoQRA: evolution at low fidelity guided by importance, promotion by a surrogate, then local refinement."""

from dataclasses import replace
from functools import partial
from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from search.allocation.budget_repair import BudgetRepair
from search.contract.archive import Archive
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least
from search.models.predicted_objectives import MOST, predicted_objectives
from search.models.sklearn_gp import GaussianProcess, rbf_means
from search.moves.climbing import climb
from search.moves.fixed_choices import random_choices, rate_index
from search.moves.genes import cross, to_neighbours
from search.moves.scalarisation import tchebycheff
from search.moves.survival import survivors

_POWER: Final = 1.5
# Genes touched by one mutation, on average.
_TOUCHED: Final = 2.0


@final
class AutoQRA(AbstractSearcher):
    """Bits and ranks of a base that is not pruned, in two phases.

    1. Evolution: parents by non-dominated sorting and crowding, crossover unit by unit, mutation of a unit in
       proportion to its importance to the power 1.5, and repair of what is over the budget. A generation of
       ``population`` is run at the lowest known fidelity, and the ``promoted`` of them that a surrogate likes best
       at full fidelity.
    2. At most ``rounds`` rounds of ``promoted`` proposals each: expected improvement of random scalarisations, climbed
       around the front. Then phase 1 goes on from what is known.

    Where the problem has one fidelity, the surrogate alone screens a generation, and only the promoted are run.
    Departs from the code in that choices are those of the space, not {2, 4, 8} bits and ranks {4, 8, 16}, and in that
    full fidelity is a real training, where the code's default is the proxy plus noise.

    Args:
        setup: its knowledge holds ``sensitivities``; ``memory`` and ``budget`` make the repair, ``fidelities`` the low
            one.
        population: configurations of a generation, 2 or more.
        generations: before phase 2, 1 or more.
        promoted: configurations of a generation that are run in full, 1 or more and no more than the population.
        rounds: of phase 2, 0 or more.
        percent: pruning rate in percent, 0 to 99; the nearest in the space.
        with_importance: 1, or 0 to mutate all units alike and repair what saves most.
        with_low_fidelity: 1, or 0 to run full trainings only.
        with_promotion: 1, or 0 to promote any of a generation.
        with_repair: 1, or 0 to leave what is over the budget as it is.

    Raises:
        UserError: when an option is out of range or the knowledge holds no sensitivities.

    Source: AutoQRA, arXiv 2602.22268.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities",)
    uses: ClassVar[tuple[str, ...]] = ("memory", "fidelities")

    def __init__(
        self,
        setup: Setup,
        *,
        population: int = 40,
        generations: int = 12,
        promoted: int = 6,
        rounds: int = 3,
        percent: int = 0,
        with_importance: int = 1,
        with_low_fidelity: int = 1,
        with_promotion: int = 1,
        with_repair: int = 1,
    ) -> None:
        super().__init__(setup)
        require_at_least(population=(population, 2), generations=(generations, 1), rounds=(rounds, 0))
        if not 1 <= promoted <= population:
            raise UserError(f"{promoted} of {population} promoted", "1 to the whole population", "change promoted")
        space = self.space
        self._size, self._promoted = population, promoted
        self._generations, self._rounds = generations, rounds
        self._rate = rate_index(space, percent)
        importance = self.knowledge.damage(space)[:, 0] if with_importance else np.ones(space.units)
        weights = np.maximum(importance, 1e-12) ** _POWER
        self._chances = np.minimum(_TOUCHED * weights / weights.sum(), 1.0)
        repaired = self.knowledge if with_repair else replace(self.knowledge, budget=None)
        self._repair = BudgetRepair(space, repaired, importance)
        self._low = self.knowledge.fidelities[0] if with_low_fidelity else 1.0
        self._promotes = bool(with_promotion)
        self._cheap = Archive(space, self.objectives)

    def _learn_cheap(self, vectors: NDArray[np.int64], evaluation: Evaluation, at: float) -> None:
        if at == self._low:
            self._cheap.add(vectors, evaluation)

    @property
    def _place(self) -> tuple[int, int]:
        """Generations ended in all, and steps into the cycle of generations and rounds."""
        done = len(self._archive) // self._promoted
        cycles, step = divmod(done, self._generations + self._rounds)
        return cycles * self._generations + min(step, self._generations), step

    def _fidelity(self) -> float:
        ended, step = self._place
        screening = step < self._generations and len(self._cheap) < self._size * (1 + ended)
        return self._low if screening else 1.0

    def _propose(self, n: int) -> NDArray[np.int64]:
        if self._at < 1.0:
            return self._bred(self._cheap, n)
        if self._place[1] >= self._generations:
            return self._refined(n)
        if self._low < 1.0:
            generation = self._visited.new(self._cheap.vectors[-self._size :])
        else:
            generation = self._bred(self._archive, self._size)
        return generation[self._screened(generation, n)]

    def _bred(self, parents: Archive, n: int) -> NDArray[np.int64]:
        """Returns ``n`` repaired children, or random ones while there are no two parents, shape ``(n, d)``."""
        if len(parents) < 2:
            return self._repair(random_choices(self.space, n, self._rate, self._rng))
        kept = survivors(parents.told, self._size)
        first, second = self._rng.integers(len(kept), size=(2, 2, n)).min(axis=1)
        elite = parents.vectors[kept]
        return self._repair(self._mutated(cross(self.space, elite[first], elite[second], self._rng)))

    def _mutated(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        return to_neighbours(self.space, vectors, self._chances, self._rng)

    def _screened(self, generation: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        """Returns the rows that a surrogate, or low fidelity before there is one, likes best, shape ``(<= n,)``."""
        known = self._archive if len(self._archive) >= 2 else self._cheap
        if not self._promotes:
            return self._rng.permutation(len(generation))[:n]
        if len(known) < 2 or len(generation) == 0:
            return np.arange(min(n, len(generation)))
        return survivors(predicted_objectives(known, self.knowledge, rbf_means(self.space))(generation), n)

    def _refined(self, n: int) -> NDArray[np.int64]:
        kept = self._archive.remembered(MOST)
        vectors, told = self._archive.vectors[kept], self._archive.rows(kept)
        front = self._archive.vectors[self._archive.front()]
        chosen = np.empty((0, vectors.shape[1]), dtype=np.int64)
        for _ in range(n):
            values = tchebycheff(told, self._rng.dirichlet(np.ones(self.objectives)))
            process = GaussianProcess("matern52", self.space.levels, vectors, values)
            found = climb(
                self._repair(self._mutated(front[self._rng.integers(len(front), size=64)])),
                partial(process.improvement, best=float(values.min())),
                lambda rows: self._repair(self._mutated(rows)),
                self._visited.with_marked(chosen),
            )
            if found is not None:
                chosen = np.concatenate([chosen, found[None]])
        return chosen
