"""The batches of an evaluation: no more tokens at once than the largest training batch, so that memory holds both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collectors.scoring.batch import Batch


@dataclass(frozen=True)
class LargestBatch:
    """What an evaluation holds at once, so that it takes no more memory than a training step.

    A sequence that is longer by itself is a batch of its own.

    Args:
        tokens: most tokens of a batch, with padding; 1 or more.
        scored: most positions whose logits are made at once, 1 or more.
    """

    tokens: int
    scored: int

    @classmethod
    def of(cls, drawn: Sequence[Batch]) -> "LargestBatch":
        """Returns what the largest of some training batches holds.

        Args:
            drawn: batches of a fine-tune, one or more.
        """
        return cls(max(batch.padded_tokens for batch in drawn), max(batch.answer_tokens for batch in drawn))


def by_length(lengths: Sequence[int], most: int, largest: LargestBatch | None) -> Iterator[list[int]]:
    """Yields the places of the sequences of each batch, the shortest first.

    Args:
        lengths: tokens of each of n sequences, shape ``(n,)``.
        most: most sequences in a batch, 1 or more.
        largest: most tokens of a batch; None for any number.
    """
    part: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        too_many = largest is not None and (len(part) + 1) * lengths[place] > largest.tokens
        if part and (too_many or len(part) == most):
            yield part
            part = []
        part.append(place)
    if part:
        yield part
