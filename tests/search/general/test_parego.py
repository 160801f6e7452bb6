"""Scalarisations, expected improvement, and the searcher against random draws."""

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, Evaluation, RandomSearch, Setup, hypervolume, reference_point, run, searcher
from search.models.sklearn_gp import GaussianProcess
from search.moves.scalarisation import tchebycheff, weighted_sum

SPACE = Space(6)


def test_known_scalars() -> None:
    told = Evaluation(np.array([[0.0, 4.0], [1.0, 2.0], [2.0, 0.0]]), np.zeros(3))
    np.testing.assert_allclose(tchebycheff(told, np.array([0.5, 0.5])), [0.525, 0.275, 0.525])
    np.testing.assert_allclose(weighted_sum(told, np.array([0.8, 0.2])), [0.2, 0.5, 0.8])


def test_what_breaks_the_budget_lies_above_the_rest() -> None:
    told = Evaluation(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 1.0]]), np.array([0.5, 0.0, 0.1]))
    values = tchebycheff(told, np.array([0.5, 0.5]))
    assert values[0] > values[2] > values[1]


def test_expected_improvement_is_the_integral_it_stands_for() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.random((12, 2))
    process = GaussianProcess("matern52", np.asarray, inputs, np.sin(3 * inputs[:, 0]) + inputs[:, 1])
    asked = rng.random((3, 2))
    mean, deviation = process.predict(asked)
    draws = mean + deviation * rng.standard_normal((200_000, 3))
    drawn = np.maximum(0.4 - draws, 0).mean(axis=0)
    np.testing.assert_allclose(process.improvement(asked, 0.4), drawn, atol=4e-3 * (1 + drawn.max()))


def test_beats_random_draws_at_equal_evaluations() -> None:
    problem = AdditiveProblem(SPACE)
    reference = reference_point(problem.front())
    exact = hypervolume(problem.front(), reference)
    ours, random = (
        hypervolume(run(each, problem, 32, batch=4).objectives, reference) / exact
        for each in (searcher("parego", SPACE, 2, 0), RandomSearch(Setup(SPACE, 2, 0)))
    )
    assert ours > random + 0.02
