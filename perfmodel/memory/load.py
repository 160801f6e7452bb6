"""The batch that decides a fine-tune's peak memory, and the one that traces of a setting recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perfmodel.errors import NotEnoughTracesError
from perfmodel.traces.trace import Trace

Loop = Literal["own", "trainer"]
"""Whose training loop: this project's, which makes logits of scored tokens only, or transformers' Trainer's."""


@dataclass(frozen=True)
class BatchLoad:
    """Size of the largest batch of a fine-tune.

    Args:
        batch_size: number of examples, 1 or more.
        length: tokens of each example, padding included, 1 or more.
        answer_tokens: scored tokens of the whole batch, from 0 to ``batch_size * length``.
        loop: ``own`` makes logits of scored tokens only, ``trainer`` of every token.
        shifts_logits: whether the loss copies the logits to shift them, as transformers 4.48 did and 5.23 does not.
        accumulation: batches whose gradients are added up for a step, 1 or more; from 2 on all gradients are there
            while a later batch goes forwards and backwards.
    """

    batch_size: int
    length: int
    answer_tokens: int
    loop: Loop = "own"
    shifts_logits: bool = False
    accumulation: int = 1

    @property
    def tokens(self) -> int:
        """Tokens of the batch, padding included."""
        return self.batch_size * self.length

    @property
    def logits(self) -> int:
        """Number of tokens whose logits are made."""
        return self.tokens if self.loop == "trainer" else self.answer_tokens


def typical_load(traces: Sequence[Trace]) -> BatchLoad:
    """Returns the largest batch of a setting's fine-tunes, by the median over traces.

    Args:
        traces: one or more, of one setting.

    Raises:
        NotEnoughTracesError: when no trace recorded its largest batch.
    """
    tokens = [each for trace in traces if (each := trace.measured.largest_batch_tokens) is not None]
    answers = [each for trace in traces if (each := trace.measured.largest_batch_answer_tokens) is not None]
    if not tokens or not answers:
        raise NotEnoughTracesError("no trace recorded its largest batch", "memory follows from it", "collect traces")
    batch = traces[0].asked.setting.recipe.batch_size
    return BatchLoad(batch, round(float(np.median(tokens)) / batch), round(float(np.median(answers))))
