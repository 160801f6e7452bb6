"""Random search is stratified, so its mean bits span the space, and results do not move it."""

import numpy as np

from perfmodel.space.space import Space
from search import AdditiveProblem, RandomSearch, Setup

SPACE = Space(30)


def test_draws_span_the_mean_bits() -> None:
    bits = [np.mean(configuration.bits) for configuration in RandomSearch(Setup(SPACE, 2, 0)).ask(20)]
    assert min(bits) < 3
    assert max(bits) > 13


def test_results_change_nothing() -> None:
    told, untold = RandomSearch(Setup(SPACE, 2, 0)), RandomSearch(Setup(SPACE, 2, 0))
    asked = told.ask(5)
    assert asked == untold.ask(5)
    told.tell(asked, AdditiveProblem(SPACE).evaluate(asked))
    assert told.ask(5) == untold.ask(5)
