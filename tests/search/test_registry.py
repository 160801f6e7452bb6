"""Searchers by name, with only their own options."""

import pytest

from perfmodel.errors import UnknownNameError
from perfmodel.space.space import Space
from search import NSGA2, searcher


def test_options_reach_the_searcher() -> None:
    assert isinstance(searcher("nsga2", Space(2), 2, 0, population=6), NSGA2)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="uniform, random, sensitivity_greedy, milp"):
        searcher("nsga3", Space(2), 2, 0)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="its options are population"):
        searcher("nsga2", Space(2), 2, 0, populaton=6)
    with pytest.raises(UnknownNameError, match="it has no options"):
        searcher("random", Space(2), 2, 0, population=6)
