"""The three stages: a start by sensitivity, neighbours and whole genes, then a weighted sum."""

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, hypervolume, run, searcher

SPACE = Space(6, ranks=(0, 4, 8, 16))


def test_the_start_gives_bits_and_rank_to_the_sensitive_and_the_rest_are_neighbours(known) -> None:
    knowledge = known(AdditiveProblem(SPACE))
    vectors = searcher("qr_adaptor", SPACE, 2, 0, knowledge).ask_vectors(5)
    start = vectors[0]
    kl = knowledge.sensitivities.kl[:, 0]
    order = np.argsort(kl)
    share = (kl - kl.min()) / np.ptp(kl)
    assert start[1:7].tolist() == np.rint(4 * share).tolist()
    assert start[7:].tolist() == (1 + np.rint(2 * share)).tolist()
    assert (np.diff(start[1:7][order]) >= 0).all()
    assert (np.diff(start[7:][order]) >= 0).all()
    assert start[7:].min() == 1
    assert np.abs(vectors[1:] - start).max() == 1
    assert set(vectors[:, 0]) == {0}


def test_what_is_over_a_known_budget_is_repaired(known) -> None:
    problem = AdditiveProblem(SPACE)
    knowledge = known(problem, budget=80.0)
    history = run(searcher("qr_adaptor", SPACE, 2, 0, knowledge, population=4, generations=2), problem, 24, batch=4)
    assert knowledge.memory(history.vectors).max() <= 80.0


def test_children_are_the_genes_of_the_elite_or_neighbours(known) -> None:
    problem = AdditiveProblem(SPACE)
    made = searcher("qr_adaptor", SPACE, 2, 0, known(problem), population=4, generations=20)
    history = run(made, problem, 40, batch=4)
    reference = history.objectives.max(axis=0) + 1
    children = made.ask_vectors(4)
    elite = history.vectors
    for child in children:
        steps = np.abs(elite[:, 1:7] - child[1:7]) + np.abs(elite[:, 7:] - child[7:])
        assert (steps.min(axis=0) <= 1).all()
    assert hypervolume(history.objectives[20:], reference) > hypervolume(history.objectives[:4], reference)


def test_the_third_stage_seeks_the_weighted_sum(known) -> None:
    problem = AdditiveProblem(SPACE)
    found = {}
    for percent in (5, 95):
        made = searcher("qr_adaptor", SPACE, 2, 0, known(problem), population=4, generations=1, loss_percent=percent)
        found[percent] = run(made, problem, 32, batch=4).objectives[8:].mean(axis=0)
    assert found[95][0] < found[5][0]
    assert found[95][1] > found[5][1]


def test_better_than_its_start(known) -> None:
    problem = AdditiveProblem(SPACE)
    history = run(searcher("qr_adaptor", SPACE, 2, 0, known(problem)), problem, 45, batch=5)
    reference = history.objectives.max(axis=0) + 1
    volumes = [hypervolume(history.objectives[:n], reference) for n in (5, 30, 45)]
    assert volumes[0] < volumes[1] < volumes[2]
