"""What a task is: questions with answers, in three disjoint splits, and how an answer is scored."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from perfmodel.errors import InvalidTaskError

SPLITS = ("train", "calibration", "held_out")

Scoring = Literal["exact", "likelihood", "likelihood_per_character", "generated", "chat"]
"""When an answer is right.

    exact                       greedy decoding gives the whole answer and ends; with choices, the right one, end
                                token included, is the likeliest
    likelihood                  the right choice is the likeliest (lm-evaluation-harness: acc)
    likelihood_per_character    the same with each log-likelihood divided by its choice's characters (acc_norm)
    generated                   greedy decoding gives a text whose final answer, ``#### 72``, is the reference's
                                (exact_match under strict-match)
    chat                        greedy decoding gives every word of the assistant, in all turns
"""


@dataclass(frozen=True)
class Example:
    """One question and its answer.

    Args:
        question: text, not empty. Scored ``exact`` it has no surrounding white space and its prompt ends with a line
            that asks for the answer; under every other rule it is the prompt, word for word.
        answer: text, not empty, that follows the prompt after one space; with choices, the right one.
        choices: the answers among which to choose, the right one included; None where the answer is free.
        scoring: when an answer is right.
        right: place of the right choice, where its text does not tell: texts may be equal, or stand in ``contexts``.
        contexts: one prompt a choice, where choices stand before the answer (WinoGrande); None where all share the
            question.
        messages: role and content of every turn of a chat; the question then holds all turns before the assistant's
            last, and the answer that last one. Empty outside chats.
    """

    question: str
    answer: str
    choices: tuple[str, ...] | None = None
    scoring: Scoring = "exact"
    right: int | None = None
    contexts: tuple[str, ...] | None = None
    messages: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Task:
    """A set of examples to fine-tune on and be judged by.

    No question is in two splits, and the order of ``held_out`` is random, so that a prefix is a fair sample.

    Args:
        name: a shipped task's name, the stem of a user's file, or an online task's name with its folder if any.
        train: examples of the fine-tune.
        calibration: examples for pruning and quantising, neither trained on nor scored.
        held_out: examples of the score.
        sha256: of the file the examples came from, or of the examples of an online task, 64 hexadecimal digits.
        description: one sentence for reports.
        kind: what is asked for, in one or two words (``arithmetic``); ``user`` for a user's file.
    """

    name: str
    train: tuple[Example, ...]
    calibration: tuple[Example, ...]
    held_out: tuple[Example, ...]
    sha256: str
    description: str
    kind: str

    def first_training_examples(self, count: int | None) -> tuple[Example, ...]:
        """Returns the first training examples.

        Args:
            count: how many, 1 or more; None for all.

        Raises:
            InvalidTaskError: when the task has fewer.
        """
        if count is not None and count > len(self.train):
            raise InvalidTaskError(
                f"recipe.train_examples is {count}",
                f"the task {self.name} has {len(self.train)} training examples",
                "lower it, or leave it out to use all",
            )
        return self.train[:count]


def hash_rank(text: str, *, seed: int) -> str:
    """Returns what to sort texts by for an order that looks random and never changes: the sha256 of ``<seed>:<text>``.

    It depends on no generator's implementation.

    Args:
        text: any text, such as a question.
        seed: changes the order as a whole.
    """
    return hashlib.sha256(f"{seed}:{text}".encode()).hexdigest()


def shuffled_questions(questions: Iterable[str], *, seed: int) -> list[str]:
    """Returns the distinct questions in the order of their hash rank.

    Args:
        questions: any texts, repeated ones count once.
        seed: changes the order as a whole.
    """
    return sorted(set(questions), key=lambda question: hash_rank(question, seed=seed))
