"""Live trials go through the run's store and executor, stop where they are told, and fail as rows of NaN."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from collectors.executors import InlineExecutor
from perfmodel.space.space import Configuration
from reports.live.backend import LiveTrials, stopped_at
from reports.run.run import Run
from reports.run.suite import parse_suite
from search.benchmark.backends import LiveBackend
from search.benchmark.costs import AbstractCost
from search.benchmark.problem import BenchmarkProblem

FIRST, SECOND = (Configuration.uniform(8, bits=bits, rank=8) for bits in (4, 8))


class Unknown(AbstractCost):
    def seconds(self, vectors: np.ndarray, at: float) -> np.ndarray:
        return np.zeros(len(vectors))


@pytest.fixture
def live_run(suite_values: dict[str, Any], tmp_path: Path, fake_runner: Callable[..., Any]) -> tuple[Run, Any]:
    made = fake_runner(lambda asked: "oom" if asked.configuration == SECOND else "ok")
    made.said = []
    run = Run(parse_suite(suite_values), tmp_path, "bench", made.said.append, lambda _: InlineExecutor(made))
    run.prepare_folder()
    return run, made


def test_trials_are_run_once_in_order_with_their_seed(live_run: tuple[Run, Any]) -> None:
    run, made = live_run
    trials = LiveTrials(run)
    traces = trials([SECOND, FIRST], 1.0, 7)
    assert [trace.asked.configuration for trace in traces] == [SECOND, FIRST]
    assert {(asked.seed, asked.source) for asked in made.asked} == {(7, "search")}
    again = trials([FIRST], 1.0, 7)
    assert again == traces[1:]
    assert len(made.asked) == 2
    assert [line.partition(": ")[0] for line in made.said if "loss" in line or "oom" in line] == ["search, seed 7"] * 2


def test_a_trial_stopped_early_keeps_the_horizon(live_run: tuple[Run, Any]) -> None:
    setting = live_run[0].setting
    early = stopped_at(setting, 0.5).recipe
    assert (early.steps, early.horizon) == (2, 4)
    assert stopped_at(setting, 1.0) is setting


def test_a_search_on_live_trials(live_run: tuple[Run, Any]) -> None:
    run, _ = live_run
    problem = BenchmarkProblem(
        run.space,
        run.suite.objectives,
        {"live": LiveBackend(run.space, LiveTrials(run))},
        steps=4,
        cost=Unknown(),
        backend="live",
        seed=3,
    )
    evaluation = problem.evaluate([FIRST, SECOND])
    assert evaluation.measured.tolist() == [True, False]
    assert problem.seconds[0] == 2.0 + 4 * 0.5
