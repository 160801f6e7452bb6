"""The contract of every searcher: ask for configurations, tell what they gave.

Notation:
    n: configurations asked for or told.
    d: dimensions of the space, ``1 + 2 * units``.
    m: objectives, all minimised.

What every searcher must keep (legal configurations, none twice at one fidelity, as many as asked while the
space lasts, no learning from failed trials) is kept here once. A new searcher is ``_propose``, and ``_learn`` where the
archive of results is not enough; ``tests/search/test_conformance.py`` proves it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.sampling import repair_ranks
from perfmodel.space.space import Configuration
from search.contract.archive import Archive
from search.contract.problem import Evaluation
from search.contract.setup import Setup
from search.contract.visited import Visited

# Proposals are asked for again while they bring new points, then the rest is drawn.
_ROUNDS: Final = 5


class AbstractSearcher(ABC):
    """Proposes configurations and learns from results; the same seed and results give the same proposals.

    Args:
        setup: space, objectives, seed and knowledge.

    Raises:
        UserError: when the knowledge lacks what the searcher ``needs``.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Fields of the knowledge without which the searcher cannot work."""

    uses: ClassVar[tuple[str, ...]] = ()
    """Fields of the knowledge that the searcher uses where they are known, beside those that it needs."""

    largest_batch: ClassVar[int] = 1000
    """The most configurations that it should propose between two results, where results cost nothing."""

    def __init__(self, setup: Setup) -> None:
        setup.knowledge.require(type(self).__name__, self.needs)
        self.space = setup.space
        self.objectives = setup.objectives
        self.knowledge = setup.knowledge
        self._rng = np.random.default_rng(setup.seed)
        self._at = 1.0
        self._visited_at = {fidelity: Visited(setup.space) for fidelity in setup.knowledge.fidelities}
        self._archive = Archive(setup.space, setup.objectives)

    @property
    def at(self) -> float:
        """The share of the full training at which the configurations of the latest ``ask`` are to be run."""
        return self._at

    @property
    def _visited(self) -> Visited:
        """What was asked for or told at the fidelity of the latest ``ask``."""
        return self._visited_at[self._at]

    @property
    def _losses(self) -> NDArray[np.float64]:
        """The loss of every result of a full training, shape ``(n,)``."""
        return self._archive.told.objectives[:, self.knowledge.loss_objective]

    def _fidelity(self) -> float:
        """Returns the share of the full training at which the next configurations are wanted, of the known ones."""
        return 1.0

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:  # noqa: B027 (most need the archive only)
        """Takes in results of full trainings, which the archive holds already.

        Args:
            vectors: shape ``(n, d)``, ``n >= 1``, asked for or not, perhaps told before.
            evaluation: finite losses ``(n, m)`` and violations ``(n,)``.
        """

    def _learn_cheap(  # noqa: B027 (a choice: the others have one fidelity)
        self, vectors: NDArray[np.int64], evaluation: Evaluation, at: float
    ) -> None:
        """Takes in results of trainings cut short; most searchers make nothing of them.

        Args:
            vectors: shape ``(n, d)``, ``n >= 1``.
            evaluation: finite losses ``(n, m)`` and violations ``(n,)``.
            at: share of the full training, above 0 and below 1.
        """

    @abstractmethod
    def _propose(self, n: int) -> NDArray[np.int64]:
        """Returns promising vectors, best first, shape ``(any, d)``; what is illegal, repeated or visited is dropped.

        Args:
            n: number wanted, 1 or more.
        """

    @final
    def ask(self, n: int) -> list[Configuration]:
        """Returns ``n`` legal configurations, none asked for or told before; fewer once the space is used up.

        Args:
            n: number wanted, 0 or more.
        """
        return self.space.decode(self.ask_vectors(n))

    @final
    def ask_vectors(self, n: int) -> NDArray[np.int64]:
        """Returns what ``ask`` returns as index vectors, shape ``(<= n, d)``.

        Args:
            n: number wanted, 0 or more.
        """
        asked = np.empty((0, 1 + 2 * self.space.units), dtype=np.int64)
        wished = self._fidelity()
        self._at = wished if self._visited_at[wished].remaining > 0 else 1.0
        for _ in range(_ROUNDS):
            wanted = min(n - len(asked), self._visited.remaining)
            if wanted <= 0:
                return asked
            proposed = self._propose(wanted)
            inside = ((proposed >= 0) & (proposed < self.space.cardinalities)).all(axis=1)
            legal = repair_ranks(self.space, proposed[inside], self._rng)
            new = self._visited.new(legal)[:wanted]
            if len(new) == 0:
                break
            self._visited.mark(new)
            asked = np.concatenate([asked, new])
        return np.concatenate([asked, self._visited.draw(n - len(asked), self._rng)])

    @final
    def tell(self, configurations: Sequence[Configuration], evaluation: Evaluation, at: float = 1.0) -> None:
        """Hands results over; they may be fewer than asked for, or of configurations never asked for.

        Args:
            configurations: ``n`` legal configurations of the space.
            evaluation: losses ``(n, m)`` and violations ``(n,)``; rows of NaN are failed trials.
            at: share of the full training after which they were measured.

        Raises:
            InvalidConfigurationError: when one lies outside the space.
            UserError: when the evaluation is not one of ``n`` rows and ``m`` objectives, or the fidelity is unknown.
        """
        self.tell_vectors(self.space.encode(configurations), evaluation, at)

    @final
    def tell_vectors(self, vectors: NDArray[np.int64], evaluation: Evaluation, at: float = 1.0) -> None:
        """Does what ``tell`` does, for index vectors.

        Args:
            vectors: of legal configurations, shape ``(n, d)``.
            evaluation: losses ``(n, m)`` and violations ``(n,)``; rows of NaN are failed trials.
            at: share of the full training after which they were measured, one of the known fidelities.

        Raises:
            UserError: when the evaluation is not one of ``n`` rows and ``m`` objectives, or the fidelity is unknown.
        """
        if evaluation.objectives.shape != (len(vectors), self.objectives):
            raise UserError(
                f"results of shape {evaluation.objectives.shape} for {len(vectors)} configurations",
                f"this searcher minimises {self.objectives} objectives",
                "tell one row a configuration and one column an objective",
            )
        if at not in self._visited_at:
            raise UserError(
                f"results at {at}", f"known fidelities are {self.knowledge.fidelities}", "tell one of these"
            )
        self._visited_at[at].mark(vectors)
        kept = evaluation.measured
        if not kept.any():
            return
        measured = Evaluation(evaluation.objectives[kept], evaluation.violations[kept])
        if at == 1.0:
            self._archive.add(vectors[kept], measured)
            self._learn(vectors[kept], measured)
        else:
            self._learn_cheap(vectors[kept], measured, at)
