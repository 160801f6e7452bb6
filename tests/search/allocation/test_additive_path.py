"""Every point of the path is the optimum at its own bytes, by enumeration."""

import itertools

import numpy as np
import pytest

from search.allocation.additive_path import additive_path


@pytest.mark.parametrize("seed", range(5))
def test_each_prefix_is_the_enumerated_optimum_at_its_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    costs, sizes = rng.random((4, 5)), rng.integers(1, 9, (4, 5)).astype(float)
    every = np.asarray(list(itertools.product(range(5), repeat=4)))
    units = np.arange(4)
    cost, size = costs[units, every].sum(axis=1), sizes[units, every].sum(axis=1)
    path = additive_path(costs, sizes)
    for choice in path:
        own = costs[units, choice].sum()
        assert own == pytest.approx(cost[size <= sizes[units, choice].sum()].min())
    bytes_ = sizes[units, path].sum(axis=1)
    assert (np.diff(bytes_) > 0).all()
    assert bytes_[0] == size.min()
    assert costs[units, path[-1]].sum() == pytest.approx(cost.min())


def test_dominated_and_equal_choices_are_never_taken() -> None:
    costs = np.asarray([[2.0, 2.0, 3.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    sizes = np.asarray([[1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 3.0, 4.0]])
    assert additive_path(costs, sizes).tolist() == [[0, 1], [3, 1]]
