"""A search that starts where other tasks say: on their front, spread along the memory, within the budget."""

from collections.abc import Callable

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, Setup, run
from search.contract.knowledge import Knowledge
from search.contract.pareto import hypervolume, reference_point
from search.joint.joint import Joint
from search.joint.transferred_start import TransferredStart

SPACE = Space(6)
Known = Callable[..., Knowledge]


def prior_of(problem: AdditiveProblem) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a loss that rises with the problem's own, on another scale."""
    return lambda vectors: 3.0 + 0.2 * problem.measure(vectors)[:, 0]


def test_the_start_spans_the_front_that_is_foretold(known: Known) -> None:
    problem = AdditiveProblem(SPACE)
    made = TransferredStart(SPACE, known(problem, prior=prior_of(problem)), 0)
    assert not made.started
    points = np.concatenate([made.start(3), made.start(99)])
    assert made.started and len(points) == 8 and len(made.start(4)) == 0
    values, front = problem.measure(points), problem.front()
    sizes = np.sort(values[:, 1])
    assert sizes[0] == front[:, 1].min() and sizes[-1] > 0.8 * front[:, 1].max()
    assert np.diff(sizes).max() < 0.4 * np.ptp(sizes)
    reference = reference_point(front, np.zeros(len(front)))
    assert hypervolume(values, reference) > 0.75 * hypervolume(front, reference)


def test_a_budget_holds_from_the_start(known: Known) -> None:
    problem = AdditiveProblem(SPACE)
    made = TransferredStart(SPACE, known(problem, prior=prior_of(problem), budget=40.0), 0)
    assert 0 < problem.measure(made.start(8))[:, 1].max() <= 40.0
    nothing = TransferredStart(SPACE, known(problem, prior=prior_of(problem), budget=0.1), 0)
    assert len(nothing.start(8)) == 0 and nothing.started


def test_joint_starts_there_and_is_ahead_with_few_results(known: Known) -> None:
    problem = AdditiveProblem(SPACE, seed=3)
    told = known(problem, prior=prior_of(problem))
    reference = reference_point(problem.front(), np.zeros(len(problem.front())))
    volumes = []
    for options in ({}, {"with_prior": 0}, {"with_prior": 0, "with_warm_start": 0}):
        history = run(Joint(Setup(SPACE, 2, 0, told), **options), problem, 8, 4)
        volumes.append(hypervolume(history.objectives, reference))
    assert volumes[0] > volumes[2]
    assert volumes[0] != volumes[1]


def test_a_start_without_a_point_within_the_budget_does_not_end_the_search(known: Known) -> None:
    problem = AdditiveProblem(SPACE, memory=0.1)
    history = run(
        Joint(Setup(SPACE, 2, 0, known(problem, prior=prior_of(problem), budget=0.1)), initial=4), problem, 6, 3
    )
    assert len(history) == 6
