"""Which calibration texts importances are measured on, and how much of each."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

CALIBRATION_SAMPLES, CALIBRATION_TOKENS = 10, 64
"""Source: LLM-Pruner's settings (arXiv 2305.11627, section 4.1), which AutoMixQ and QPruner keep."""


def calibration_texts(token_ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Returns the first ``CALIBRATION_SAMPLES`` texts, each cut to ``CALIBRATION_TOKENS`` tokens.

    Args:
        token_ids: token ids of the calibration set, one sequence for each text.
    """
    return [list(ids[:CALIBRATION_TOKENS]) for ids in token_ids[:CALIBRATION_SAMPLES]]


def calibration_batches(token_ids: Sequence[Sequence[int]], device: torch.device) -> Iterator[Tensor]:
    """Yields each of ``calibration_texts`` as token ids of shape ``(1, tokens)``.

    Args:
        token_ids: token ids of the calibration set, one sequence for each text.
        device: where the batches are put.
    """
    for ids in calibration_texts(token_ids):
        yield torch.tensor([ids], device=device)
