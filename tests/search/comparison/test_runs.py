"""Runs are small files: what is there stays, what is missing or failed is made, and one failure stops nothing else."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from perfmodel.errors import CorruptFileError, InfeasibleBudgetError, OutputFolderError, UnknownNameError
from perfmodel.space.space import Space
from search import SEARCHERS, AbstractSearcher, AdditiveProblem, Evaluation
from search.benchmark.backends import AbstractBackend, Answer
from search.benchmark.costs import AbstractCost
from search.benchmark.problem import BenchmarkProblem
from search.comparison.metrics import recommended
from search.comparison.runs import Plan, SearchTask, compare, records, run_path
from search.comparison.summary import summary
from search.contract.knowledge import Knowledge

OBJECTIVES = ("held_out_loss", "peak_memory_bytes")
PLAN = Plan(("random", "nsga2"), ("sums",), (0, 1), 6, 3, 100)


class Sums(AbstractBackend):
    """An additive problem with a little noise."""

    def __init__(self, space: Space, *, fails: bool = False) -> None:
        self.problem = AdditiveProblem(space)
        self.fails = fails

    @property
    def fidelities(self) -> tuple[float, ...]:
        return (1.0,)

    def answer(self, vectors: np.ndarray, metrics: object, at: float, *, noise: bool, seed: int) -> Answer:
        values = self.problem.measure(vectors)
        if noise:
            values = values + np.random.default_rng(seed).standard_normal(values.shape) / 10
            values[(vectors[:, 1] > 2) & self.fails] = np.nan
        return Answer(values, np.full(len(vectors), np.nan))


class Minute(AbstractCost):
    def seconds(self, vectors: np.ndarray, at: float) -> np.ndarray:
        return np.full(len(vectors), 60.0 * at)


@dataclass(frozen=True)
class AdditiveTasks:
    """Makes additive problems to search on, equal by value."""

    identity: str = "first"
    units: int = 3
    memory: float | None = None
    fails: bool = False

    def __call__(self, task: str) -> SearchTask:
        space = Space(self.units) if self.units > 1 else Space(1, (0.0,), (4,), (8,))
        backend = Sums(space, fails=self.fails)
        budget = None if self.memory is None else {OBJECTIVES[1]: self.memory}

        def problem(seed: int | None) -> BenchmarkProblem:
            return BenchmarkProblem(
                space,
                OBJECTIVES,
                {"surrogate": backend},
                steps=10,
                cost=Minute(),
                budget=budget,
                noise=seed is not None,
                seed=seed or 0,
            )

        uniform = (0, *[0] * self.units, *[0] * self.units) if self.units == 1 else (0, 2, 2, 2, 3, 3, 3)
        return SearchTask(f"{self.identity} {task}", problem, Knowledge(), uniform)


def made_files(folder: Path) -> dict[str, float]:
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*.json")}


def test_a_run_says_what_was_asked_seen_true_and_spent(tmp_path: Path) -> None:
    compare(PLAN, AdditiveTasks(), tmp_path, 1, lambda _: None)
    runs, references = records(PLAN, tmp_path)
    assert [(run["contender"], run["seed"]) for run in runs] == [(n, s) for s in (0, 1) for n in PLAN.contenders]
    space = Space(3)
    for run in runs:
        true = AdditiveProblem(space).measure(np.asarray(run["vectors"]))
        assert run["true"] == pytest.approx(true)
        assert run["observed"] != pytest.approx(true, abs=1e-6)
        assert run["seconds"] == [60.0] * 6
        assert run["overhead_s"] >= 0
    assert references["sums"]["uniform"] is not None
    assert json.loads(json.dumps(references["sums"]["space"]))["units"] == 3


def test_the_same_seed_gives_the_same_run_and_others_differ(tmp_path: Path) -> None:
    compare(PLAN, AdditiveTasks(), tmp_path / "a", 1, lambda _: None)
    compare(PLAN, AdditiveTasks(), tmp_path / "b", 1, lambda _: None)
    first, second = (
        [(run["vectors"], run["observed"]) for run in records(PLAN, tmp_path / name)[0]] for name in ("a", "b")
    )
    assert first == second
    assert first[0] != first[2]


def test_a_rerun_makes_only_what_is_missing(tmp_path: Path) -> None:
    said: list[str] = []
    compare(PLAN, AdditiveTasks(), tmp_path, 1, said.append)
    assert len(said) == 4
    before = made_files(tmp_path)
    gone = run_path(tmp_path, ("nsga2", "sums", 1))
    gone.unlink()
    compare(replace(PLAN, seeds=(0, 1, 2)), AdditiveTasks(), tmp_path, 1, said.append)
    assert sorted(said[4:]) == ["nsga2 on sums, seed 1", "nsga2 on sums, seed 2", "random on sums, seed 2"]
    after = made_files(tmp_path)
    assert {name for name in before if after[name] != before[name]} == {gone.relative_to(tmp_path).as_posix()}


def test_fewer_evaluations_are_there_already_and_more_are_not(tmp_path: Path) -> None:
    said: list[str] = []
    compare(PLAN, AdditiveTasks(), tmp_path, 1, said.append)
    compare(replace(PLAN, evaluations=4), AdditiveTasks(), tmp_path, 1, said.append)
    assert len(said) == 4
    compare(replace(PLAN, evaluations=8), AdditiveTasks(), tmp_path, 1, said.append)
    assert len(said) == 8


def test_another_task_of_the_same_name_is_searched_again(tmp_path: Path) -> None:
    said: list[str] = []
    compare(PLAN, AdditiveTasks(), tmp_path, 1, said.append)
    compare(PLAN, AdditiveTasks("second"), tmp_path, 1, said.append)
    assert len(said) == 8
    assert records(PLAN, tmp_path)[1]["sums"]["identity"] == "second sums"


def test_an_interrupted_comparison_goes_on(tmp_path: Path) -> None:
    said: list[str] = []

    def stop(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(PLAN, AdditiveTasks(), tmp_path, 1, stop)
    assert len(records(PLAN, tmp_path)[0]) == 2
    compare(PLAN, AdditiveTasks(), tmp_path, 1, said.append)
    assert len(said) == 4
    assert len(set(said)) == 4
    assert not list(tmp_path.rglob("*.partial*"))


def test_a_searcher_that_raises_is_recorded_and_tried_again(tmp_path: Path) -> None:
    plan = replace(PLAN, contenders=("random", "milp"), seeds=(0,))
    said: list[str] = []
    compare(plan, AdditiveTasks(), tmp_path, 1, said.append)
    runs = {run["contender"]: run for run in records(plan, tmp_path)[0]}
    assert runs["random"]["status"] == "ok"
    assert runs["milp"]["status"] == "failed"
    assert "given no sensitivities" in runs["milp"]["reason"]
    compare(plan, AdditiveTasks(), tmp_path, 1, said.append)
    assert len(said) == 3
    assert "given no sensitivities" in said[-1]


def test_an_infeasible_budget_is_refused_before_anything_is_searched(tmp_path: Path) -> None:
    smallest = AdditiveProblem(Space(3)).front()[:, 1].min()
    with pytest.raises(InfeasibleBudgetError, match=f"peak_memory_bytes {smallest:g}"):
        compare(PLAN, AdditiveTasks(memory=smallest - 1), tmp_path, 1, lambda _: None)
    assert not list(tmp_path.iterdir())


def test_a_budget_that_is_hard_to_meet_leaves_a_summary(tmp_path: Path) -> None:
    smallest = AdditiveProblem(Space(3)).front()[:, 1].min()
    compare(PLAN, AdditiveTasks(memory=smallest), tmp_path, 1, lambda _: None)
    runs, references = records(PLAN, tmp_path)
    assert any(max(run["violations"]) > 0 for run in runs)
    assert references["sums"]["front"][0][1] == smallest
    found = summary(runs, references, [6])["tasks"]["sums"]["contenders"]
    assert all(0 <= entry["regret"]["6"]["value"] <= 1 for entry in found.values())


def test_failed_trials_cost_and_are_told_to_nobody(tmp_path: Path) -> None:
    plan = replace(PLAN, contenders=("random", "nsga2_20"), evaluations=40)
    compare(plan, AdditiveTasks(fails=True), tmp_path, 1, lambda _: None)
    runs, _ = records(plan, tmp_path)
    for run in runs:
        failed = np.asarray(run["vectors"])[:, 1] > 2
        assert run["status"] == "ok"
        assert [row[0] is None for row in run["observed"]] == failed.tolist()
        assert 0 < failed.sum() < 40
        assert run["seconds"] == [60.0] * 40
    assert len(set(recommended(runs[0])) & set(np.flatnonzero(np.asarray(runs[0]["vectors"])[:, 1] > 2))) == 0


def test_a_searcher_that_proposes_what_is_illegal_or_repeated_is_compared_on_legal_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Rogue(AbstractSearcher):
        def _propose(self, n: int) -> np.ndarray:
            return np.array(
                [[0, 9, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0], [1, 2, 3, 0, 1, 0, 0], [1, 2, 3, 0, 1, 0, 0]]
            )

        def _learn(self, vectors: np.ndarray, evaluation: Evaluation) -> None:
            """Learns nothing."""

    monkeypatch.setattr("search.registry.SEARCHERS", {**SEARCHERS, "random": Rogue})
    compare(replace(PLAN, contenders=("random",)), AdditiveTasks(), tmp_path, 1, lambda _: None)
    for run in records(replace(PLAN, contenders=("random",)), tmp_path)[0]:
        assert len({tuple(row) for row in run["vectors"]}) == 6
        for configuration in Space(3).decode(np.asarray(run["vectors"])):
            Space(3).validate(configuration)


def test_a_damaged_run_is_made_again(tmp_path: Path) -> None:
    compare(PLAN, AdditiveTasks(), tmp_path, 1, lambda _: None)
    path = run_path(tmp_path, ("random", "sums", 0))
    path.write_text(path.read_text()[:40])
    with pytest.raises(CorruptFileError, match="made again"):
        records(PLAN, tmp_path)
    said: list[str] = []
    compare(PLAN, AdditiveTasks(), tmp_path, 1, said.append)
    assert said == ["random on sums, seed 0"]


def test_a_space_of_one_point(tmp_path: Path) -> None:
    compare(PLAN, AdditiveTasks(units=1), tmp_path, 1, lambda _: None)
    assert [len(run["vectors"]) for run in records(PLAN, tmp_path)[0]] == [1] * 4


def test_mistakes_are_named_before_anything_is_searched(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="joint_without_warm_start"):
        compare(replace(PLAN, contenders=("oracle",)), AdditiveTasks(), tmp_path, 1, lambda _: None)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFolderError):
        compare(PLAN, AdditiveTasks(), tmp_path / "file", 1, lambda _: None)
