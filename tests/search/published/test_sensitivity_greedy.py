"""Widths follow the fall of KL per byte, at one rate and one rank, whatever the results."""

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, searcher

SPACE = Space(6, pruning_rates=(0.0, 0.5))


def test_one_rate_one_rank_and_sensitive_units_first(known) -> None:
    problem = AdditiveProblem(SPACE)
    knowledge = known(problem)
    vectors = searcher("sensitivity_greedy", SPACE, 2, 0, knowledge, rank=8).ask_vectors(8)
    assert set(vectors[:, 0]) == {0}
    assert set(vectors[:, 7:].ravel()) == {SPACE.ranks.index(8)}
    order = np.argsort(knowledge.sensitivities.kl[:, 0])
    assert (np.diff(vectors[:, 1:7][:, order], axis=1) >= 0).mean() > 0.9


def test_within_the_budget_no_single_step_that_is_worth_more_was_left(known) -> None:
    problem = AdditiveProblem(SPACE)
    knowledge = known(problem, budget=95.0)
    vector = searcher("sensitivity_greedy", SPACE, 2, 0, knowledge).ask_vectors(1)
    size = knowledge.memory(vector)[0]
    assert size <= 95.0
    for unit in range(1, 7):
        if vector[0, unit] + 1 < len(SPACE.bits):
            raised = vector.copy()
            raised[0, unit] += 1
            assert knowledge.memory(raised)[0] > 95.0


def test_results_change_nothing(known) -> None:
    problem = AdditiveProblem(SPACE)
    told, untold = (searcher("sensitivity_greedy", SPACE, 2, 0, known(problem)) for _ in range(2))
    asked = told.ask(4)
    assert asked == untold.ask(4)
    told.tell(asked, problem.evaluate(asked))
    assert told.ask(4) == untold.ask(4)
