"""Sensitive units are frozen, random starts, then rounds from a predictor's front."""

from dataclasses import replace

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, run, searcher

SPACE = Space(6, bits=(2, 3, 4, 8))


def test_units_beyond_twice_the_median_keep_the_highest_width(known) -> None:
    problem = AdditiveProblem(SPACE)
    knowledge = known(problem)
    kl = np.tile(np.array([1.0, 1.1, 0.9, 1.0, 2.3, 1.9])[:, None], (1, 4))
    knowledge = replace(knowledge, sensitivities=replace(knowledge.sensitivities, kl=kl))
    history = run(searcher("amq", SPACE, 2, 0, knowledge, initial=10, fresh=5), problem, 20, batch=5)
    assert (history.vectors[:, 5] == 2).all()
    assert (history.vectors[:, 6] < 2).any()
    assert set(history.vectors[:, 0]) == {0}
    assert set(history.vectors[:, 7:].ravel()) == {SPACE.ranks.index(8)}


def test_the_first_are_the_lowest_and_the_highest_widths_and_mean_widths_spread(known) -> None:
    space = Space(30)
    vectors = searcher("amq", space, 2, 0, known(AdditiveProblem(space)), with_freezing=0).ask_vectors(50)
    bits = np.asarray(space.bits)[vectors[:, 1:31]]
    assert set(bits[0]) == {2} and set(bits[1]) == {4}
    assert bits.max() == 4
    # Fair draws of each unit would all have a mean near 3.
    assert bits.mean(axis=1).std() > 0.3


def test_rounds_lie_nearer_to_the_front_than_the_random_start(known) -> None:
    problem = AdditiveProblem(SPACE, 1)
    history = run(searcher("amq", SPACE, 2, 0, known(problem), initial=30, fresh=10), problem, 50, batch=10)
    losses = history.objectives

    def better(each):
        return ((losses <= each).all(axis=1) & (losses < each).any(axis=1)).sum()

    dominated = np.array([better(each) for each in losses])
    assert dominated[30:].mean() < 0.5 * dominated[:30].mean()


def test_a_round_is_one_predictor_for_all_its_batches(known) -> None:
    problem = AdditiveProblem(SPACE)
    told, untold = (searcher("amq", SPACE, 2, 0, known(problem), initial=10, fresh=12) for _ in range(2))
    for made in (told, untold):
        asked = made.ask(10)
        made.tell(asked, problem.evaluate(asked))
    first = told.ask(4)
    assert first == untold.ask(4)
    told.tell(first, problem.evaluate(first))
    assert told.ask(4) == untold.ask(4)
