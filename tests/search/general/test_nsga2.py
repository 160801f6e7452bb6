"""NSGA-II reaches known fronts, beats random draws and keeps to a budget."""

import numpy as np
import pytest
from integer_forms import IntegerForm

from perfmodel.space.space import Space
from search import NSGA2, AdditiveProblem, RandomSearch, Setup, hypervolume, reference_point, run

SMALL = Space(3)
MODEL = Space(30)


def shares(problem: AdditiveProblem | IntegerForm, evaluations: int, seed: int = 0) -> tuple[float, float]:
    """Returns the shares of the exact front's hypervolume that NSGA-II and random draws reach."""
    reference = reference_point(problem.front())
    exact = hypervolume(problem.front(), reference)
    searchers = NSGA2(Setup(problem.space, 2, seed)), RandomSearch(Setup(problem.space, 2, seed))
    histories = [run(each, problem, evaluations, batch=100) for each in searchers]
    evolved, random = (hypervolume(history.objectives, reference) / exact for history in histories)
    return evolved, random


@pytest.mark.parametrize("seed", range(3))
def test_exact_front_of_a_small_space(seed: int) -> None:
    evolved, random = shares(AdditiveProblem(SMALL, seed), 4000, seed)
    assert evolved >= 0.99
    assert evolved > random


def test_additive_front_of_thirty_layers() -> None:
    evolved, random = shares(AdditiveProblem(MODEL), 5000)
    assert evolved >= 0.93
    assert evolved > random


def test_zdt1_of_thirty_layers() -> None:
    evolved, random = shares(IntegerForm("zdt1", Space(30, ranks=(2, 4, 8, 16))), 5000)
    assert evolved >= 0.99
    assert evolved > random


def test_the_later_half_keeps_to_a_budget() -> None:
    smallest = AdditiveProblem(MODEL).front()[:, 1].min()
    history = run(
        NSGA2(Setup(MODEL, 2, 0), population=40), AdditiveProblem(MODEL, memory=1.3 * smallest), 1200, batch=40
    )
    feasible = history.violations == 0
    assert feasible[600:].mean() > 0.5 > feasible[:40].mean()


def test_batches_of_any_size_learn() -> None:
    problem = IntegerForm("zdt1", Space(6, ranks=(2, 4, 8, 16)))
    searcher, rng, losses = NSGA2(Setup(problem.space, 2, 0), population=20), np.random.default_rng(0), []
    for _ in range(100):
        asked = searcher.ask_vectors(int(rng.integers(1, 30)))
        evaluation = problem.evaluate_vectors(asked)
        searcher.tell_vectors(asked, evaluation)
        losses.append(evaluation.objectives)
    reference = reference_point(problem.front())
    assert hypervolume(np.concatenate(losses), reference) >= 0.97 * hypervolume(problem.front(), reference)
