"""Fronts and volumes checked by hand; infeasible and failed rows never count."""

import numpy as np
import pytest

from perfmodel.errors import UserError
from search import hypervolume, non_dominated, reference_point, running_hypervolume, spread

LOSSES = np.asarray([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [3.0, 3.0], [2.0, 2.0], [0.0, 0.0], [np.nan, 0.0]])
VIOLATIONS = np.asarray([0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0])


def test_non_dominated_by_hand() -> None:
    assert non_dominated(LOSSES, VIOLATIONS).tolist() == [True, True, True, False, False, False, False]
    assert non_dominated(LOSSES).tolist() == [False] * 5 + [True, False]
    assert not non_dominated(LOSSES, np.ones(7)).any()


def test_hypervolume_by_hand() -> None:
    assert hypervolume(LOSSES, np.asarray([4.0, 4.0]), VIOLATIONS) == pytest.approx(6.0)
    assert hypervolume(LOSSES, np.asarray([2.5, 2.5]), VIOLATIONS) == pytest.approx(0.25)
    assert hypervolume(LOSSES, np.asarray([4.0, 4.0]), np.ones(7)) == 0.0
    assert hypervolume(np.empty((0, 2)), np.asarray([4.0, 4.0])) == 0.0


def test_hypervolume_of_one_and_three_objectives() -> None:
    assert hypervolume(np.asarray([[2.0], [3.0]]), np.asarray([5.0])) == 3.0
    cubes = np.asarray([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    assert hypervolume(cubes, np.asarray([2.0, 2.0, 2.0])) == pytest.approx(4.0 + 2.0 - 1.0)


def test_running_hypervolume_ends_at_the_hypervolume_and_never_falls() -> None:
    rng = np.random.default_rng(0)
    losses, violations = rng.random((300, 3)), np.maximum(rng.normal(size=300), 0.0)
    reference = np.asarray([0.9, 1.0, 1.0])
    running = running_hypervolume(losses, reference, violations)
    assert (np.diff(running) >= 0).all()
    for n in (1, 17, 300):
        assert running[n - 1] == pytest.approx(hypervolume(losses[:n], reference, violations[:n]))


def test_reference_point_lies_a_tenth_beyond_the_nadir() -> None:
    assert reference_point(LOSSES, VIOLATIONS).tolist() == pytest.approx([3.2, 3.2])
    assert reference_point(np.asarray([[5.0, 0.0]])).tolist() == pytest.approx([5.5, 0.1])
    with pytest.raises(UserError, match="no feasible evaluation"):
        reference_point(LOSSES, np.ones(7))


def test_spread_takes_both_ends_and_fills_the_gaps() -> None:
    memory = np.asarray([10.0, 1.0, 2.0, 1.5, 9.5, 6.0])
    front = np.column_stack([-memory, memory])
    assert memory[spread(front, 2, axis=1)].tolist() == [1.0, 10.0]
    assert memory[spread(front, 3, axis=1)].tolist() == [1.0, 6.0, 10.0]
    assert memory[spread(front, 1, axis=1)].tolist() == [6.0]
    assert memory[spread(front, 9, axis=1)].tolist() == sorted(memory.tolist())
    assert len(spread(front[:0], 3, axis=1)) == 0
