"""The start by mutual information, one rate and rank, and a Bayesian search that lowers the loss within budgets."""

from dataclasses import replace

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, run, searcher

SPACE = Space(4, pruning_rates=(0.0, 0.2), bits=(2, 4, 8, 16), ranks=(0, 8))


def test_the_start_buys_by_information_and_log2_per_added_bit(known) -> None:
    knowledge = known(AdditiveProblem(SPACE), budget=32.0 + 8.0 + 8.0 + 8.0)
    # Bytes: 32 at this rate, 2 a unit for the rank, and 2 a unit for the lowest bits, so 8 are left.
    information = np.array([1.0, 0.6, 0.3, 0.2])
    sensitivities = replace(knowledge.sensitivities, information=information)
    vector = searcher("qpruner", SPACE, 2, 0, replace(knowledge, sensitivities=sensitivities)).ask_vectors(1)[0]
    # Worth of 2 to 4: MI / 2, of 4 to 8: MI / 4. In order 0.5, 0.3 and 0.25: then all 8 are spent.
    assert vector.tolist() == [1, 2, 1, 0, 0, 1, 1, 1, 1]


def test_every_proposal_keeps_rate_rank_and_budget(known) -> None:
    problem = AdditiveProblem(SPACE)
    knowledge = known(problem, budget=60.0)
    history = run(searcher("qpruner", SPACE, 2, 0, knowledge, initial=8), problem, 20, batch=4)
    assert set(history.vectors[:, 0]) == {1}
    assert set(history.vectors[:, 5:].ravel()) == {1}
    assert knowledge.memory(history.vectors).max() <= 60.0


def test_results_correct_a_wrong_start(known) -> None:
    space = Space(8, pruning_rates=(0.0, 0.2), bits=(2, 4, 8, 16), ranks=(0, 8))
    problem = AdditiveProblem(space, 1)
    knowledge = known(problem, budget=32.0 + 16.0 + 32.0)
    misled = replace(knowledge.sensitivities, information=1 / knowledge.sensitivities.information)
    history = run(searcher("qpruner", space, 2, 0, replace(knowledge, sensitivities=misled)), problem, 40, batch=4)
    losses = history.objectives[:, 0]
    assert losses[10:].min() < losses[:10].min()
    assert losses[10:].min() < 0.75 * losses[0]
