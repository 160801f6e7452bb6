"""What the contract makes of a searcher that does not keep it."""

import numpy as np

from perfmodel.space.space import Space
from search import AbstractSearcher, Setup

SPACE = Space(2)


class Rogue(AbstractSearcher):
    """Proposes the same three vectors for ever: two outside the space and one bare."""

    def _propose(self, n):
        return np.array([[0, 5, 0, 1, 1], [0, 0, 0, -1, 1], [1, 2, 3, 0, 0], [1, 2, 3, 0, 0]])


def test_illegal_and_repeated_proposals_give_way_to_draws() -> None:
    rogue = Rogue(Setup(SPACE, 2, 0))
    asked = rogue.ask(6) + rogue.ask(6)
    assert len(asked) == len(set(asked)) == 12
    for configuration in asked:
        SPACE.validate(configuration)
    assert asked[0].bits == (4, 8)
    assert sorted(asked[0].ranks) == [0, 2]
