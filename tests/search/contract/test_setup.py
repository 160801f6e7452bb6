"""What no searcher can be made from is refused."""

import pytest

from perfmodel.errors import UserError
from perfmodel.space.space import Space
from search import Knowledge, Setup
from search.contract.setup import require_at_least


def test_no_objectives_and_foreign_knowledge_are_refused() -> None:
    with pytest.raises(UserError, match="0 objectives"):
        Setup(Space(2), 0, 0)
    with pytest.raises(UserError, match="there are 2 objectives"):
        Setup(Space(2), 2, 0, Knowledge(loss_objective=2))


def test_the_first_option_that_is_too_small_is_named() -> None:
    require_at_least(initial=(2, 2))
    with pytest.raises(UserError, match="option rounds is -1; 0 or more"):
        require_at_least(initial=(2, 2), rounds=(-1, 0))
