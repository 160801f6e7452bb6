"""Bayesian optimisation of fronts by qLogNEHVI: few evaluations, each dear.

Notation:
    n: evaluations told, all finite.
    d: dimensions of the space.
    q: configurations of one proposal, chosen one after another.
"""

from typing import Any, ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.sampling import sample
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least
from search.models.botorch_gp import acquisition, fit_processes
from search.models.targets import baseline, targets
from search.moves.climbing import Rate, climb_in_turn

_BASELINE: Final = 64


@final
class QLogNEHVI(AbstractSearcher):
    """The Bayesian searcher: real fine-tunes, in batches of at most about 8.

    Draws ``initial`` stratified configurations, then fits a Gaussian process to each objective (and to the
    violation, while some budget is broken) and climbs the acquisition value over the discrete space: from the best
    of stratified draws and of moves around the front, by ``search.moves.moves``. ``benchmarks/search_speed.py`` times
    it.

    Args:
        setup: of 2 to 4 objectives; its knowledge is not used.
        initial: results awaited before the first fit, 2 or more.
        memory: most results fitted to, no fewer than ``initial``: the front first, then the latest.

    Raises:
        UserError: when the number of objectives or ``initial`` is out of range.
    """

    largest_batch: ClassVar[int] = 4

    def __init__(self, setup: Setup, *, initial: int = 16, memory: int = 400) -> None:
        super().__init__(setup)
        require_few_objectives("qlognehvi", setup)
        require_at_least(initial=(initial, 2), memory=(memory, initial))
        self._initial, self._memory = initial, memory
        self._starts: list[dict[str, Any]] = []

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            return sample(self.space, n, self._rng)
        kept = self._archive.remembered(self._memory)
        inputs = self.space.levels(self._archive.vectors[kept])
        goal = targets(self._archive.rows(kept))
        model, self._starts = fit_processes(inputs, goal.values, self._starts)
        front = inputs[baseline(goal, _BASELINE)]

        def scored(chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], Rate]:
            seed = int(self._rng.integers(1 << 31))
            value = acquisition(model, goal, front, self.space.levels(chosen), seed)
            return self._archive.vectors[self._archive.front()], lambda vectors: value(self.space.levels(vectors))

        return climb_in_turn(self.space, n, scored, self._visited, self._rng)


def require_few_objectives(name: str, setup: Setup) -> None:
    """Checks that there are 2 to 4 objectives, which hypervolumes of Gaussian processes are sampled for.

    Args:
        name: of the searcher.
        setup: its objectives.

    Raises:
        UserError: when there are fewer or more.
    """
    if not 2 <= setup.objectives <= 4:
        raise UserError(f"{name} of {setup.objectives} objectives", "2 to 4", "choose other objectives, or nsga2")
