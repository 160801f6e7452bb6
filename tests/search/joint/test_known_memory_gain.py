"""The closed form agrees with sampling, and a batch does not ask the same thing twice."""

import numpy as np
import pytest

from search.contract.pareto import hypervolume
from search.joint.known_memory_gain import Belief, Staircase, choose_batch

FRONT = (np.asarray([3.0, 2.0, 1.0, 2.5]), np.asarray([1.0, 2.0, 4.0, 3.0]))
REFERENCE = (4.0, 6.0)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("mean", "bytes_"), [(1.5, 0.5), (1.5, 3.0), (0.3, 5.0), (3.5, 7.0)])
def test_gain_is_the_expected_growth_of_hypervolume(*, log: bool, mean: float, bytes_: float) -> None:
    mean = np.log(mean) if log else mean
    belief = Belief(np.asarray([mean]), np.asarray([[0.25]]), 0.0, log)
    draws = mean + 0.5 * np.random.default_rng(0).standard_normal(4000)
    losses = np.exp(draws) if log else draws
    points = np.column_stack(FRONT)
    reference = np.asarray(REFERENCE)
    before = hypervolume(points, reference)
    grown = [hypervolume(np.vstack([points, [loss, bytes_]]), reference) - before for loss in losses]
    gain = Staircase(*FRONT, REFERENCE).gain(belief, np.asarray([bytes_]))[0]
    assert gain == pytest.approx(np.mean(grown), abs=4 * np.std(grown) / np.sqrt(4000) + 1e-12)


def test_without_a_front_the_gain_is_the_box() -> None:
    sure = Belief(np.asarray([1.0]), np.asarray([[0.0]]), 0.0, log=False)
    empty = np.empty(0)
    assert Staircase(empty, empty, REFERENCE).gain(sure, np.asarray([2.0]))[0] == pytest.approx(3.0 * 4.0)


def test_a_batch_spreads_where_candidates_tell_of_each_other() -> None:
    # Two candidates that are the same to the process, and a third, a little worse, that is not.
    covariance = np.asarray([[1.0, 0.99, 0.0], [0.99, 1.0, 0.0], [0.0, 0.0, 1.0]])
    belief = Belief(np.asarray([1.0, 1.0, 1.1]), covariance, 0.01, log=False)
    sizes, front = np.asarray([2.0, 2.0, 2.0]), (np.asarray([1.0]), np.asarray([2.0]))
    alone = Staircase(*front, REFERENCE).gain(belief, sizes)
    assert alone[1] > alone[2]
    assert choose_batch(belief, sizes, np.ones(3), front, REFERENCE, 2).tolist() == [0, 2]
    assert choose_batch(belief, sizes, np.asarray([0.0, 0.1, 1.0]), front, REFERENCE, 5).tolist()[0] == 2
    assert sorted(choose_batch(belief, sizes, np.ones(3), front, REFERENCE, 5).tolist()) == [0, 1, 2]
