"""Among measured configurations each is given once at each share, the nearest to what is asked for first."""

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, RandomSearch, Setup, run
from search.benchmark.nearest_measured import NearestMeasured

SPACE = Space(2)
ROWS = np.asarray([[0, 0, 0, 1, 1], [0, 4, 4, 6, 6], [5, 0, 0, 1, 1]])


def test_the_nearest_is_given_once_at_each_share() -> None:
    nearest = NearestMeasured(SPACE, ROWS)
    asked = np.asarray([[0, 4, 3, 6, 6], [0, 4, 4, 6, 6], [4, 0, 0, 1, 1], [0, 0, 0, 1, 1]])
    assert nearest(asked[:1], 1.0).tolist() == [ROWS[1].tolist()]
    assert nearest(asked[1:], 0.5).tolist() == [ROWS[1].tolist(), ROWS[2].tolist(), ROWS[0].tolist()]
    assert nearest(asked[1:], 1.0).tolist() == [ROWS[0].tolist(), ROWS[2].tolist()]
    assert nearest(asked, 1.0).shape == (0, 5)


def test_a_search_among_them_evaluates_nothing_else_and_ends_with_them() -> None:
    history = run(
        RandomSearch(Setup(SPACE, 2, 0)), AdditiveProblem(SPACE), 20, 2, stand_in=NearestMeasured(SPACE, ROWS)
    )
    assert sorted(history.vectors.tolist()) == ROWS.tolist()
