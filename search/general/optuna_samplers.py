"""Optuna's samplers behind this contract.

Notation:
    d: dimensions of the space.
    m: objectives.

Every dimension is an integer of its choices' order. A trial that fails is never told, so Optuna sees it as running.

Source: TPE, Bergstra et al. 2011, with the multi-objective split of Ozaki et al. 2022; Optuna, arXiv 1907.10902.
"""

from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.files.optional import needs_extra
from perfmodel.space.space import Space
from search.contract.knowledge import Knowledge
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.samplers import BaseSampler

_VIOLATION = "violation"


class _Studied(AbstractSearcher):
    """A searcher whose study answers."""

    _study: "_Study"

    def _propose(self, n: int) -> NDArray[np.int64]:
        return self._study.ask(n)

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        self._study.tell(vectors, evaluation)


@final
class OptunaTPE(_Studied):
    """Optuna's tree-structured Parzen estimator with its defaults.

    Args:
        space: the legal configurations.
        objectives: number of objectives.
        seed: of the sampler.
        knowledge: not used here.
        initial: random trials before the estimator is used, 1 or more.

    Raises:
        MissingExtraError: when Optuna is not installed.
        UserError: when ``initial`` is too small.
    """

    def __init__(
        self, space: Space, objectives: int, seed: int, knowledge: Knowledge | None = None, *, initial: int = 10
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        if initial < 1:
            raise UserError(f"{initial} initial results", "1 or more", "raise initial")
        with needs_extra("search"):
            from optuna.samplers import TPESampler

        sampler = TPESampler(n_startup_trials=initial, seed=seed)
        self._study = _Study(space, objectives, sampler)


@final
class OptunaNSGA2(_Studied):
    """Optuna's NSGA-II with its defaults: uniform crossover, no moves of its own.

    Args:
        space: the legal configurations.
        objectives: number of objectives.
        seed: of the sampler.
        knowledge: not used here.
        population: of a generation, 2 or more.

    Raises:
        MissingExtraError: when Optuna is not installed.
        UserError: when the population is too small.
    """

    def __init__(
        self, space: Space, objectives: int, seed: int, knowledge: Knowledge | None = None, *, population: int = 50
    ) -> None:
        super().__init__(space, objectives, seed, knowledge)
        if population < 2:
            raise UserError(f"a population of {population}", "2 or more", "raise the population")
        with needs_extra("search"):
            from optuna.samplers import NSGAIISampler

        sampler = NSGAIISampler(population_size=population, seed=seed)
        self._study = _Study(space, objectives, sampler)


@final
class _Study:
    """A study over index vectors, in memory.

    Args:
        space: the legal configurations.
        objectives: number ``m``.
        sampler: of the study.
    """

    def __init__(self, space: Space, objectives: int, sampler: "BaseSampler") -> None:
        import optuna

        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(sampler=sampler, directions=["minimize"] * objectives)
        optuna.logging.set_verbosity(before)
        self._distributions: dict[str, optuna.distributions.BaseDistribution] = {
            f"x{dimension}": optuna.distributions.IntDistribution(0, int(choices) - 1)
            for dimension, choices in enumerate(space.cardinalities)
        }
        self._running: dict[bytes, Trial] = {}

    def ask(self, n: int) -> NDArray[np.int64]:
        """Returns what the sampler suggests, shape ``(n, d)``."""
        vectors = np.empty((n, len(self._distributions)), dtype=np.int64)
        for row in vectors:
            trial = self._study.ask(self._distributions)
            row[:] = [trial.params[name] for name in self._distributions]
            self._running[row.tobytes()] = trial
        return vectors

    def tell(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        """Hands results over, shape ``(n, d)``; those of no running trial become trials of their own."""
        for row, losses, violation in zip(vectors, evaluation.objectives, evaluation.violations, strict=True):
            trial = self._running.pop(row.tobytes(), None)
            if trial is None:
                self._study.enqueue_trial(dict(zip(self._distributions, row.tolist(), strict=True)))
                trial = self._study.ask(self._distributions)
            trial.set_constraint(_VIOLATION, float(violation))
            self._study.tell(trial, losses.tolist())
