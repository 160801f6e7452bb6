"""The contract of every searcher: ask for configurations, tell what they gave.

Notation:
    n: configurations asked for or told.
    d: dimensions of the space, ``1 + 2 * units``.
    m: objectives, all minimised.

What every searcher must keep (legal, never twice at one fidelity, as many as asked while the space lasts, deaf to
failed trials) is kept here once. A new searcher is ``_propose`` and ``_learn``;
``tests/search/test_conformance.py`` proves it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.space.sampling import repair_ranks
from perfmodel.space.space import Configuration, Space
from search.contract.knowledge import NOTHING, Knowledge
from search.contract.problem import Evaluation
from search.contract.visited import Unseen

# Proposals are asked for again while they bring new points, then the rest is drawn.
_ROUNDS: Final = 5


class AbstractSearcher(ABC):
    """Proposes configurations and learns from results; the same seed and results give the same proposals.

    Args:
        space: the legal configurations.
        objectives: number ``m`` of objectives.
        seed: of everything random here.
        knowledge: what is known without an evaluation.

    Raises:
        UserError: when there is no objective, or the knowledge lacks what the searcher ``needs`` or does not fit.
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Fields of the knowledge without which the searcher cannot work."""

    def __init__(self, space: Space, objectives: int, seed: int, knowledge: Knowledge | None = None) -> None:
        if objectives < 1:
            raise UserError(f"{objectives} objectives", "1 or more", "name what is to be minimised")
        self.space = space
        self.objectives = objectives
        self.knowledge = knowledge or NOTHING
        self.knowledge.require(type(self).__name__, self.needs)
        self.knowledge.check(space, objectives)
        self._rng = np.random.default_rng(seed)
        self._at = 1.0
        self._met = {fidelity: Unseen(space) for fidelity in self.knowledge.fidelities}

    @property
    def at(self) -> float:
        """The share of the full training at which the configurations of the latest ``ask`` are to be run."""
        return self._at

    @property
    def _unseen(self) -> Unseen:
        """What was neither asked for nor told at the fidelity of the latest ``ask``."""
        return self._met[self._at]

    def _fidelity(self) -> float:
        """Returns the share of the full training at which the next configurations are wanted, of the known ones."""
        return 1.0

    def _learn_cheap(  # noqa: B027 (a choice: the others have one fidelity)
        self, vectors: NDArray[np.int64], evaluation: Evaluation, at: float
    ) -> None:
        """Takes in results as ``_learn`` does, of trainings cut short; most searchers make nothing of them."""

    @abstractmethod
    def _propose(self, n: int) -> NDArray[np.int64]:
        """Returns promising vectors, best first, shape ``(any, d)``; what is illegal, repeated or met is dropped.

        Args:
            n: number wanted, 1 or more.
        """

    @abstractmethod
    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        """Takes in results.

        Args:
            vectors: shape ``(n, d)``, ``n >= 1``, asked for or not, perhaps told before.
            evaluation: finite losses ``(n, m)`` and violations ``(n,)``.
        """

    @final
    def ask(self, n: int) -> list[Configuration]:
        """Returns ``n`` legal configurations, none asked for or told before; fewer once the space is used up."""
        return self.space.decode(self.ask_vectors(n))

    @final
    def ask_vectors(self, n: int) -> NDArray[np.int64]:
        """Returns what ``ask`` returns as index vectors, shape ``(<= n, d)``."""
        asked = np.empty((0, 1 + 2 * self.space.units), dtype=np.int64)
        wished = self._fidelity()
        self._at = wished if self._met[wished].remaining > 0 else 1.0
        for _ in range(_ROUNDS):
            wanted = min(n - len(asked), self._unseen.remaining)
            if wanted <= 0:
                return asked
            proposed = self._propose(wanted)
            inside = ((proposed >= 0) & (proposed < self.space.cardinalities)).all(axis=1)
            legal = repair_ranks(self.space, proposed[inside], self._rng)
            fresh = self._unseen.fresh(legal)[:wanted]
            if len(fresh) == 0:
                break
            self._unseen.mark(fresh)
            asked = np.concatenate([asked, fresh])
        return np.concatenate([asked, self._unseen.draw(n - len(asked), self._rng)])

    @final
    def tell(self, configurations: Sequence[Configuration], evaluation: Evaluation, at: float = 1.0) -> None:
        """Hands results over; they may be fewer than asked for, or of configurations never asked for.

        Args:
            configurations: ``n`` of them.
            evaluation: losses ``(n, m)`` and violations ``(n,)``; rows of NaN are failed trials.
            at: share of the full training after which they were measured.

        Raises:
            InvalidConfigurationError: when one lies outside the space.
            UserError: when the evaluation is not one of ``n`` rows and ``m`` objectives, or the fidelity is unknown.
        """
        self.tell_vectors(self.space.encode(configurations), evaluation, at)

    @final
    def tell_vectors(self, vectors: NDArray[np.int64], evaluation: Evaluation, at: float = 1.0) -> None:
        """Does what ``tell`` does for index vectors, shape ``(n, d)``."""
        if evaluation.objectives.shape != (len(vectors), self.objectives):
            raise UserError(
                f"results of shape {evaluation.objectives.shape} for {len(vectors)} configurations",
                f"this searcher minimises {self.objectives} objectives",
                "tell one row a configuration and one column an objective",
            )
        if at not in self._met:
            raise UserError(
                f"results at {at}", f"known fidelities are {self.knowledge.fidelities}", "tell one of these"
            )
        self._met[at].mark(vectors)
        kept = evaluation.measured
        if not kept.any():
            return
        measured = Evaluation(evaluation.objectives[kept], evaluation.violations[kept])
        if at == 1.0:
            self._learn(vectors[kept], measured)
        else:
            self._learn_cheap(vectors[kept], measured, at)
