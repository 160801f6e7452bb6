"""The candidates of a plan that no evidence ranks: what most published recipes use, and adapters in fewer layers."""

import math
from dataclasses import replace

from perfmodel.planner.question import Question
from perfmodel.space.space import Configuration

USUAL_RANK = 16
"""Rank of the examples of PEFT and TRL, and of many published QLoRA recipes."""


def usual_candidates(question: Question, count: int) -> list[Configuration]:
    """Returns configurations in the order of usual practice: rank 16, those next to it, then fewer adapted layers.

    Args:
        question: its bits, ranks and pruning rates are combined.
        count: most configurations to return, 3 or more.
    """
    layers, full = len(question.architecture.layers), question.libraries.trains_all
    ranks = [0] if full else sorted(question.ranks, key=lambda rank: (abs(math.log2(rank / USUAL_RANK)), rank))
    uniform = [
        Configuration.uniform(layers, bits=bits, rank=rank, pruning_rate=rate, methods=question.methods)
        for rate in question.rates
        for bits in question.bits
        for rank in ranks
    ]
    fewer = [
        replace(uniform[0], ranks=(0,) * (layers - kept) + uniform[0].ranks[layers - kept :])
        for kept in (layers // 2, layers // 4)
        if kept and not full
    ]
    return uniform[: count - len(fewer)] + fewer
