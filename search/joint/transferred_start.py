"""Where a search starts when other tasks are known: on the front of the loss that they predict and of known memory.

What pruning, bits and adapters do to a model is much the same from task to task, up to scale: a front that other tasks'
traces predict is nearly one of the new task, and costs no fine-tune of it.
"""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.metrics import LOSS, PEAK
from perfmodel.space.space import Space
from search.contract.knowledge import Knowledge
from search.contract.loop import run
from search.contract.pareto import non_dominated, spread
from search.contract.problem import SurrogateProblem
from search.contract.setup import Setup
from search.contract.start_points import AbstractStart
from search.general.nsga2 import NSGA2

_EVALUATIONS: Final = 3000
_POPULATION: Final = 100
_START: Final = 8


@final
class TransferredStart(AbstractStart):
    """Points of the predicted front, spread along the memory.

    Args:
        space: the legal configurations.
        knowledge: with ``prior`` and ``memory``.
        seed: of the search for the front.
    """

    def __init__(self, space: Space, knowledge: Knowledge, seed: int) -> None:
        self._space, self._knowledge, self._seed = space, knowledge, seed

    def _found(self) -> NDArray[np.int64]:
        prior, memory = self._knowledge.prior, self._knowledge.memory
        assert prior is not None
        assert memory is not None

        def told(vectors: NDArray[np.int64]) -> NDArray[np.float64]:
            return np.column_stack([prior(vectors), memory(vectors)])

        budget = {} if self._knowledge.budget is None else {PEAK: self._knowledge.budget}
        problem = SurrogateProblem(self._space, (LOSS, PEAK), told, budget=budget)
        searched = run(
            NSGA2(Setup(self._space, 2, self._seed), population=_POPULATION), problem, _EVALUATIONS, _POPULATION
        )
        front = non_dominated(searched.objectives, searched.violations)
        vectors, values = searched.vectors[front], searched.objectives[front]
        return np.asarray(vectors[spread(values[:, 1:], _START, 0)] if len(vectors) else vectors)
