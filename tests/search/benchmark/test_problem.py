"""One query, three back ends: what was measured, what a surrogate with noise says, what live trials find."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest

from perfmodel.errors import NotEnoughTracesError, UnknownNameError, UserError
from perfmodel.predictor.predictor import Predictor
from perfmodel.space.space import Configuration, Space
from perfmodel.traces.trace import Trace
from search import run, searcher
from search.benchmark.backends import LiveBackend, SurrogateBackend, TableBackend
from search.benchmark.costs import MeasuredCost
from search.benchmark.noise import MeasuredNoise
from search.benchmark.problem import BenchmarkProblem

Make = Callable[..., Trace]
SPACE = Space(2)
FIRST, SECOND, UNKNOWN = (Configuration.uniform(2, bits=bits, rank=8) for bits in (4, 8, 16))
OBJECTIVES = ("held_out_loss", "peak_memory_bytes")


class Means:
    """Stands in for a predictor: loss follows the first layer's bits, and halves from share to share."""

    metrics = ("held_out_loss",)

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def predict_mean(self, vectors: np.ndarray) -> np.ndarray:
        return self.factor * (1.0 + vectors[:, [1]])


@pytest.fixture
def live_calls() -> list[tuple[Any, ...]]:
    return []


@pytest.fixture
def problem(make_trace: Make, live_calls: list[tuple[Any, ...]]) -> BenchmarkProblem:
    traces = [make_trace(FIRST, 0, 1.0), make_trace(FIRST, 1, 2.0), make_trace(SECOND, 0, 0.5)]
    noise = MeasuredNoise([(name, share) for share in (0.5, 1.0) for name in OBJECTIVES], np.eye(4) * 0.01, 5)
    predictors = {0.5: cast(Predictor, Means(2.0)), 1.0: cast(Predictor, Means(1.0))}

    def tune(configurations: Sequence[Configuration], at: float, seed: int) -> list[Trace]:
        live_calls.append((list(configurations), at, seed))
        failed = {"status": "oom", "held_out_loss": None, "peak_memory_bytes": None}
        return [
            make_trace(each, seed, 7.0) if each != UNKNOWN else _with_status(make_trace(each, seed, 7.0), failed)
            for each in configurations
        ]

    backends = {
        "table": TableBackend(SPACE, traces),
        "surrogate": SurrogateBackend(predictors, noise, {"peak_memory_bytes": lambda v: 100.0 + v[:, 0]}),
        "live": LiveBackend(SPACE, tune),
    }
    return BenchmarkProblem(SPACE, OBJECTIVES, backends, steps=24, cost=MeasuredCost(SPACE, traces), seed=3)


def _with_status(trace: Trace, fields: dict[str, Any]) -> Trace:
    from dataclasses import replace

    return replace(trace, measured=replace(trace.measured, **fields))


def test_the_table_knows_what_was_measured_and_nothing_else(problem: BenchmarkProblem) -> None:
    found = problem.query([FIRST, UNKNOWN], noise=False)
    assert found.values[0].tolist() == [1.5, 1000.0]
    assert np.isnan(found.values[1]).all()
    assert problem.query([FIRST], seed=1).values[0, 0] == 2.0
    assert problem.query([FIRST], seed=5).values[0, 0] == 2.0  # seed 5 was not run: one that was
    assert problem.query([FIRST], at=12, seed=0).values[0, 0] == 1.5
    assert found.seconds.tolist() == [56.0, 56.0]


def test_the_surrogate_has_means_and_noise_that_the_seed_fixes(problem: BenchmarkProblem) -> None:
    mean = problem.query([FIRST], backend="surrogate", noise=False).values
    assert mean.tolist() == [[3.0, 100.0]]
    assert problem.query([FIRST], at=12, backend="surrogate", noise=False).values[0, 0] == 6.0
    noisy = problem.query([FIRST, SECOND], backend="surrogate", seed=4).values
    assert (problem.query([SECOND], backend="surrogate", seed=4).values == noisy[1:]).all()
    assert (problem.query([FIRST], backend="surrogate", seed=5).values != noisy[:1]).all()
    assert 0 < abs(noisy[0, 0] / 3.0 - 1) < 0.5


def test_live_trials_are_made_and_their_failures_are_nan(
    problem: BenchmarkProblem, live_calls: list[tuple[Any, ...]]
) -> None:
    found = problem.query([FIRST, UNKNOWN], backend="live", seed=11)
    assert live_calls == [([FIRST, UNKNOWN], 1.0, 11)]
    assert found.values[0, 0] == 7.0
    assert np.isnan(found.values[1]).all()
    with pytest.raises(UserError, match="without noise"):
        problem.query([FIRST], backend="live", noise=False)


def test_what_is_not_offered_is_refused(problem: BenchmarkProblem) -> None:
    with pytest.raises(UserError, match="step 6"):
        problem.query([FIRST], at=6)
    with pytest.raises(UserError, match="answers at step 24"):
        problem.query([FIRST], at=12, backend="live")
    with pytest.raises(UnknownNameError, match="oracle"):
        problem.query([FIRST], backend="oracle")  # type: ignore[arg-type]


def test_any_searcher_runs_on_it_and_seconds_add_up(problem: BenchmarkProblem) -> None:
    assert problem.fidelities == (0.5, 1.0)
    history = run(searcher("random", SPACE, 2, 0), problem, 10, 4)
    assert len(history) == len(problem.seconds) == 10
    early = problem.evaluate_vectors(history.vectors, 0.5)
    assert early.objectives[:, 0] != pytest.approx(history.objectives[:, 0])
    assert problem.seconds[10:].tolist() == [31.0] * 10
    assert problem.answering_s > 0


def test_measured_cost_is_a_configurations_own_where_it_was_run(make_trace: Make) -> None:
    cost = MeasuredCost(SPACE, [make_trace(FIRST), make_trace(SECOND, prepare_time_s=15.0)])
    assert cost.seconds(SPACE.encode([FIRST, SECOND, UNKNOWN]), 1.0).tolist() == [56.0, 66.0, 61.0]
    with pytest.raises(NotEnoughTracesError):
        MeasuredCost(SPACE, [make_trace(FIRST, step_time_s=None)])
