"""The front and what is remembered of a long history."""

import numpy as np

from perfmodel.space.space import Space
from search import Evaluation
from search.contract.archive import Archive


def archive_of(objectives, violations) -> Archive:
    archive = Archive(Space(1), 2)
    archive.add(np.zeros((len(objectives), 3), dtype=np.int64), Evaluation(np.array(objectives), np.array(violations)))
    return archive


def test_the_front_is_feasible_and_not_dominated() -> None:
    told = [[0.0, 3.0], [1.0, 1.0], [2.0, 2.0], [0.0, 0.0]], [0.0, 0.0, 0.0, 1.0]
    assert archive_of(*told).front().tolist() == [0, 1]


def test_while_nothing_is_feasible_the_nearest_stand_in() -> None:
    told = [[float(row), 1.0] for row in range(8)], [5.0, 1.0, 4.0, 3.0, 2.0, 6.0, 7.0, 8.0]
    assert archive_of(*told).front().tolist() == [1, 4]
    assert len(archive_of(np.empty((0, 2)), []).front()) == 0


def test_the_front_is_remembered_before_the_latest() -> None:
    told = archive_of([[0.0, 0.0]] + [[1.0, float(row)] for row in range(9)], np.zeros(10))
    assert told.remembered(4).tolist() == [0, 7, 8, 9]
