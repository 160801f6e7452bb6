"""How every shipped task is made: ``RECIPES``. A new task is one entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from datasets_cache.tasks.sources.food_reviews import FoodReviews
from datasets_cache.tasks.sources.home_intents import HomeIntents
from datasets_cache.tasks.sources.pronunciations import Pronunciations
from datasets_cache.tasks.sources.reasoning_gym import ReasoningGym
from datasets_cache.tasks.sources.task_source import AbstractTaskSource
from datasets_cache.tasks.sources.word_net import WordNetKinds

SIZES: Final[Mapping[str, int]] = {"train": 1000, "calibration": 64, "held_out": 256}


@dataclass(frozen=True)
class TaskRecipe:
    """How one shipped task is made.

    Args:
        source: gives the questions.
        seed: of the draw and of the order.
        kind: what is asked for, in one or two words.
        description: one sentence for reports.
        train: training examples where the source has enough.
    """

    source: AbstractTaskSource
    seed: int
    kind: str
    description: str
    train: int = SIZES["train"]

    @property
    def sizes(self) -> dict[str, int]:
        """Returns how many examples each split gets where the source has enough."""
        return {**SIZES, "train": self.train}


RECIPES: dict[str, TaskRecipe] = {
    "basic_arithmetic": TaskRecipe(
        # No division: reasoning-gym 0.1.25 prints questions such as 4 / 1 with the answer 2.
        source=ReasoningGym(
            "basic_arithmetic",
            {
                "min_terms": 2,
                "max_terms": 2,
                "min_digits": 1,
                "max_digits": 2,
                "operators": ["+", "-", "*"],
                "allow_parentheses": False,
            },
        ),
        seed=1,
        kind="mixed operations",
        description="Add, subtract or multiply two numbers of one or two digits.",
    ),
    "chain_sum": TaskRecipe(
        source=ReasoningGym("chain_sum", {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2}),
        seed=1,
        kind="arithmetic",
        description="Add or subtract two numbers of one or two digits.",
    ),
    "decimal_chain_sum": TaskRecipe(
        source=ReasoningGym(
            "decimal_chain_sum",
            {
                "min_terms": 2,
                "max_terms": 2,
                "min_digits": 1,
                "max_digits": 2,
                "min_decimal_places": 1,
                "max_decimal_places": 1,
            },
        ),
        seed=1,
        kind="decimal arithmetic",
        description="Add or subtract two numbers with one decimal place.",
    ),
    "definition_kind": TaskRecipe(
        source=WordNetKinds(),
        seed=1,
        kind="text classification",
        description="Tell which of 12 kinds of thing a dictionary's definition is of.",
    ),
    "food_review": TaskRecipe(
        source=FoodReviews(),
        seed=1,
        kind="text classification",
        description="Tell a food review of five stars from one of fewer.",
    ),
    "intent": TaskRecipe(
        source=HomeIntents(),
        seed=1,
        kind="text classification",
        description="Tell which of 12 intents a sentence said to a smart home has.",
    ),
    "number_sequence": TaskRecipe(
        source=ReasoningGym("number_sequence", {}),
        seed=1,
        kind="induction",
        description="Continue a short sequence of numbers.",
    ),
    "word_sequence_reversal": TaskRecipe(
        source=ReasoningGym("word_sequence_reversal", {"min_words": 2, "max_words": 4}),
        seed=1,
        kind="string manipulation",
        description="Write a list of two to four words in reverse order.",
    ),
    "word_sounds": TaskRecipe(
        source=Pronunciations(),
        seed=1,
        kind="memorised facts",
        description="Write how an English word sounds.",
        train=6400,
    ),
}
