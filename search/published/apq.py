"""APQ-style predictor transfer: a network taught by cheap pairs, then by few fine-tuned ones."""

from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import sample
from search.allocation.additive_costs import prior_costs
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least
from search.models.predicted_objectives import Predict, predicted_objectives
from search.models.sklearn_gp import rbf_means
from search.models.transferred_network import TransferredNetwork
from search.published.predicted_front import predicted_front


@final
class APQ(AbstractSearcher):
    """Evolution on a predictor that knows the sensitivities before it sees a fine-tune.

    A small network learns cheap pairs: configurations with their measured loss before training, where some are known,
    and beside them ``cheap`` stratified configurations with the sums of their sensitivities for a loss. From
    ``initial`` results on, a copy goes on learning from the fine-tuned pairs, and evolution on it proposes.

    Departs from the paper in the cheap pairs (the paper's are accuracies of a supernet before quantisation), and in
    that the bytes are a closed form instead of a lookup of latency.

    Args:
        setup: its knowledge holds ``sensitivities``; ``memory`` is not modelled where it is there, and ``untrained``
            holds the measured pairs.
        initial: results awaited before the predictor is used, 2 or more.
        cheap: number of cheap pairs by the sums, 10 or more.
        with_transfer: 1, or 0 to shuffle the cheap losses, so that the network starts without knowing what costs what.

    Raises:
        UserError: when an option is out of range or the knowledge holds no sensitivities.

    Source: APQ, arXiv 2006.08509.
    """

    needs: ClassVar[tuple[str, ...]] = ("sensitivities",)
    uses: ClassVar[tuple[str, ...]] = ("memory", "untrained")

    def __init__(self, setup: Setup, *, initial: int = 8, cheap: int = 1000, with_transfer: int = 1) -> None:
        super().__init__(setup)
        require_at_least(initial=(initial, 2), cheap=(cheap, 10))
        self._initial = initial
        vectors = sample(self.space, cheap, self._rng)
        losses = _standardised(prior_costs(self.space, self.knowledge).total(vectors))
        if self.knowledge.untrained is not None:
            measured, before = self.knowledge.untrained
            vectors = np.concatenate([vectors, measured])
            losses = np.concatenate([losses, _standardised(np.log(before))])
        self._network = TransferredNetwork(
            self.space.levels(vectors),
            losses if with_transfer else self._rng.permutation(losses),
            int(self._rng.integers(1 << 31)),
        )

    def _propose(self, n: int) -> NDArray[np.int64]:
        if len(self._archive) < self._initial:
            return sample(self.space, n, self._rng)
        return predicted_front(
            self.space,
            predicted_objectives(self._archive, self.knowledge, rbf_means(self.space), self._adapted),
            self._archive.vectors[self._archive.front()],
            self._visited,
            n,
            int(self._rng.integers(1 << 31)),
        )

    def _adapted(self, vectors: NDArray[np.int64], values: NDArray[np.float64]) -> Predict:
        predict = self._network.adapted(self.space.levels(vectors), values)
        return lambda rows: predict(self.space.levels(rows))


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / (float(values.std()) or 1.0))
