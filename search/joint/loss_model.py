"""What the joint search believes: a Gaussian process of the loss, and the gain of candidates under it.

Notation:
    n: results.
    c: candidates.
    q: columns of the inputs.

Where the objectives are the loss and a known memory, the gain is the closed form of ``known_memory_gain``. Otherwise
every objective is modelled and BoTorch's qLogNEHVI scores the candidates, as in ``qlognehvi``.
"""

from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from search.contract.archive import Archive
from search.contract.knowledge import Knowledge
from search.contract.pareto import reference_point
from search.joint.known_memory_gain import Belief, Staircase, choose_batch
from search.joint.shaped_inputs import ShapedInputs
from search.models.botorch_gp import Value, acquisition, fit_processes, posterior
from search.models.targets import baseline, constraint, targets

Floats = NDArray[np.float64]

_REMEMBERED: Final = 300
_BASELINE: Final = 64
# Candidates of a batch where each gain is sampled.
_SAMPLED: Final = 96


@final
class JointModel:
    """A fitted belief.

    Args:
        inputs: columns of index vectors.
        knowledge: ``memory`` is None where it shall be modelled.
        one_by_one: choose a batch without conditioning on its own members.
    """

    def __init__(self, inputs: ShapedInputs, knowledge: Knowledge, *, one_by_one: bool) -> None:
        self._inputs, self._knowledge, self._one_by_one = inputs, knowledge, one_by_one
        self._starts: list[dict[str, Any]] = []
        self._shared = False

    def fit(self, archive: Archive, cheap: Archive, shares: Floats) -> None:
        """Learns from full trainings and from those cut short.

        Args:
            archive: ``n >= 2`` full trainings.
            cheap: results of trainings cut short, any number.
            shares: of the full training, of each of the others.
        """
        kept = archive.remembered(_REMEMBERED)
        self._vectors, self._told = archive.vectors[kept], archive.rows(kept)
        self._memory = self._knowledge.memory
        if self._told.objectives.shape[1] != 2 or self._knowledge.memory_objective is None:
            self._memory = None
        if self._memory is None:
            self._goal = targets(self._told)
            self._columns = self._inputs(self._vectors)
            self._process, self._starts = fit_processes(self._columns, self._goal.values, self._starts)
            return
        self._fit_loss(cheap, shares)

    def gains(self, candidates: NDArray[np.int64], seed: int) -> Floats:
        """Returns the gain of each candidate by itself, shape ``(c,)``; its scale differs between fits.

        Args:
            candidates: index vectors, shape ``(c, d)``.
            seed: of samples of the posterior, where it is sampled.
        """
        if len(candidates) == 0:
            return np.empty(0)
        if self._memory is None:
            return self._acquisition(np.empty((0, self._columns.shape[1])), seed)(self._inputs(candidates))
        belief = self._belief(candidates)
        return self._staircase().gain(belief, self._memory(candidates)) * self._met(candidates)

    def batch(self, candidates: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
        """Returns the rows of the batch among the candidates, best first, shape ``(<= n,)``.

        Args:
            candidates: best by themselves first, shape ``(c, d)``.
            n: number wanted, 1 or more.
            seed: of samples of the posterior, where it is sampled.
        """
        if self._one_by_one:
            return np.argsort(-self.gains(candidates, seed), kind="stable")[:n]
        if self._memory is not None:
            bytes_ = self._memory(candidates)
            return choose_batch(
                self._belief(candidates), bytes_, self._met(candidates), self._front, self._reference, n
            )
        columns, chosen = self._inputs(candidates[:_SAMPLED]), np.empty(0, dtype=np.int64)
        for _ in range(min(n, len(columns))):
            values = self._acquisition(columns[chosen], seed)(columns)
            values[chosen] = -np.inf
            chosen = np.append(chosen, values.argmax())
        return chosen

    def _fit_loss(self, cheap: Archive, shares: Floats) -> None:
        """Fits the loss over configurations and shares, and the violations that known memory does not explain."""
        assert self._memory is not None
        column = self._knowledge.loss_objective
        losses = np.concatenate([self._told.objectives[:, column], cheap.told.objectives[:, column]])
        self._log = bool((losses > 0).all())
        values = np.log(losses) if self._log else losses
        self._centre, self._scale = float(values.mean()), float(values.std()) or 1.0
        goal = (values - self._centre) / self._scale
        at = np.concatenate([np.ones(len(self._vectors)), shares])
        if bool(len(shares)) != self._shared:
            self._shared, self._starts = bool(len(shares)), []
        columns = self._with_share(np.concatenate([self._vectors, cheap.vectors]), at)
        self._process, self._starts = fit_processes(columns, goal[:, None], self._starts)
        bytes_ = self._memory(self._vectors)
        known = np.zeros(len(bytes_)) if self._knowledge.budget is None else bytes_ > self._knowledge.budget
        unexplained = (self._told.violations > 0) & (known == 0)
        self._limits = None
        if unexplained.any():
            met = constraint(np.where(unexplained, self._told.violations, 0.0))
            self._limits, _ = fit_processes(self._inputs(self._vectors), met[:, None], [])
        self._set_front(bytes_, feasible=self._told.violations == 0)

    def _set_front(self, bytes_: Floats, *, feasible: NDArray[np.bool_]) -> None:
        """Sets front and reference point by the process's view of told losses: a lucky run makes no front."""
        rows = feasible if feasible.any() else np.ones(len(bytes_), dtype=bool)
        points = np.column_stack([self._belief(self._vectors[rows]).losses, bytes_[rows]])
        loss, size = reference_point(points).tolist()
        self._reference: tuple[float, float] = (loss, size)
        self._front: tuple[Floats, Floats] = (points[:, 0], points[:, 1])

    def _belief(self, vectors: NDArray[np.int64]) -> Belief:
        mean, covariance, noise = posterior(self._process, 0, self._with_share(vectors, np.ones(len(vectors))))
        scale = self._scale
        return Belief(self._centre + scale * mean, scale**2 * covariance, scale**2 * noise, self._log)

    def _met(self, vectors: NDArray[np.int64]) -> Floats:
        """Returns the probability to meet budgets that are no known function, shape ``(c,)``."""
        from scipy.special import ndtr

        if self._limits is None:
            return np.ones(len(vectors))
        mean, covariance, _ = posterior(self._limits, 0, self._inputs(vectors))
        return np.asarray(ndtr(-mean / np.sqrt(np.maximum(np.diagonal(covariance), 1e-12))))

    def _staircase(self) -> Staircase:
        return Staircase(*self._front, self._reference)

    def _with_share(self, vectors: NDArray[np.int64], at: Floats) -> Floats:
        columns = self._inputs(vectors)
        return np.column_stack([columns, at]) if self._shared else columns

    def _acquisition(self, pending: Floats, seed: int) -> Value:
        front = self._columns[baseline(self._goal, _BASELINE)]
        return acquisition(self._process, self._goal, front, pending, seed)
