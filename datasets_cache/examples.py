"""What a task is: questions with answers, in three disjoint splits."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

SPLITS = ("train", "calibration", "held_out")


@dataclass(frozen=True)
class Example:
    """One question and its answer.

    Args:
        question: text without surrounding white space, not empty.
        answer: text without surrounding white space, not empty.
        choices: the answers among which to choose, the right one included; None where the answer is free.
    """

    question: str
    answer: str
    choices: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Task:
    """A set of examples to fine-tune on and be judged by.

    No question is in two splits, and the order of ``held_out`` is random, so that a prefix is a fair sample.

    Args:
        name: a shipped task's name, or the stem of a user's file.
        train: examples of the fine-tune.
        calibration: examples for pruning and quantising, neither trained on nor scored.
        held_out: examples of the score.
        sha256: of the file the examples came from, 64 hexadecimal digits.
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


def shuffled_questions(questions: Iterable[str], *, seed: int) -> list[str]:
    """Returns the distinct questions in an order that looks random and never changes.

    They are sorted by the sha256 of ``<seed>:<question>``, which depends on no generator's implementation.
    """
    return sorted(set(questions), key=lambda question: hashlib.sha256(f"{seed}:{question}".encode()).hexdigest())
