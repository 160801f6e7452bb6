"""What every searcher is made from, and the check of its options."""

from dataclasses import dataclass
from typing import final

from perfmodel.errors import UserError
from perfmodel.space.space import Space
from search.contract.knowledge import NOTHING, Knowledge


@final
@dataclass(frozen=True)
class Setup:
    """What is searched, for how many objectives, and what is known before the first evaluation.

    Args:
        space: the legal configurations.
        objectives: number of objectives to minimise, 1 or more.
        seed: of everything random in the searcher, 0 or more.
        knowledge: what is known without an evaluation.

    Raises:
        UserError: when there is no objective, or the knowledge is of another space or other objectives.
    """

    space: Space
    objectives: int
    seed: int
    knowledge: Knowledge = NOTHING

    def __post_init__(self) -> None:
        """Refuses what no searcher can work with."""
        if self.objectives < 1:
            raise UserError(f"{self.objectives} objectives", "1 or more", "name what is to be minimised")
        self.knowledge.check(self.space, self.objectives)


def require_at_least(**options: tuple[int, int]) -> None:
    """Checks options of a searcher.

    Args:
        options: by name, the given number and the least that is allowed.

    Raises:
        UserError: naming the first option that is too small.
    """
    for name, (given, least) in options.items():
        if given < least:
            raise UserError(f"option {name} is {given}", f"{least} or more", f"raise {name}")
