"""Examples as token ids: a prompt, and the answer that is learnt and scored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from datasets_cache import Example
from perfmodel.errors import InvalidTaskError

PROMPT_END = "\nAnswer:"


@dataclass(frozen=True)
class Encoded:
    """One example.

    Args:
        prompt: token ids of the question and ``PROMPT_END``.
        answer: token ids of the answer, the end token included.
        choices: token ids of every choice of a multiple-choice question, the right one first; empty otherwise.
    """

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    choices: tuple[tuple[int, ...], ...] = ()

    @property
    def length(self) -> int:
        """Tokens of prompt and answer."""
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True)
class Batch:
    """Right-padded examples; with causal attention the padding is never seen by an answer, so no mask is needed.

    Args:
        ids: token ids, shape ``(b, length)``.
        targets: token id to predict at each position, ``-1`` where none is scored, shape ``(b, length)``.
        real_tokens: tokens that are not padding.
    """

    ids: Tensor
    targets: Tensor
    real_tokens: int

    @property
    def padded_tokens(self) -> int:
        """Tokens with padding."""
        return self.ids.numel()

    @property
    def answer_tokens(self) -> int:
        """Tokens that are scored."""
        return int((self.targets >= 0).sum())


def encode(examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Encoded]:
    """Returns the examples of at most ``max_length`` tokens, in order.

    Raises:
        InvalidTaskError: when none is short enough.
    """

    def answer(text: str) -> tuple[int, ...]:
        ids = tokenizer(" " + text, add_special_tokens=False)["input_ids"]
        return (*ids, tokenizer.eos_token_id)

    encoded = []
    for example in examples:
        prompt = tuple(tokenizer(example.question + PROMPT_END)["input_ids"])
        others = [choice for choice in example.choices or () if choice != example.answer]
        choices = tuple(answer(choice) for choice in (example.answer, *others)) if example.choices else ()
        encoded.append(Encoded(prompt, answer(example.answer), choices))
    short = [example for example in encoded if example.length <= max_length]
    if encoded and not short:
        raise InvalidTaskError(
            f"the shortest example has {min(example.length for example in encoded)} tokens",
            f"recipe.max_length allows {max_length}",
            "raise recipe.max_length",
        )
    return short


def collate(pairs: Sequence[tuple[Sequence[int], Sequence[int]]], device: torch.device) -> Batch:
    """Returns one batch of (prompt, answer) pairs, padded to the longest."""
    length = max(len(prompt) + len(answer) for prompt, answer in pairs)
    ids = torch.zeros((len(pairs), length), dtype=torch.long)
    targets = torch.full((len(pairs), length), -1, dtype=torch.long)
    for row, (prompt, answer) in enumerate(pairs):
        whole = torch.tensor([*prompt, *answer])
        ids[row, : len(whole)] = whole
        targets[row, len(prompt) - 1 : len(whole) - 1] = whole[len(prompt) :]
    real = sum(len(prompt) + len(answer) for prompt, answer in pairs)
    return Batch(ids.to(device), targets.to(device), real)
