"""ParEGO: one Gaussian process on a scalarisation whose weights are drawn anew for every proposal."""

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.models.sklearn_gp import Process, unit_scaled
from search.moves.climbing import climb_space
from search.moves.scalarisation import tchebycheff

_MEMORY: Final = 400


@final
class ParEGO(AbstractSearcher):
    """The classic of expensive multi-objective optimisation.

    Each proposal draws weights, turns every result into its augmented Tchebycheff value, fits a Gaussian process and
    climbs the expected improvement. Results that break the budget count as worse than all others.

    Departs from the paper in its moves (``search.moves.moves`` instead of a real-coded evolution), in weights drawn
    evenly over the simplex instead of from a lattice, and in that a batch takes as many weights as it has places.

    Args:
        space: the legal configurations.
        objectives: number of objectives.
        seed: of everything random here.
        knowledge: not used here.
        initial: results awaited before the first fit, 2 or more.

    Raises:
        UserError: when ``initial`` is too small.

    Source: Knowles 2006, IEEE Transactions on Evolutionary Computation 10:50.
    """

    def __init__(
        self, space: Space, objectives: int, seed: int, knowledge: Knowledge | None = None, *, initial: int = 16
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        if initial < 2:
            raise UserError(f"{initial} initial results", "2 or more", "raise initial")
        self._initial = initial
        self._archive = Archive(space, objectives)

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        self._archive.add(vectors, evaluation)

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            return sample(self.space, n, self._rng)
        kept = self._archive.remembered(_MEMORY)
        vectors, told = self._archive.vectors[kept], self._archive.rows(kept)
        chosen = np.empty((0, vectors.shape[1]), dtype=np.int64)
        for _ in range(n):
            values = tchebycheff(told, self._rng.dirichlet(np.ones(self.objectives)))
            process = Process("rbf", self._scaled(vectors), values)
            best = self._climb(process, vectors, values, chosen)
            if best is None:
                break
            chosen = np.concatenate([chosen, best[None]])
        return chosen

    def _climb(
        self, process: Process, vectors: NDArray[np.int64], values: NDArray[np.float64], chosen: NDArray[np.int64]
    ) -> NDArray[np.int64] | None:
        best = vectors[np.argsort(values, kind="stable")[:8]]
        lowest = float(values.min())
        return climb_space(
            self.space,
            best,
            lambda candidates: process.improvement(self._scaled(candidates), lowest),
            self._unseen.with_marked(chosen),
            self._rng,
        )

    def _scaled(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        return unit_scaled(vectors, self.space.cardinalities)
