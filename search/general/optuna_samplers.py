"""Optuna's samplers behind this contract.

Notation:
    d: dimensions of the space.
    m: objectives.

Every dimension is an integer of its choices' order. A trial that fails is never told, so Optuna sees it as running.

Source: TPE, Bergstra et al. 2011, with the multi-objective split of Ozaki et al. 2022; Optuna, arXiv 1907.10902.
"""

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.files.optional import needs_extra
from search.contract.problem import Evaluation
from search.contract.searcher import AbstractSearcher
from search.contract.setup import Setup, require_at_least

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.samplers import BaseSampler

_VIOLATION = "violation"


class _Studied(AbstractSearcher):
    """A searcher whose Optuna study answers.

    Args:
        setup: its knowledge is not used.
        sampler: of the study.
    """

    def __init__(self, setup: Setup, sampler: "BaseSampler") -> None:
        super().__init__(setup)
        self._study = _Study(setup, sampler)

    def _propose(self, n: int) -> NDArray[np.int64]:
        return self._study.ask(n)

    def _learn(self, vectors: NDArray[np.int64], evaluation: Evaluation) -> None:
        self._study.tell(vectors, evaluation)


@final
class OptunaTPE(_Studied):
    """Optuna's tree-structured Parzen estimator with its defaults.

    Args:
        setup: its knowledge is not used.
        initial: random trials before the estimator is used, 1 or more.

    Raises:
        MissingExtraError: when Optuna is not installed.
        UserError: when ``initial`` is too small.
    """

    def __init__(self, setup: Setup, *, initial: int = 10) -> None:
        require_at_least(initial=(initial, 1))
        with needs_extra("search"):
            from optuna.samplers import TPESampler

        super().__init__(setup, TPESampler(n_startup_trials=initial, seed=setup.seed))


@final
class OptunaNSGA2(_Studied):
    """Optuna's NSGA-II with its defaults: uniform crossover, no moves of its own.

    Args:
        setup: its knowledge is not used.
        population: configurations of a generation, 2 or more.

    Raises:
        MissingExtraError: when Optuna is not installed.
        UserError: when the population is too small.
    """

    def __init__(self, setup: Setup, *, population: int = 50) -> None:
        require_at_least(population=(population, 2))
        with needs_extra("search"):
            from optuna.samplers import NSGAIISampler

        super().__init__(setup, NSGAIISampler(population_size=population, seed=setup.seed))


@final
class OptunaGP(_Studied):
    """Optuna's Gaussian process with its defaults: log expected gain of hypervolume within the budget.

    Args:
        setup: its knowledge is not used.
        initial: random trials before the process is used, 1 or more.

    Raises:
        MissingExtraError: when Optuna is not installed.
        UserError: when ``initial`` is too small.
    """

    largest_batch: ClassVar[int] = 4

    def __init__(self, setup: Setup, *, initial: int = 10) -> None:
        require_at_least(initial=(initial, 1))
        with needs_extra("search"):
            from optuna.samplers import GPSampler

        super().__init__(setup, GPSampler(n_startup_trials=initial, seed=setup.seed))


@final
class _Study:
    """A study over index vectors, in memory.

    Args:
        setup: its space and number of objectives.
        sampler: of the study.
    """

    def __init__(self, setup: Setup, sampler: "BaseSampler") -> None:
        import optuna

        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(sampler=sampler, directions=["minimize"] * setup.objectives)
        optuna.logging.set_verbosity(before)
        self._distributions: dict[str, optuna.distributions.BaseDistribution] = {
            f"x{dimension}": optuna.distributions.IntDistribution(0, int(choices) - 1)
            for dimension, choices in enumerate(setup.space.cardinalities)
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
