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
from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.models.botorch_gp import Score, fit, scorer
from search.models.sklearn_gp import unit_scaled
from search.models.targets import baseline, targets
from search.moves.climbing import climb_space

_BASELINE: Final = 64


@final
class QLogNEHVI(AbstractSearcher):
    """The Bayesian searcher: real fine-tunes, in batches of at most about 8.

    Draws ``initial`` stratified configurations, then fits a Gaussian process to each objective (and to the
    violation, while some budget is broken) and climbs the acquisition value over the discrete space: from the best
    of stratified draws and of moves around the front, by ``search.moves.moves``. ``benchmarks/search_speed.py`` times
    it.

    Args:
        space: the legal configurations.
        objectives: 2 to 4 objectives.
        seed: of everything random here.
        knowledge: not used here.
        initial: results awaited before the first fit, 2 or more.
        memory: most results fitted to: the front first, then the latest.

    Raises:
        UserError: when the number of objectives or ``initial`` is out of range.
    """

    def __init__(
        self,
        space: Space,
        objectives: int,
        seed: int,
        knowledge: Knowledge | None = None,
        *,
        initial: int = 16,
        memory: int = 400,
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        if not 2 <= objectives <= 4 or initial < 2 or memory < initial:
            raise UserError(
                f"qlognehvi of {objectives} objectives, {initial} initial results, {memory} remembered",
                "2 to 4 objectives, 2 or more initial results, no fewer remembered",
                "choose other objectives, or nsga2",
            )
        self._initial, self._memory = initial, memory
        self._archive = Archive(space, objectives)
        self._starts: list[dict[str, Any]] = []

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        self._archive.add(vectors, evaluation)

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            return sample(self.space, n, self._rng)
        kept = self._archive.remembered(self._memory)
        inputs = self._scaled(self._archive.vectors[kept])
        goal = targets(self._archive.rows(kept))
        model, self._starts = fit(inputs, goal.values, self._starts)
        front = inputs[baseline(goal, _BASELINE)]
        chosen = np.empty((0, inputs.shape[1]), dtype=np.int64)
        for _ in range(n):
            seed = int(self._rng.integers(1 << 31))
            best = self._climb(scorer(model, goal, front, self._scaled(chosen), seed), chosen)
            if best is None:
                break
            chosen = np.concatenate([chosen, best[None]])
        return chosen

    def _scaled(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        return unit_scaled(vectors, self.space.cardinalities)

    def _climb(self, score: Score, chosen: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Returns the best vector found that is neither met nor chosen, shape ``(d,)``, or None where none is left."""
        return climb_space(
            self.space,
            self._archive.vectors[self._archive.front()],
            lambda vectors: score(self._scaled(vectors)),
            self._unseen.with_marked(chosen),
            self._rng,
        )
