"""AutoQRA: a start and evolution by importance at low fidelity, promotion by a surrogate, then local refinement.

Notation:
    n: vectors.
    d: dimensions of the space.
"""

from dataclasses import replace
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
from search.moves.fixed_choices import random_choices, rate_index
from search.moves.genes import by_importance, cross, one_edits, to_neighbours
from search.moves.scalarisation import tchebycheff
from search.moves.survival import survivors

_POWER: Final = 1.5
# Genes touched by one mutation, on average, and how often bits and rank of one move at once.
_TOUCHED: Final = 2.0
_COUPLED: Final = 0.3
# The expected improvement, over the deviation of what was told, below which the refinement ends.
_SMALL: Final = 1e-3


@final
class AutoQRA(AbstractSearcher):
    """Bits and ranks of a base that is not pruned, in three phases.

    1. Start: the bits of each unit by its KL and the ranks by its gradient's norm, and copies with random edits.
    2. Evolution: parents by non-dominated sorting and crowding, crossover unit by unit, mutation of a unit in
       proportion to its importance to the power 1.5, bits and rank at once in 30 % of them, and repair of what is
       over the budget. A generation of ``population`` is run at the lowest known fidelity, and the ``promoted`` of
       them that a surrogate likes best at full fidelity. The surrogate sees the loss at low fidelity, the memory, and
       bits and ranks weighted by importance.
    3. At most ``rounds`` rounds of ``promoted`` proposals each, one edit away from the front, by the expected
       improvement of random scalarisations, while it is not small. Then phase 2 goes on from what is known.

    Where the problem has one fidelity, the surrogate alone screens a generation, and only the promoted are run.
    Departs from the code in that choices are those of the space, not {2, 4, 8} bits and ranks {4, 8, 16}; in that
    full fidelity is a real training, where the code's default is the proxy plus noise; and in its generations, 3 and
    not 12, so that phase 3 begins within 80 fine-tunes where one at low fidelity costs half.

    Args:
        setup: its knowledge holds ``sensitivities``; ``memory`` and ``budget`` make the repair, ``fidelities`` the low
            one.
        population: configurations of a generation, 2 or more.
        generations: before phase 3, 1 or more.
        promoted: configurations of a generation that are run in full, 1 or more and no more than the population.
        rounds: of phase 3, 0 or more.
        percent: pruning rate in percent, 0 to 99; the nearest in the space.
        with_importance: 1, or 0 to start and mutate with all units alike and repair what saves most.
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
        generations: int = 3,
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
        known = self.knowledge.sensitivities
        assert known is not None
        importance, of_ranks = self.knowledge.damage(space)[:, 0], known.gradient_norm
        if not with_importance:
            importance = of_ranks = np.ones(space.units)
        self._start = by_importance(space, self._rate, importance, of_ranks)
        self._importance = np.maximum(importance, 1e-12) / np.maximum(importance, 1e-12).sum()
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
            refined = self._refined(n)
            return refined if len(refined) else self._bred(self._archive, n)
        if self._low == 1.0:
            generation = self._bred(self._archive, self._size)
            return generation[self._screened(generation, n)]
        return self._promotions(n)

    def _bred(self, parents: Archive, n: int) -> NDArray[np.int64]:
        """Returns ``n`` repaired children, or the start and edits of it while there are no parents, ``(any, d)``."""
        if len(parents) < (self._size if parents is self._cheap else 2):
            return self._repair(np.concatenate([self._start, self._edited(n)]))
        kept = survivors(parents.told, self._size)
        first, second = self._rng.integers(len(kept), size=(2, 2, n)).min(axis=1)
        elite = parents.vectors[kept]
        return self._repair(self._mutated(cross(self.space, elite[first], elite[second], self._rng)))

    def _edited(self, n: int) -> NDArray[np.int64]:
        """Returns copies of the start with few or many units drawn anew, shape ``(n, d)``."""
        drawn = random_choices(self.space, n, self._rate, self._rng)
        anew = self._rng.random((n, drawn.shape[1])) < self._rng.random((n, 1))
        return np.where(anew, drawn, self._start)

    def _mutated(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        return to_neighbours(self.space, vectors, self._chances, self._rng, coupled=_COUPLED)

    def _screened(self, generation: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        """Returns the rows that a surrogate of the space's dimensions likes best, shape ``(<= n,)``."""
        if not self._promotes:
            return self._rng.permutation(len(generation))[:n]
        if len(self._archive) < 2:
            return np.arange(min(n, len(generation)))
        return survivors(predicted_objectives(self._archive, self.knowledge, rbf_means(self.space))(generation), n)

    def _promotions(self, n: int) -> NDArray[np.int64]:
        """Returns those of the latest generation at low fidelity that promise most in full, shape ``(<= n, d)``."""
        rows = {vector.tobytes(): row for row, vector in enumerate(self._cheap.vectors)}
        generation = self._visited.new(self._cheap.vectors[-self._size :])
        kept = np.asarray([rows[vector.tobytes()] for vector in generation], dtype=np.int64)
        if not self._promotes:
            return self._rng.permutation(generation)[:n]
        told = self._cheap.rows(kept)
        pairs = [row for row, vector in enumerate(self._archive.vectors) if vector.tobytes() in rows]
        if len(pairs) >= 2 and len(kept):
            column = self.knowledge.loss_objective
            low = self._cheap.told.objectives[:, column]

            def columns(vectors: NDArray[np.int64]) -> NDArray[np.float64]:
                paid = low[[rows[vector.tobytes()] for vector in vectors]]
                return np.column_stack([(paid - low.min()) / (float(np.ptp(low)) or 1.0), self._coverage(vectors)])

            process = GaussianProcess("rbf", columns, self._archive.vectors[pairs], self._losses[pairs])
            told.objectives[:, column] = process.mean(generation)
        return generation[survivors(told, n)]

    def _coverage(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns levels of bits and of ranks weighted by importance, and memory where it is known, each in [0, 1]."""
        levels, units = self.space.levels(vectors), self.space.units
        columns = [levels[:, 1 : 1 + units] @ self._importance, levels[:, 1 + units :] @ self._importance]
        if self.knowledge.memory is not None:
            largest = self.knowledge.memory((self.space.cardinalities - 1)[None])
            columns.append(self.knowledge.memory(vectors) / largest)
        return np.column_stack(columns)

    def _refined(self, n: int) -> NDArray[np.int64]:
        kept = self._archive.remembered(MOST)
        vectors, told = self._archive.vectors[kept], self._archive.rows(kept)
        near = self._repair(one_edits(self.space, self._archive.vectors[self._archive.front()]))
        chosen = np.empty((0, vectors.shape[1]), dtype=np.int64)
        for _ in range(n):
            values = tchebycheff(told, self._rng.dirichlet(np.ones(self.objectives)))
            process = GaussianProcess("matern52", self.space.levels, vectors, values)
            new = self._visited.with_marked(chosen).new(near)
            gains = process.improvement(new, float(values.min())) if len(new) else np.zeros(1)
            if gains.max() > _SMALL * values.std():
                chosen = np.concatenate([chosen, new[[gains.argmax()]]])
        return chosen
