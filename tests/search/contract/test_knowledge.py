"""Knowledge that lacks something or does not fit is refused in words."""

from dataclasses import replace

import numpy as np
import pytest

from perfmodel.errors import UserError
from perfmodel.space.space import Space
from search import AdditiveProblem, RandomSearch, Setup
from search.contract.knowledge import Knowledge

SPACE = Space(3)


def test_unmeasured_sixteen_bits_cost_nothing_and_no_damage_is_negative(known) -> None:
    sensitivities = replace(
        known(AdditiveProblem(SPACE)).sensitivities,
        widths=(2, 3, 4, 8),
        kl=np.array([[4.0, 3.0, 2.0, -0.1]] * 3),
    )
    assert Knowledge(sensitivities).damage(SPACE).tolist() == [[4.0, 3.0, 2.0, 0.0, 0.0]] * 3


@pytest.mark.parametrize(
    ("space", "fields", "text"),
    [
        (Space(4), {}, "sensitivities of 3 units"),
        (SPACE, {"loss_objective": 2}, "there are 2 objectives"),
        (SPACE, {"memory_objective": -1}, "there are 2 objectives"),
        (SPACE, {"fidelities": (0.5,)}, "the last one 1"),
        (SPACE, {"fidelities": (1.0, 0.5, 1.0)}, "the last one 1"),
    ],
)
def test_what_does_not_fit_is_refused(known, space, fields, text) -> None:
    with pytest.raises(UserError, match=text):
        RandomSearch(Setup(space, 2, 0, known(AdditiveProblem(SPACE), **fields)))


def test_a_width_that_was_not_measured_is_refused(known) -> None:
    knowledge = known(AdditiveProblem(Space(3, bits=(2, 4))))
    with pytest.raises(UserError, match=r"at \(2, 4\) bits"):
        RandomSearch(Setup(SPACE, 2, 0, knowledge))


def test_what_is_missing_is_named() -> None:
    with pytest.raises(UserError, match="given no sensitivities and no memory"):
        Knowledge().require("it", ("sensitivities", "memory"))
