"""AutoMixQ: widths of 4 or 8 bits at one rate and one rank, by performance models and their Pareto set."""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.space import Space
from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.models.predicted_objectives import Predict, predicted_objectives
from search.moves.fixed_choices import rank_index, rate_index, with_bits
from search.moves.survival import survivors

_WIDTHS: Final = (4, 8)
_POOL: Final = 1000
_TREES: Final = 50


@final
class AutoMixQ(AbstractSearcher):
    """Widths of each unit, 4 or 8 bits, on a base pruned by one rate with one rank.

    The paper trains performance models on measured configurations and takes the Pareto set of what they predict, and
    so does this. In the released log every trial is of generation 0, before any model: the released search was a
    random draw of widths, which is what an ``initial`` beyond the number of trials gives.

    Departs from the paper in its models: a random forest for each objective.

    Args:
        space: the legal configurations; where it lacks 4 or 8 bits, its nearest width.
        objectives: number of objectives.
        seed: of everything random here.
        knowledge: ``memory`` is not modelled where it is there.
        initial: results awaited before the models are used, 2 or more.
        rank: of every unit; the nearest in the space.
        percent: pruning rate in percent; the nearest in the space.

    Raises:
        UserError: when an option is out of range.

    Source: AutoMixQ, arXiv 2411.13814.
    """

    def __init__(
        self,
        space: Space,
        objectives: int,
        seed: int,
        knowledge: Knowledge | None = None,
        *,
        initial: int = 16,
        rank: int = 8,
        percent: int = 30,
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        if initial < 2:
            raise UserError(f"{initial} initial results", "2 or more", "raise initial")
        self._initial = initial
        self._rank, self._rate = rank_index(space, rank), rate_index(space, percent)
        widths = np.log2(np.asarray(space.bits, dtype=np.float64))
        self._widths = np.unique([np.abs(widths - np.log2(width)).argmin() for width in _WIDTHS])
        self._archive = Archive(space, objectives)

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        self._archive.add(vectors, evaluation)

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            return self._drawn(2 * n)
        pool = self._unseen.fresh(self._drawn(_POOL))
        if len(pool) == 0:
            return pool
        predicted = predicted_objectives(self._archive, self.knowledge, self._forest)(pool)
        return pool[survivors(predicted, n)]

    def _drawn(self, n: int) -> NDArray[np.int64]:
        """Returns random widths; their share of 8 bits is even over the draws, so that bytes spread, ``(n, d)``."""
        high = self._rng.random((n, self.space.units)) < self._rng.random((n, 1))
        bits = self._widths[np.where(high, len(self._widths) - 1, 0)]
        return with_bits(self.space, bits, self._rate, self._rank)

    def _forest(self, vectors: NDArray[np.int64], values: NDArray[np.float64]) -> Predict:
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(_TREES, random_state=int(self._rng.integers(1 << 31))).fit(vectors, values)
        return lambda rows: np.asarray(forest.predict(rows), dtype=np.float64)
