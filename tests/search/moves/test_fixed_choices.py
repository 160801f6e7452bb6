"""The nearest rate and rank of a space."""

import numpy as np
import pytest

from perfmodel.errors import UserError
from perfmodel.space.space import Space
from search.moves.fixed_choices import FixedChoices, rank_index, rate_index

SPACE = Space(2, pruning_rates=(0.0, 0.2, 0.5), ranks=(0, 4, 16, 64))


def test_the_nearest_rate_and_the_nearest_rank_by_ratio_never_none() -> None:
    assert [rate_index(SPACE, percent) for percent in (0, 9, 11, 34, 36, 99)] == [0, 0, 1, 1, 2, 2]
    assert [rank_index(SPACE, rank) for rank in (1, 4, 7, 9, 31, 33)] == [1, 1, 1, 2, 2, 3]


def test_vectors_of_these_widths() -> None:
    assert FixedChoices(SPACE, 1, 3).with_bits(np.array([[0, 4], [2, 1]])).tolist() == [
        [1, 0, 4, 3, 3],
        [1, 2, 1, 3, 3],
    ]


def test_what_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="100 %"):
        rate_index(SPACE, 100)
    with pytest.raises(UserError, match="rank of 0"):
        rank_index(SPACE, 0)
