"""Every result reaches Optuna's study, whoever asked for it, with its violation."""

import numpy as np
import pytest
from integer_forms import IntegerForm

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search import Evaluation, hypervolume, reference_point, run, searcher

SPACE = Space(3)


@pytest.mark.parametrize("name", ["optuna_tpe", "optuna_nsga2"])
def test_results_of_others_and_of_its_own_stand_once_in_the_study(name) -> None:
    made = searcher(name, SPACE, 2, 0)
    foreign = sample(SPACE, 5, np.random.default_rng(7))
    made.tell_vectors(foreign, Evaluation(np.arange(10.0).reshape(5, 2), np.array([0.0, 1.0, 0.0, 2.0, 0.0])))
    asked = made.ask_vectors(4)
    made.tell_vectors(asked, Evaluation(np.ones((4, 2)), np.zeros(4)))
    trials = [trial for trial in made._study._study.trials if trial.state.name == "COMPLETE"]
    told = [[trial.params[f"x{dimension}"] for dimension in range(7)] for trial in trials]
    assert told == [*foreign.tolist(), *asked.tolist()]
    assert [trial.values for trial in trials[:2]] == [[0.0, 1.0], [2.0, 3.0]]
    assert [list(trial.constraints.values()) for trial in trials[:2]] == [[0.0], [1.0]]


def test_infeasible_trials_are_not_its_best() -> None:
    made = searcher("optuna_tpe", SPACE, 2, 0)
    vectors = sample(SPACE, 2, np.random.default_rng(0))
    made.tell_vectors(vectors, Evaluation(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([1.0, 0.0])))
    assert [trial.values for trial in made._study._study.best_trials] == [[1.0, 1.0]]


def test_generations_pass() -> None:
    problem = IntegerForm("zdt1", Space(3, ranks=(2, 4, 8, 16)))
    reference = reference_point(problem.front())
    history = run(searcher("optuna_nsga2", problem.space, 2, 1, population=10), problem, 200, batch=10)
    volumes = [hypervolume(history.objectives[rows], reference) for rows in (slice(0, 20), slice(180, 200))]
    assert volumes[1] > volumes[0] + 0.05
