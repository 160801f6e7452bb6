"""Batches of encoded examples: token ids, padded on the right, and what each position is to predict."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from collectors.scoring.encode import Encoded, Ids


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


def collate(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]], device: torch.device, unlearnt: Sequence[Ids] = ()
) -> Batch:
    """Returns one batch, padded on the right to the longest pair.

    Args:
        pairs: token ids of a prompt and of its answer, each at least one, for each of b examples.
        device: where the batch is put.
        unlearnt: places in each answer that are not scored; none where left out.
    """
    length = max(len(prompt) + len(answer) for prompt, answer in pairs)
    ids = torch.zeros((len(pairs), length), dtype=torch.long)
    targets = torch.full((len(pairs), length), -1, dtype=torch.long)
    for row, (prompt, answer) in enumerate(pairs):
        whole = torch.tensor([*prompt, *answer])
        ids[row, : len(whole)] = whole
        targets[row, len(prompt) - 1 : len(whole) - 1] = whole[len(prompt) :]
    for row, ((prompt, _), places) in enumerate(zip(pairs, unlearnt, strict=False)):
        targets[row, [len(prompt) - 1 + place for place in places]] = -1
    real = sum(len(prompt) + len(answer) for prompt, answer in pairs)
    return Batch(ids.to(device), targets.to(device), real)


def collate_examples(examples: Sequence[Encoded], device: torch.device) -> Batch:
    """Returns one batch of what examples learn, padded on the right to the longest.

    Args:
        examples: encoded examples, shape ``(b,)``, one or more.
        device: where the batch is put.
    """
    pairs = [(example.prompt, example.answer) for example in examples]
    return collate(pairs, device, [example.unlearnt for example in examples])
