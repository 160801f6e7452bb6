"""APQ-style predictor transfer: a network taught by cheap pairs, then by few fine-tuned ones."""

from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search.allocation.additive_costs import prior_costs
from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.models.predicted_objectives import Predict, predicted_objectives
from search.models.sklearn_gp import Process, unit_scaled
from search.models.transferred_network import TransferredNetwork
from search.published.predicted_front import predicted_front

_MEMORY: Final = 400


@final
class APQ(AbstractSearcher):
    """Evolution on a predictor that knows the sensitivities before it sees a fine-tune.

    A small network learns ``cheap`` stratified configurations with the sums of their sensitivities for a loss. From
    ``initial`` results on, a copy goes on learning from the fine-tuned pairs, and evolution on it proposes.

    Departs from the paper in that cheap pairs are sums over units of KL (the paper's are accuracies of a supernet
    before quantisation), and in that the bytes are a closed form instead of a lookup of latency.

    Args:
        space: the legal configurations.
        objectives: number of objectives.
        seed: of everything random here.
        knowledge: with ``sensitivities``; ``memory`` is not modelled where it is there.
        initial: results awaited before the predictor is used, 2 or more.
        cheap: cheap pairs, 10 or more.
        with_transfer: 0 shuffles the cheap losses, so that the network starts without knowing what costs what.

    Raises:
        UserError: when an option is out of range or the knowledge holds no sensitivities.

    Source: APQ, arXiv 2006.08509.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities",)

    def __init__(
        self,
        space: Space,
        objectives: int,
        seed: int,
        knowledge: Knowledge | None = None,
        *,
        initial: int = 8,
        cheap: int = 1000,
        with_transfer: int = 1,
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        if initial < 2 or cheap < 10:
            raise UserError(f"{initial} initial results, {cheap} cheap pairs", "2 or more, 10 or more", "mend them")
        self._initial = initial
        self._archive = Archive(space, objectives)
        vectors = sample(space, cheap, self._rng)
        losses = prior_costs(space, self.knowledge).total(vectors)
        self._network = TransferredNetwork(
            self._scaled(vectors),
            losses if with_transfer else self._rng.permutation(losses),
            int(self._rng.integers(1 << 31)),
        )

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        self._archive.add(vectors, evaluation)

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            return sample(self.space, n, self._rng)
        return predicted_front(
            self.space,
            predicted_objectives(self._archive, self.knowledge, self._process, self._adapted),
            self._archive.vectors[self._archive.front()],
            self._unseen,
            n,
            int(self._rng.integers(1 << 31)),
        )

    def _adapted(self, vectors: NDArray[np.int64], values: NDArray[np.float64]) -> Predict:
        predict = self._network.adapted(self._scaled(vectors), values)
        return lambda rows: predict(self._scaled(rows))

    def _process(self, vectors: NDArray[np.int64], values: NDArray[np.float64]) -> Predict:
        kept = self._archive.remembered(_MEMORY)
        process = Process("rbf", self._scaled(vectors[kept]), values[kept])
        return lambda rows: process.predict(self._scaled(rows))[0]

    def _scaled(self, vectors: NDArray[np.int64]) -> NDArray[np.float64]:
        return unit_scaled(vectors, self.space.cardinalities)
