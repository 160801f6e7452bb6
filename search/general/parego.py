"""ParEGO: one Gaussian process on a scalarisation whose weights are drawn anew for every proposal."""

from functools import partial
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import sample
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least
from search.models.predicted_objectives import MOST
from search.models.sklearn_gp import GaussianProcess
from search.moves.climbing import Rate, climb_in_turn
from search.moves.scalarisation import tchebycheff


@final
class ParEGO(AbstractSearcher):
    """The classic of expensive multi-objective optimisation.

    Each proposal draws weights, turns every result into its augmented Tchebycheff value, fits a Gaussian process and
    climbs the expected improvement. Results that break the budget count as worse than all others.

    Departs from the paper in its moves (``search.moves.moves`` instead of a real-coded evolution), in weights drawn
    evenly over the simplex instead of from a lattice, and in that a batch takes as many weights as it has places.

    Args:
        setup: its knowledge is not used.
        initial: results awaited before the first fit, 2 or more.

    Raises:
        UserError: when ``initial`` is too small.

    Source: Knowles 2006, IEEE Transactions on Evolutionary Computation 10:50.
    """

    def __init__(self, setup: Setup, *, initial: int = 16) -> None:
        super().__init__(setup)
        require_at_least(initial=(initial, 2))
        self._initial = initial

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            return sample(self.space, n, self._rng)
        kept = self._archive.remembered(MOST)
        vectors, told = self._archive.vectors[kept], self._archive.rows(kept)

        def scored(_: NDArray[np.int64]) -> tuple[NDArray[np.int64], Rate]:
            values = tchebycheff(told, self._rng.dirichlet(np.ones(self.objectives)))
            process = GaussianProcess("rbf", self.space.levels, vectors, values)
            improvement = partial(process.improvement, best=float(values.min()))
            return vectors[np.argsort(values, kind="stable")[:8]], improvement

        return climb_in_turn(self.space, n, scored, self._visited, self._rng)
