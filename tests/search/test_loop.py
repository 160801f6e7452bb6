"""The loop keeps order, reports progress, stops when a space is used up and refuses a mismatch."""

import numpy as np
import pytest

from perfmodel.errors import UserError
from perfmodel.space import Space
from search import AdditiveProblem, RandomSearch, run

SPACE = Space(3)
PROBLEM = AdditiveProblem(SPACE)


def test_history_is_what_was_evaluated() -> None:
    seen = []
    history = run(RandomSearch(SPACE, 2, 0), PROBLEM, 10, 4, lambda done, total: seen.append((done, total)))
    assert seen == [(4, 10), (8, 10), (10, 10)]
    assert len(history) == len(history.configurations) == 10
    assert (PROBLEM.evaluate(history.configurations).objectives == history.objectives).all()
    assert history.violations.tolist() == [0.0] * 10


def test_no_evaluations_make_an_empty_history() -> None:
    history = run(RandomSearch(SPACE, 2, 0), PROBLEM, 0, 4)
    assert len(history) == 0
    assert history.objectives.shape == (0, 2)
    assert history.vectors.dtype == np.int64


def test_a_used_up_space_ends_the_loop() -> None:
    space = Space(1, (0.0,), (2, 4), (0, 4))
    assert len(run(RandomSearch(space, 2, 0), AdditiveProblem(space), 50, 4)) == 2


@pytest.mark.parametrize(
    ("searcher", "batch"),
    [(RandomSearch(Space(4), 2, 0), 4), (RandomSearch(SPACE, 3, 0), 4), (RandomSearch(SPACE, 2, 0), 0)],
)
def test_a_mismatch_is_refused(searcher: RandomSearch, batch: int) -> None:
    with pytest.raises(UserError, match="the same space"):
        run(searcher, PROBLEM, 8, batch)
