"""AMQ: sensitive units frozen at the highest width, then a predictor and NSGA-II in rounds."""

from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.space import Space
from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.models.predicted_objectives import Predict, predicted_objectives
from search.models.sklearn_gp import Process, unit_scaled
from search.moves.fixed_choices import rank_index, rate_index, with_bits
from search.published.predicted_front import predicted_front

_FROZEN: Final = 2.0
_MEMORY: Final = 400


@final
class AMQ(AbstractSearcher):
    """Widths of each unit at one pruning rate and one rank.

    Units whose sensitivity exceeds twice the median are kept at the highest width, which prunes the space. ``initial``
    random configurations train a predictor; each round, NSGA-II on the predictor proposes ``fresh`` configurations,
    which are evaluated and join the training set.

    Departs from the paper in its predictor, a Gaussian process, fitted to the front and the latest 400 results, and in
    that rate and rank are named, since AMQ knows neither.

    Args:
        space: the legal configurations.
        objectives: number of objectives.
        seed: of everything random here.
        knowledge: with ``sensitivities``; ``memory`` is not modelled where it is there.
        initial: results awaited before the first round, 2 or more.
        fresh: proposals of one round.
        rank: of every unit; the nearest in the space.
        percent: pruning rate in percent; the nearest in the space.
        with_freezing: 0 searches the sensitive units as well.

    Raises:
        UserError: when an option is out of range or the knowledge holds no sensitivities.

    Source: AMQ, arXiv 2509.12019.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities",)

    def __init__(
        self,
        space: Space,
        objectives: int,
        seed: int,
        knowledge: Knowledge | None = None,
        *,
        initial: int = 250,
        fresh: int = 50,
        rank: int = 8,
        percent: int = 0,
        with_freezing: int = 1,
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        if initial < 2 or fresh < 1:
            raise UserError(f"{initial} initial results, {fresh} a round", "2 or more, 1 or more", "mend the options")
        self._initial, self._fresh = initial, fresh
        self._rank, self._rate = rank_index(space, rank), rate_index(space, percent)
        divergence = self.knowledge.damage(space)[:, 0]
        self._frozen = (divergence > _FROZEN * np.median(divergence)) & bool(with_freezing)
        self._archive = Archive(space, objectives)
        self._round = np.empty((0, 1 + 2 * space.units), dtype=np.int64)

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        self._archive.add(vectors, evaluation)

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            bits = self._rng.integers(len(self.space.bits), size=(2 * n, self.space.units))
            return self._held(with_bits(self.space, bits, self._rate, self._rank))
        if len(self._unseen.fresh(self._round)) == 0:
            self._round = predicted_front(
                self.space,
                predicted_objectives(self._archive, self.knowledge, self._process),
                self._archive.vectors[self._archive.front()],
                self._unseen,
                self._fresh,
                int(self._rng.integers(1 << 31)),
                self._held,
            )
            self._round = self._rng.permutation(self._round)
        return self._round

    def _held(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the vectors with the frozen units, the rate and the ranks set, shape ``(n, d)``."""
        bits = np.where(self._frozen, len(self.space.bits) - 1, vectors[:, 1 : 1 + self.space.units])
        return with_bits(self.space, bits, self._rate, self._rank)

    def _process(self, vectors: NDArray[np.int64], values: NDArray[np.float64]) -> Predict:
        kept = self._archive.remembered(_MEMORY)
        process = Process("rbf", self._scaled(vectors[kept]), values[kept])
        return lambda rows: process.predict(self._scaled(rows))[0]

    def _scaled(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        return unit_scaled(vectors, self.space.cardinalities)
