"""The forms are pymoo's problems on levels, and their exact fronts are those of enumeration."""

import numpy as np
import pytest
from integer_forms import IntegerForm
from pymoo.problems import get_problem

from perfmodel.errors import UserError
from perfmodel.space.space import Space
from search import non_dominated
from search.contract.visited import every

PAIRS = Space(3, pruning_rates=(0.0, 0.3), bits=(2, 4, 8), ranks=(2, 4, 8))
WIDTHS = Space(5, pruning_rates=(0.0,), bits=(2, 3, 4, 8, 16), ranks=(8,))


@pytest.mark.parametrize(
    ("form", "space", "objectives", "along"),
    [
        ("zdt1", PAIRS, 2, None),
        ("dtlz2", PAIRS, 2, None),
        ("dtlz2", PAIRS, 3, None),
        ("dtlz7", PAIRS, 2, 2),
        ("dtlz7", PAIRS, 3, None),
        ("dtlz2", WIDTHS, 2, 2),
    ],
)
def test_the_front_is_the_enumerated_one(form, space: Space, objectives: int, along: int | None) -> None:
    problem = IntegerForm(form, space, objectives, along)
    losses = problem.evaluate_vectors(every(space)).objectives
    assert losses.shape[1] == objectives
    enumerated = np.unique(losses[non_dominated(losses)].round(9), axis=0)
    assert np.unique(problem.front().round(9), axis=0) == pytest.approx(enumerated)


def test_values_are_pymoos_of_mean_bits_and_single_levels() -> None:
    vectors = np.asarray([[1, 0, 1, 2, 0, 1, 2], [0, 2, 2, 2, 2, 0, 0]])
    variables = np.asarray([[0.5, 1.0, 0.0, 0.5, 1.0], [1.0, 0.0, 1.0, 0.0, 0.0]])
    for form in ("zdt1", "dtlz2", "dtlz7"):
        named = {"n_var": 5} if form == "zdt1" else {"n_var": 5, "n_obj": 2}
        assert IntegerForm(form, PAIRS).measure(vectors) == pytest.approx(
            get_problem(form, **named).evaluate(variables)
        )
    # Two of three units run along the front; the third's bits lead away.
    variables = np.asarray([[0.25, 1.0, 1.0, 0.0, 0.5, 1.0], [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]])
    expected = get_problem("zdt1", n_var=6).evaluate(variables)
    assert IntegerForm("zdt1", PAIRS, along=2).measure(vectors) == pytest.approx(expected)


def test_a_front_of_dtlz2_lies_on_the_unit_sphere_where_a_level_is_in_the_middle() -> None:
    front = IntegerForm("dtlz2", WIDTHS, 3, 4).front()
    assert np.linalg.norm(front, axis=1) == pytest.approx(1.0)
    assert len(front) > 60


@pytest.mark.parametrize(
    ("form", "space", "objectives", "along"),
    [
        ("zdt1", PAIRS, 3, None),
        ("dtlz2", PAIRS, 4, None),
        ("dtlz2", PAIRS, 3, 1),
        ("dtlz7", PAIRS, 2, 4),
        ("zdt1", Space(3), 2, None),
    ],
)
def test_what_does_not_fit_is_refused(form, space: Space, objectives: int, along: int | None) -> None:
    with pytest.raises(UserError, match="no rank 0"):
        IntegerForm(form, space, objectives, along)
