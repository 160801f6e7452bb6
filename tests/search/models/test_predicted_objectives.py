"""Exact memory is used, the rest is modelled, and the front of a known predictor is found."""

import numpy as np

from perfmodel.space.sampling import sample
from perfmodel.space.space import Space
from search import AdditiveProblem, hypervolume, reference_point
from search.contract.archive import Archive
from search.contract.visited import Visited
from search.models.predicted_objectives import predicted_objectives
from search.published.predicted_front import predicted_front

SPACE = Space(6)


def archive_of(problem, n, budget=None):
    archive = Archive(problem.space, 2)
    vectors = sample(problem.space, n, np.random.default_rng(0))
    archive.add(vectors, problem.evaluate_vectors(vectors))
    return archive


def mean_of(vectors, values):
    return lambda rows: np.full(len(rows), values.mean())


def test_memory_is_not_modelled_where_it_is_known(known) -> None:
    problem = AdditiveProblem(SPACE)
    archive, asked = archive_of(problem, 10), sample(SPACE, 20, np.random.default_rng(1))
    limit = float(np.median(problem.measure(asked)[:, 1]))
    exact = predicted_objectives(archive, known(problem, budget=limit), mean_of)(asked)
    np.testing.assert_array_equal(exact.objectives[:, 1], problem.measure(asked)[:, 1])
    np.testing.assert_allclose(exact.objectives[:, 0], archive.told.objectives[:, 0].mean())
    assert (exact.violations > 0).sum() == 10
    modelled = predicted_objectives(archive, known(problem, memory=None), mean_of)(asked)
    np.testing.assert_allclose(modelled.objectives[:, 1], archive.told.objectives[:, 1].mean())
    assert (modelled.violations == 0).all()


def test_told_violations_are_modelled_where_the_budget_is_not_known(known) -> None:
    archive = archive_of(AdditiveProblem(SPACE, memory=60.0), 10)
    predicted = predicted_objectives(archive, known(AdditiveProblem(SPACE)), mean_of)(archive.vectors)
    np.testing.assert_allclose(predicted.violations, archive.told.violations.mean())
    assert archive.told.violations.mean() > 0


def test_the_front_of_a_perfect_predictor() -> None:
    problem = AdditiveProblem(SPACE)
    visited = Visited(SPACE)
    start = archive_of(problem, 20).vectors
    visited.mark(start)
    found = predicted_front(SPACE, problem.evaluate_vectors, start, visited, 30, 0)
    assert len(found) == len(visited.new(found)) == 30
    reference = reference_point(problem.front())
    assert hypervolume(problem.measure(found), reference) > 0.9 * hypervolume(problem.front(), reference)
