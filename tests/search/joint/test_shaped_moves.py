"""Moves follow importance: what matters goes up, what does not goes down, by one level of bits or of ranks."""

from collections.abc import Callable

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem
from search.contract.knowledge import NOTHING, Knowledge
from search.joint.shaped_inputs import ShapedInputs
from search.joint.shaped_moves import importance, shaped_move

SPACE = Space(6)
MIDDLE = np.tile(np.asarray([2] + [2] * 6 + [3] * 6), (4000, 1))


def test_sensitive_units_go_up_and_others_down() -> None:
    weights = np.asarray([0.1, 0.1, 0.1, 0.1, 0.1, 5.0])
    steps = shaped_move(SPACE, MIDDLE, weights, np.random.default_rng(0)) - MIDDLE
    bits, ranks = steps[:, 1:7], steps[:, 7:]
    assert (np.abs(steps).max(axis=1) <= 1).all()
    assert (steps[:, 0] == 0).all()
    assert not ((bits != 0).any(axis=1) & (ranks != 0).any(axis=1)).any()
    assert bits[:, 5].mean() > 0.2 > 0 > bits[:, :5].mean()
    assert ranks[:, 5].mean() > 0 > ranks[:, :5].mean()


def test_without_sensitivities_no_unit_is_preferred() -> None:
    weights = importance(SPACE, NOTHING)
    assert weights.tolist() == [1.0] * 6
    steps = shaped_move(SPACE, MIDDLE, weights, np.random.default_rng(0)) - MIDDLE
    touched = (steps[:, 1:] != 0).mean(axis=0)
    assert touched[:6].max() - touched[:6].min() < 0.05
    assert abs(steps.mean()) < 0.02


def test_importance_is_the_damage_of_the_lowest_width(known: Callable[..., Knowledge]) -> None:
    knowledge = known(AdditiveProblem(SPACE))
    assert knowledge.sensitivities is not None
    lowest = knowledge.sensitivities.kl[:, 0]
    assert np.allclose(importance(SPACE, knowledge), lowest / lowest.mean())


def test_inputs_lie_in_the_unit_cube_and_tell_damage_apart(known: Callable[..., Knowledge]) -> None:
    problem = AdditiveProblem(SPACE)
    knowledge = known(problem)
    assert knowledge.sensitivities is not None
    ends = np.asarray([[0] + [0] * 6 + [1] * 6, [5] + [4] * 6 + [6] * 6])
    columns = ShapedInputs(SPACE, knowledge)(ends)
    assert columns.shape == (2, 1 + 3 * 5 + 13)
    assert columns.min() >= 0
    assert columns.max() <= 1
    # The same number of low widths hurts more where the units are sensitive.
    hurt = int(knowledge.sensitivities.kl[:2, 0].argmax())
    rows = np.repeat(ends[1:], 2, axis=0)
    rows[0, 1 + hurt] = rows[1, 2 - hurt] = 0
    alike, measured = ShapedInputs(SPACE, knowledge)(rows)[:, [2, 4]].T
    assert alike[0] == alike[1]
    assert measured[0] > measured[1]
    assert ShapedInputs(SPACE, NOTHING)(rows).shape == (2, 1 + 3 * 3 + 13)
