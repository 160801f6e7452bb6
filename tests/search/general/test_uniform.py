"""The grid is uniform, starts with what people use, and keeps what is over the budget for the end."""

import numpy as np

from perfmodel.space.space import Configuration, Space
from search import AdditiveProblem, searcher
from search.contract.knowledge import Knowledge

SPACE = Space(3)


def test_the_usual_choices_come_first() -> None:
    asked = searcher("uniform", SPACE, 2, 0).ask(5)
    assert asked == [Configuration.uniform(3, bits=bits, rank=16) for bits in (16, 8, 4, 3, 2)]


def test_the_whole_grid_and_nothing_else_until_it_is_used_up() -> None:
    made, size = searcher("uniform", SPACE, 2, 0), 6 * 5 * 6
    asked = made.ask(size + 10)
    assert all(configuration.is_uniform for configuration in asked[:size])
    assert len({(each.pruning_rate, each.bits, each.ranks) for each in asked[:size]}) == size
    assert sum(configuration.is_uniform for configuration in asked[size:]) == 0


def test_what_breaks_a_known_budget_comes_last() -> None:
    problem = AdditiveProblem(SPACE)

    def memory(vectors):
        return problem.measure(vectors)[:, 1]

    made = searcher("uniform", SPACE, 2, 0, Knowledge(memory=memory, budget=60.0))
    over = memory(made.ask_vectors(180)) > 60.0
    assert 10 < over.sum() < 170
    assert (np.diff(over.astype(int)) >= 0).all()
