"""Held-out loss over answer tokens, and accuracy: the whole answer, or the likeliest choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from collectors.encode import Batch, Encoded, collate

EVAL_BATCH = 16


@dataclass(frozen=True)
class Scores:
    """What one evaluation found.

    Args:
        loss: mean over answer tokens, nats.
        accuracy: share of examples whose answer is wholly right (greedy decoding gives exactly the answer), or, with
            choices, whose right choice has the highest likelihood.
        examples: examples scored.
    """

    loss: float
    accuracy: float
    examples: int


def answer_logits(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Returns logits and targets at the answer tokens only.

    The head is applied to the positions that are scored and to no others: a training step of SmolLM2 took 0.84 of the
    time and 0.67 of the step's own memory (``benchmarks/answer_logits.py``).

    Args:
        model: causal language model, with or without PEFT's wrapper.
        batch: ``n`` of its positions are scored.

    Returns:
        Logits, shape ``(n, vocabulary)``, float32, and targets, shape ``(n,)``.
    """
    base: Any = model.get_base_model() if hasattr(model, "get_base_model") else model  # type: ignore[operator]  # PEFT's method, untyped
    hidden = base.get_decoder()(input_ids=batch.ids, use_cache=False).last_hidden_state
    scored = batch.targets >= 0
    logits = base.get_output_embeddings()(hidden[scored])
    cap = getattr(base.config, "final_logit_softcapping", None)
    if cap is not None:
        logits = torch.tanh(logits / cap) * cap
    return logits.float(), batch.targets[scored]


@torch.no_grad()
def evaluate(model: nn.Module, examples: Sequence[Encoded], device: torch.device) -> Scores:
    """Returns the scores of a model; examples are batched by length.

    Teacher forcing gives the exact match of greedy decoding without decoding: an answer is produced exactly when, at
    every one of its positions, its token is the likeliest after the right prefix.
    """
    was_training = model.training
    model.eval()
    order = sorted(examples, key=lambda example: example.length)
    total, tokens, right = 0.0, 0, 0
    for start in range(0, len(order), EVAL_BATCH):
        part = order[start : start + EVAL_BATCH]
        batch = collate([(example.prompt, example.answer) for example in part], device)
        logits, targets = answer_logits(model, batch)
        total += float(F.cross_entropy(logits, targets, reduction="sum"))
        tokens += len(targets)
        hits = torch.ones_like(batch.targets, dtype=torch.bool)
        hits[batch.targets >= 0] = logits.argmax(-1) == targets
        exact = hits.all(1).tolist()
        right += sum(
            _choice_is_right(model, example, device) if example.choices else hit
            for example, hit in zip(part, exact, strict=True)
        )
    model.train(was_training)
    return Scores(total / tokens, right / len(order), len(order))


def _choice_is_right(model: nn.Module, example: Encoded, device: torch.device) -> bool:
    batch = collate([(example.prompt, choice) for choice in example.choices], device)
    logits, targets = answer_logits(model, batch)
    losses = F.cross_entropy(logits, targets, reduction="none")
    sums = torch.zeros(len(example.choices), device=device)
    rows = (batch.targets >= 0).nonzero()[:, 0]
    return int(sums.index_add(0, rows, losses).argmin()) == 0
