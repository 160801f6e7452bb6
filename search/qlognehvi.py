"""Bayesian optimisation of fronts by qLogNEHVI: few evaluations, each dear.

Notation:
    n: evaluations told, all finite.
    d: dimensions of the space.
    q: configurations of one proposal, chosen one after another.
"""

from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.sampling import sample
from perfmodel.space import Space
from search.gaussian_process import Score, fit, scorer
from search.moves import move
from search.pareto import non_dominated
from search.problem import Evaluation
from search.searcher import AbstractSearcher
from search.targets import baseline, targets
from search.unseen import every, size

# A space of at most this many configurations is scored as a whole.
_LISTED: Final = 2048
_STRATIFIED: Final = 128
_FROM_FRONT: Final = 128
_CLIMBERS: Final = 2
_TRIES: Final = 32
_STEPS: Final = 8
_BASELINE: Final = 64


@final
class QLogNEHVI(AbstractSearcher):
    """The Bayesian searcher: real fine-tunes, in batches of at most about 8.

    Draws ``initial`` stratified configurations, then fits a Gaussian process to each objective (and to the
    violation, while some budget is broken) and climbs the acquisition value over the discrete space: from the best
    of stratified draws and of moves around the front, by ``search.moves``. ``benchmarks/search_speed.py`` times it.

    Args:
        space: the legal configurations.
        objectives: 2 to 4 objectives.
        seed: of everything random here.
        initial: results awaited before the first fit, 2 or more.
        memory: most results fitted to: the front first, then the latest.

    Raises:
        UserError: when the number of objectives or ``initial`` is out of range.
    """

    def __init__(self, space: Space, objectives: int, seed: int, *, initial: int = 16, memory: int = 400) -> None:
        super().__init__(space, objectives, seed)
        if not 2 <= objectives <= 4 or initial < 2 or memory < initial:
            raise UserError(
                f"qlognehvi of {objectives} objectives, {initial} initial results, {memory} remembered",
                "2 to 4 objectives, 2 or more initial results, no fewer remembered",
                "choose other objectives, or nsga2",
            )
        self._initial, self._memory = initial, memory
        self._vectors = np.empty((0, 1 + 2 * space.units), dtype=np.int64)
        self._told = Evaluation(np.empty((0, objectives)), np.empty(0))
        self._starts: list[dict[str, Any]] = []

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        self._vectors = np.concatenate([self._vectors, vectors])
        self._told = Evaluation(
            np.concatenate([self._told.objectives, evaluation.objectives]),
            np.concatenate([self._told.violations, evaluation.violations]),
        )

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._vectors) < self._initial:
            return sample(self.space, n, self._rng)
        kept = self._remembered()
        inputs = self._scaled(self._vectors[kept])
        goal = targets(Evaluation(self._told.objectives[kept], self._told.violations[kept]))
        model, self._starts = fit(inputs, goal.values, self._starts)
        front = inputs[baseline(goal, _BASELINE)]
        chosen = np.empty((0, self._vectors.shape[1]), dtype=np.int64)
        for _ in range(n):
            seed = int(self._rng.integers(1 << 31))
            best = self._climb(scorer(model, goal, front, self._scaled(chosen), seed), chosen)
            if best is None:
                break
            chosen = np.concatenate([chosen, best[None]])
        return chosen

    def _remembered(self) -> NDArray[np.int64]:
        """Returns rows to fit to, at most ``memory``, shape ``(<= n,)``: the front's, then the latest."""
        front = non_dominated(self._told.objectives, self._told.violations)
        order = np.lexsort((np.arange(len(front)), front))
        return np.sort(order[-self._memory :])

    def _scaled(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray(vectors / np.maximum(self.space.cardinalities - 1, 1))

    def _pool(self) -> NDArray[np.int64]:
        """Returns where to start climbing, shape ``(any, d)``."""
        if size(self.space) <= _LISTED:
            return every(self.space)
        front = self._vectors[non_dominated(self._told.objectives, self._told.violations)]
        if len(front) == 0:
            front = self._vectors[np.argsort(self._told.violations, kind="stable")[: self._initial]]
        parents = front[self._rng.integers(len(front), size=_FROM_FRONT)]
        return np.concatenate([sample(self.space, _STRATIFIED, self._rng), move(self.space, parents, self._rng)])

    def _climb(self, score: Score, chosen: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Returns the best vector found that is neither met nor chosen, shape ``(d,)``, or None where none is left."""
        met = self._unseen.with_marked(chosen)
        vectors = met.fresh(self._pool())
        if len(vectors) == 0:
            return None
        values = score(self._scaled(vectors))
        top = np.argsort(-values, kind="stable")[:_CLIMBERS]
        vectors, values = vectors[top], values[top]
        for _ in range(_STEPS if size(self.space) > _LISTED else 0):
            around = met.fresh(move(self.space, np.repeat(vectors, _TRIES, axis=0), self._rng))
            around = np.concatenate([vectors, around])
            values = np.concatenate([values, score(self._scaled(around[len(vectors) :]))])
            top = np.argsort(-values, kind="stable")[:_CLIMBERS]
            vectors, values = around[top], values[top]
        return np.asarray(vectors[0])
