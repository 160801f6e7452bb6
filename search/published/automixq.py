"""AutoMixQ: 4 or 8 bits in the pruned layers at one rate and one rank, by performance models and their Pareto set."""

from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.model.architecture import KEPT_FIRST, KEPT_LAST
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least
from search.models.predicted_objectives import Predict, predicted_objectives
from search.moves.fixed_choices import FixedChoices
from search.moves.survival import survivors

_WIDTHS: Final = (4, 8)
_POOL: Final = 1000
_TREES: Final = 50


@final
class AutoMixQ(AbstractSearcher):
    """Widths of each pruned layer, 4 or 8 bits, on a base pruned by one rate with one rank.

    The first four and the last two layers, which are not pruned, stay in 16 bits, as embeddings and head do everywhere.

    The paper trains performance models on measured configurations and takes the Pareto set of what they predict, and
    so does this. In the released log every trial is of generation 0, before any model: the released search was a
    random draw of widths, which is what an ``initial`` beyond the number of trials gives.

    Departs from the paper in its models: a random forest for each objective.

    Args:
        setup: where its space lacks 4, 8 or 16 bits, the nearest width stands in; ``memory`` is not modelled where it
            is known.
        initial: results awaited before the models are used, 2 or more.
        rank: of every unit, 1 or more; the nearest in the space.
        percent: pruning rate in percent, 0 to 99; the nearest in the space.
        modules: units of one layer, 1 or more; 1 where layers are the units.

    Raises:
        UserError: when an option is out of range.

    Source: AutoMixQ, arXiv 2411.13814.
    """

    uses: ClassVar[tuple[str, ...]] = ("memory",)

    def __init__(self, setup: Setup, *, initial: int = 16, rank: int = 8, percent: int = 30, modules: int = 1) -> None:
        super().__init__(setup)
        require_at_least(initial=(initial, 2), modules=(modules, 1))
        self._initial = initial
        self._fixed = FixedChoices.nearest(self.space, rank=rank, percent=percent)
        widths = np.log2(np.asarray(self.space.bits, dtype=np.float64))
        layer = np.arange(self.space.units) // modules
        self._whole = (layer < KEPT_FIRST) | (layer >= self.space.units // modules - KEPT_LAST)
        self._widths = np.unique([np.abs(widths - np.log2(width)).argmin() for width in _WIDTHS])

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            return self._drawn(2 * n)
        pool = self._visited.new(self._drawn(_POOL))
        if len(pool) == 0:
            return pool
        predicted = predicted_objectives(self._archive, self.knowledge, self._forest)(pool)
        return pool[survivors(predicted, n)]

    def _drawn(self, n: int) -> NDArray[np.int64]:
        """Returns random widths; their share of 8 bits is even over the draws, so that bytes spread, ``(n, d)``."""
        high = self._rng.random((n, self.space.units)) < self._rng.random((n, 1))
        bits = self._widths[np.where(high, len(self._widths) - 1, 0)]
        return self._fixed.with_bits(np.where(self._whole, len(self.space.bits) - 1, bits))

    def _forest(self, vectors: NDArray[np.int64], values: NDArray[np.float64]) -> Predict:
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(_TREES, random_state=int(self._rng.integers(1 << 31))).fit(vectors, values)
        return lambda rows: np.asarray(forest.predict(rows), dtype=np.float64)
