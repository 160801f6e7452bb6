"""The joint search over pruning, bits and ranks: what is known is used, and only the loss is learnt.

Notation:
    n: configurations asked for or told.
    d: dimensions of the space.
    c: candidates of a proposal.

    other tasks          the front that their traces predict starts the search             ``transferred_start``
    additive program     the exact optimum of an additive loss at a row of budgets starts it where no other task is
                         known, and joins the candidates, refitted on results      ``additive_front``
    damage               of widths over thirds of the depth is what the process is told first      ``shaped_inputs``
    known memory         is not modelled: it bounds the candidates, and leaves the gain a closed form
                                                                                 ``known_memory_gain``
    low fidelity         first, where it is offered; the posterior of the full training promotes
    batch                conditioned on each choice before the next

Sensitivities of single units and a trust region around the front were parts of it: over ten seeds on three tasks
neither lowered the regret, and both are gone.
"""

from dataclasses import replace
from typing import ClassVar, Final, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.space.sampling import sample
from search.allocation.additive_front import AdditiveFront
from search.contract.archive import Archive
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least
from search.contract.start_points import AbstractStart
from search.contract.visited import every, size
from search.general.qlognehvi import require_few_objectives
from search.joint.loss_model import JointModel
from search.joint.remembered_memory import RememberedMemory
from search.joint.shaped_inputs import ShapedInputs
from search.joint.transferred_start import TransferredStart
from search.moves.moves import move, shift

# A space of at most this many configurations is scored as a whole.
_LISTED: Final = 2048
_DRAWN: Final = 128
_OVERDRAWN: Final = 8
_AROUND: Final = 256
_ROUNDS: Final = 4
_PARENTS: Final = 32
_PROGRAMS: Final = 64
_FINALISTS: Final = 384


@final
class Joint(AbstractSearcher):
    """Our searcher, in batches of about 8.

    Each part can be left out, to see what it is worth.

    Args:
        setup: of 2 to 4 objectives; the gain is a closed form where they are the loss and a known memory. Of its
            knowledge memory, budget, fidelities and other tasks are used, as far as they are known.
        initial: results awaited before the first fit, 2 or more.
        with_prior: 1, or 0 to forget other tasks.
        with_warm_start: 1, or 0 to leave the additive program out.
        with_known_memory: 1, or 0 to model memory like any objective and learn its budget from violations.
        with_low_fidelity: 1, or 0 to run full trainings only.
        with_batch: 1, or 0 to take the best candidates one by one, blind to each other.

    Raises:
        UserError: when a number is out of range.
    """

    uses: ClassVar[tuple[str, ...]] = ("memory", "fidelities", "prior")
    largest_batch: ClassVar[int] = 8

    def __init__(
        self,
        setup: Setup,
        *,
        initial: int = 12,
        with_prior: int = 1,
        with_warm_start: int = 1,
        with_known_memory: int = 1,
        with_low_fidelity: int = 1,
        with_batch: int = 1,
    ) -> None:
        super().__init__(setup)
        require_few_objectives("joint", setup)
        require_at_least(initial=(initial, 2))
        space = self.space
        known = self.knowledge
        if known.memory is not None:
            known = replace(known, memory=RememberedMemory(known.memory))
        self._initial = initial
        self._memory = known.memory if with_known_memory else None
        self._cheap = Archive(space, self.objectives)
        self._cheap_shares = np.empty(0)
        self._first = known.fidelities[0] if with_low_fidelity else 1.0
        self._cheap_asked = 0
        self._program = AdditiveFront(space, known) if with_warm_start and known.memory is not None else None
        self._start: AbstractStart | None = self._program
        if with_prior and known.prior is not None and known.memory is not None:
            self._start = TransferredStart(space, known, int(self._rng.integers(1 << 31)))
        self._model = JointModel(ShapedInputs(space), replace(known, memory=self._memory), one_by_one=not with_batch)

    def _fidelity(self) -> float:
        started = self._start is None or self._start.started
        return self._first if started and self._cheap_asked < self._initial else 1.0

    def _learn_cheap(self, vectors: NDArray[np.int64], evaluation: Evaluation, at: float) -> None:
        self._cheap.add(vectors, evaluation)
        self._cheap_shares = np.concatenate([self._cheap_shares, np.full(len(vectors), at)])

    def _propose(self, n: int) -> NDArray[np.int64]:
        if self.at < 1.0:
            self._cheap_asked += n
            return self._drawn(n)
        if self._start is not None and not self._start.started:
            return self._start.start(n)
        if len(self._archive) < 2 or len(self._archive) + len(self._cheap) < self._initial:
            return self._drawn(n)
        self._model.fit(self._archive, self._cheap, self._cheap_shares)
        return self._best(n)

    def _best(self, n: int) -> NDArray[np.int64]:
        """Returns the batch, from candidates bred for their gain, shape ``(<= n, d)``."""
        seed = int(self._rng.integers(1 << 31))
        pool = self._affordable(self._pool())
        if len(pool) == 0:
            return pool
        gains = self._model.gains(pool, seed)
        for _ in range(_ROUNDS if size(self.space) > _LISTED else 0):
            parents = pool[np.argsort(-gains, kind="stable")[:_PARENTS]]
            bred = self._affordable(self._around(parents, _AROUND))
            bred = self._visited.new(np.concatenate([pool, bred]))[len(pool) :]
            pool = np.concatenate([pool, bred])
            gains = np.concatenate([gains, self._model.gains(bred, seed)])
        finalists = pool[np.argsort(-gains, kind="stable")[:_FINALISTS]]
        return finalists[self._model.batch(finalists, n, seed)]

    def _pool(self) -> NDArray[np.int64]:
        """Returns unvisited candidates, shape ``(c, d)``: around the front, of the program, promoted, drawn."""
        if size(self.space) <= _LISTED:
            return self._visited.new(every(self.space))
        front = self._archive.vectors[self._archive.front()]
        centres = front[self._rng.integers(len(front), size=_AROUND)]
        parts = [self._around(centres, _AROUND), self._cheap.vectors, self._drawn(_DRAWN)]
        if self._program is not None:
            solved = self._program.refitted(self._archive)
            parts.append(solved[self._rng.permutation(len(solved))[:_PROGRAMS]])
        return self._visited.new(np.concatenate(parts))

    def _around(self, parents: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        """Returns moved copies of points, shape ``(n, d)``."""
        centres = parents[self._rng.integers(len(parents), size=n)]
        half = n // 2
        moved = move(self.space, centres[:half], self._rng), shift(self.space, centres[half:], self._rng)
        return np.concatenate(moved)

    def _affordable(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the vectors whose known memory meets the budget; all where nothing is known of one."""
        if self._memory is None or self.knowledge.budget is None or len(vectors) == 0:
            return vectors
        return vectors[self._memory(vectors) <= self.knowledge.budget]

    def _drawn(self, n: int) -> NDArray[np.int64]:
        """Returns stratified draws, those within a known budget first, shape ``(n, d)``."""
        drawn = sample(self.space, n, self._rng)
        if self._memory is None or self.knowledge.budget is None:
            return drawn
        more = sample(self.space, _OVERDRAWN * n, self._rng)
        return np.concatenate([self._affordable(drawn), self._affordable(more), drawn])[:n]
