"""One problem, three back ends: measured traces, a surrogate of them with their noise, or real fine-tunes.

Notation:
    n: configurations.
    d: dimensions of the space.
    k: metrics.

    table       what was measured, NaN where nothing was
    surrogate   a predictor's means, and on them the noise of a seed as repeated runs measured it
    live        fine-tunes made now, by a function that is handed in
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import UserError
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Trace
from search.benchmark.noise import MeasuredNoise
from search.benchmark.truncated_traces import cut_short, shares, trial_seconds

Backend = Literal["table", "surrogate", "live"]
Floats = NDArray[np.float64]
Known = Callable[[NDArray[np.int64]], Floats]
Runner = Callable[[Sequence[Configuration], float, int], Sequence[Trace]]
"""From configurations, the share of the full training and a seed to their traces, in order."""


@final
@dataclass(frozen=True)
class Answer:
    """What a back end says.

    Args:
        values: metric values in their own units, shape ``(n, k)``, NaN where nothing is known or a trial failed.
        seconds: of each trial, shape ``(n,)``, NaN where they are not known.
    """

    values: Floats
    seconds: Floats


class AbstractBackend(ABC):
    """Answers what configurations measure; implementations are final."""

    @property
    @abstractmethod
    def fidelities(self) -> tuple[float, ...]:
        """Shares of the full training at which it answers, rising, the last one 1."""

    @abstractmethod
    def answer(
        self, vectors: NDArray[np.int64], metrics: Sequence[str], at: float, *, noise: bool, seed: int
    ) -> Answer:
        """Returns values and seconds of ``n`` trials.

        Args:
            vectors: index vectors, shape ``(n, d)``.
            metrics: names of the ``k`` metrics wanted, as in ``perfmodel.space.metrics``.
            at: share of the full training, one of ``fidelities``.
            noise: one run's values, else the mean over runs.
            seed: of the run, 0 or more; the same seed gives the same answer.

        Raises:
            UserError: when it cannot answer so.
        """


@final
class TableBackend(AbstractBackend):
    """Measured traces. With noise the run of a seed: where that seed was not run, one that was.

    Args:
        space: that the index vectors are of.
        traces: of one setting and the space's methods; failed ones answer NaN.
    """

    def __init__(self, space: Space, traces: Sequence[Trace]) -> None:
        self._shares = shares(traces)
        self._space = space
        self._runs: dict[Configuration, list[Trace]] = {}
        for trace in sorted(traces, key=lambda each: each.asked.seed):
            self._runs.setdefault(trace.asked.configuration, []).append(trace)

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Shares at which all learning curves have a point."""
        return self._shares

    def answer(
        self, vectors: NDArray[np.int64], metrics: Sequence[str], at: float, *, noise: bool, seed: int
    ) -> Answer:
        """Returns what was measured."""
        rows = []
        for configuration in self._space.decode(vectors):
            runs = self._runs.get(configuration, [])
            if noise and runs:
                own = [run for run in runs if run.asked.seed == seed]
                runs = own or [runs[seed % len(runs)]]
            rows.append(_mean_row(runs, metrics, at))
        columns = np.asarray(rows, dtype=np.float64).reshape(len(vectors), len(metrics) + 1)
        return Answer(columns[:, :-1], columns[:, -1])


@final
class SurrogateBackend(AbstractBackend):
    """Predicted means with measured noise on them.

    Args:
        predictors: by the share of the full training that their traces had, 1 among them.
        noise: of every metric at every share, None to answer without noise only.
        known: metrics that are known functions of the vectors, shape ``(n, d)`` to ``(n,)``, and are not predicted.
    """

    def __init__(
        self, predictors: Mapping[float, Predictor], noise: MeasuredNoise | None, known: Mapping[str, Known]
    ) -> None:
        self._predictors = dict(sorted(predictors.items()))
        self._noise = noise
        self._known = dict(known)

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Shares for which there is a predictor."""
        return tuple(self._predictors)

    def answer(
        self, vectors: NDArray[np.int64], metrics: Sequence[str], at: float, *, noise: bool, seed: int
    ) -> Answer:
        """Returns means, or one drawn run."""
        predictor = self._predictors[at]
        predicted = predictor.predict_mean(vectors)
        means = np.column_stack(
            [
                self._known[name](vectors) if name in self._known else predicted[:, predictor.metrics.index(name)]
                for name in metrics
            ]
        )
        if noise:
            if self._noise is None:
                raise UserError("noise is asked for", "none was measured", "ask with noise=False, or measure repeats")
            means = self._noise.added(means, vectors, [(name, at) for name in metrics], seed)
        return Answer(means, np.full(len(vectors), np.nan))


@final
class LiveBackend(AbstractBackend):
    """Fine-tunes made when they are asked for.

    Args:
        space: that the index vectors are of.
        runner: makes them; a trial that fails is a trace with that status.
        fidelities: shares at which it can stop a training, rising, the last one 1.
    """

    def __init__(self, space: Space, runner: Runner, fidelities: tuple[float, ...] = (1.0,)) -> None:
        self._space, self._runner, self._fidelities = space, runner, fidelities

    @property
    def fidelities(self) -> tuple[float, ...]:
        """As they were handed in."""
        return self._fidelities

    def answer(
        self, vectors: NDArray[np.int64], metrics: Sequence[str], at: float, *, noise: bool, seed: int
    ) -> Answer:
        """Returns what the new trials measure."""
        if not noise:
            raise UserError("a live trial without noise", "every real run has its seed's noise", "ask with noise=True")
        traces = self._runner(self._space.decode(vectors), at, seed)
        # These trials were stopped at the share: their last values are the ones wanted.
        rows = [_mean_row([trace], metrics, 1.0) for trace in traces]
        columns = np.asarray(rows, dtype=np.float64).reshape(len(vectors), len(metrics) + 1)
        return Answer(columns[:, :-1], columns[:, -1])


def _mean_row(runs: Sequence[Trace], metrics: Sequence[str], at: float) -> list[float]:
    """Returns the mean of each metric over the runs that ended well, and the mean seconds; NaN where there is none."""
    rows = []
    for run in runs:
        seconds = trial_seconds(run, at)
        measured = cut_short(run, at).measured if run.ok else None
        values = [getattr(measured, name, None) for name in metrics]
        rows.append([np.nan if value is None else float(value) for value in (*values, seconds)])
    if not rows:
        return [np.nan] * (len(metrics) + 1)
    columns = np.asarray(rows, dtype=np.float64)
    known = np.isfinite(columns)
    counts = known.sum(axis=0)
    sums = np.where(known, columns, 0.0).sum(axis=0)
    means: list[float] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).tolist()
    return means
