"""The columns that a Gaussian process sees lie in the unit cube, and low widths are damage."""

import numpy as np

from perfmodel.space.space import Space
from search.joint.shaped_inputs import ShapedInputs


def test_inputs_lie_in_the_unit_cube_and_tell_where_low_widths_are() -> None:
    ends = np.asarray([[0] + [0] * 6 + [1] * 6, [5] + [4] * 6 + [6] * 6])
    rows = np.concatenate([ends, ends[1:]])
    rows[2, 1] = 0
    columns = ShapedInputs(Space(6))(rows)
    assert columns.shape == (3, 1 + 3 * 3 + 13)
    assert columns.min() >= 0
    assert columns.max() <= 1
    # Damage of the first third: the largest, the least, and half of the largest where one of its two units is low.
    assert columns[0, 2] == 1.0
    assert columns[1, 2] < 0.01
    assert abs(columns[2, 2] - 0.5) < 0.01
    assert (columns[2, 4:11] == columns[1, 4:11]).all()
