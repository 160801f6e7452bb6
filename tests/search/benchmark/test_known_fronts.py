"""The exact front agrees with enumeration."""

import numpy as np
import pytest

from perfmodel.space.space import Space
from search import AdditiveProblem, non_dominated
from search.contract.visited import every


@pytest.mark.parametrize("ranks", [(0, 2, 8), (2, 8)])
def test_additive_front_is_the_enumerated_one(ranks: tuple[int, ...]) -> None:
    space = Space(3, pruning_rates=(0.0, 0.3), bits=(2, 4, 8), ranks=ranks)
    problem = AdditiveProblem(space, seed=1)
    losses = problem.evaluate_vectors(every(space)).objectives
    enumerated = losses[non_dominated(losses)]
    front = problem.front()
    assert front[front[:, 1].argsort()] == pytest.approx(enumerated[enumerated[:, 1].argsort()])


def test_additive_front_of_a_whole_model_is_quick() -> None:
    front = AdditiveProblem(Space(30)).front()
    assert 50 < len(front) < 2000
    assert non_dominated(front).all()
    assert np.isfinite(front).all()
