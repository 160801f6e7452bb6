"""Greedy steps against a hand-made answer."""

import numpy as np

from search.allocation.ladder_greedy import climb_ladders

WORTH = np.array([[9.0, 1.0], [5.0, 4.0], [3.0, 8.0]])
SIZES = np.array([[1.0, 3.0, 5.0]] * 3)


def test_steps_are_bought_in_the_order_of_their_worth_while_the_bytes_last() -> None:
    by_limit = {limit: climb_ladders(WORTH, SIZES, limit) for limit in (3.0, 5.0, 7.0, 9.0, 13.0, 15.0)}
    # 9, then 5, then 4 before 3: a ladder's second step waits for its first.
    assert {limit: levels.tolist() for limit, levels in by_limit.items()} == {
        3.0: [0, 0, 0],
        5.0: [1, 0, 0],
        7.0: [1, 1, 0],
        9.0: [1, 2, 0],
        13.0: [1, 2, 2],
        15.0: [2, 2, 2],
    }


def test_a_step_that_does_not_fit_leaves_the_rest_to_others() -> None:
    sizes = np.array([[1.0, 9.0, 17.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    assert climb_ladders(WORTH, sizes, 7.0).tolist() == [0, 2, 2]


def test_nothing_fits() -> None:
    assert climb_ladders(WORTH, SIZES, 2.9) is None
