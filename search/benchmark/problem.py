"""The problem that every searcher is compared on: any of three back ends, with the seconds that its trials cost.

Notation:
    n: configurations.
    d: dimensions of the space.
    k: metrics.
"""

import time
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError, unknown_name
from perfmodel.space.space import Configuration, Space
from search.benchmark.backends import AbstractBackend, Answer, Backend
from search.benchmark.costs import AbstractCost
from search.contract.problem import AbstractProblem

Floats = NDArray[np.float64]


@final
class BenchmarkProblem(AbstractProblem):
    """Objectives over a space, answered by a table, a surrogate or live fine-tunes.

    Args:
        space: the legal configurations.
        objectives: names of the metrics to trade off.
        backends: those that can be asked, by name, one or more.
        steps: optimiser steps of the full training.
        cost: seconds of a trial where the back end does not know them.
        metrics: names of the ``k`` metrics measured; the objectives when left out.
        budget: limit of each budgeted metric.
        backend: that a searcher is answered by.
        noise: whether a searcher sees single runs, else means.
        seed: of the runs that a searcher sees.

    Raises:
        UnknownNameError: when there is no back end of that name.
    """

    def __init__(
        self,
        space: Space,
        objectives: Sequence[str],
        backends: Mapping[Backend, AbstractBackend],
        *,
        steps: int,
        cost: AbstractCost,
        metrics: Sequence[str] | None = None,
        budget: Mapping[str, float] | None = None,
        backend: Backend = "surrogate",
        noise: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__(space, objectives, metrics=metrics, budget=budget)
        self._backends = dict(backends)
        self._steps, self._cost = steps, cost
        self._backend, self._noise, self._seed = backend, noise, seed
        self._seconds: list[Floats] = []
        self._answering_s = 0.0
        self._chosen(backend)

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Shares of the full training at which the searchers' back end answers."""
        return self._chosen(self._backend).fidelities

    @property
    def seconds(self) -> Floats:
        """Seconds of every trial asked for so far, in order, simulated or measured, shape ``(trials,)``."""
        return np.concatenate(self._seconds) if self._seconds else np.empty(0)

    @property
    def answering_s(self) -> float:
        """Processor seconds that the back ends took to answer, no part of a searcher's overhead."""
        return self._answering_s

    def query(
        self,
        configurations: Sequence[Configuration],
        *,
        at: int | None = None,
        backend: Backend = "table",
        noise: bool = True,
        seed: int = 0,
    ) -> Answer:
        """Returns what ``n`` configurations measure and how long their trials take.

        Args:
            configurations: ``n`` legal configurations of the space.
            at: steps after which they are measured, None for the full training.
            backend: ``table`` (NaN where nothing was measured), ``surrogate`` or ``live``.
            noise: single runs, else means over runs.
            seed: of the runs; the same seed and configuration give the same answer.

        Raises:
            InvalidConfigurationError: when one lies outside the space.
            UnknownNameError: when there is no such back end.
            UserError: when the back end does not answer at those steps, or not without noise.
        """
        share = 1.0 if at is None else at / self._steps
        return self._ask(self.space.encode(configurations), share, backend, noise=noise, seed=seed)

    def measure(self, vectors: NDArray[np.int64]) -> Floats:
        """Returns metric values of full trainings, shape ``(n, k)``."""
        return self.measure_early(vectors, 1.0)

    def measure_early(self, vectors: NDArray[np.int64], at: float) -> Floats:
        """Returns metric values at a share of the training, shape ``(n, k)``."""
        return self._ask(vectors, at, self._backend, noise=self._noise, seed=self._seed).values

    def _ask(self, vectors: NDArray[np.int64], share: float, backend: Backend, *, noise: bool, seed: int) -> Answer:
        chosen = self._chosen(backend)
        near = [known for known in chosen.fidelities if abs(known - share) < 1e-9]
        if not near:
            offered = ", ".join(f"{known * self._steps:g}" for known in chosen.fidelities)
            raise UserError(
                f"a measurement at step {share * self._steps:g}",
                f"the {backend} back end answers at step {offered}",
                "ask for one of these",
            )
        if len(vectors) == 0:
            return Answer(np.empty((0, len(self.metrics))), np.empty(0))
        began = time.process_time()
        found = chosen.answer(vectors, self.metrics, near[0], noise=noise, seed=seed)
        unknown = np.isnan(found.seconds)
        seconds = found.seconds.copy()
        if unknown.any():
            seconds[unknown] = self._cost.seconds(vectors[unknown], near[0])
        self._seconds.append(seconds)
        self._answering_s += time.process_time() - began
        return Answer(found.values, seconds)

    def _chosen(self, backend: Backend) -> AbstractBackend:
        if backend not in self._backends:
            raise unknown_name("back end", backend, self._backends)
        return self._backends[backend]
