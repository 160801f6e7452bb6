"""Held-out loss over answer tokens, and accuracy: the whole answer, the likeliest choice, or a generated text."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from collectors.scoring.batch import Batch, collate
from collectors.scoring.encode import Encoded, Ids
from collectors.scoring.generation import generate, is_right
from collectors.scoring.largest_batch import LargestBatch, by_length

EVAL_BATCH = 16
"""Most sequences in a batch."""


@dataclass(frozen=True)
class Scores:
    """What one evaluation found.

    Args:
        loss: mean loss over answer tokens in nats, 0 or more.
        accuracy: share of examples that are right, in [0, 1].
        examples: number of examples that were scored.
    """

    loss: float
    accuracy: float
    examples: int


@dataclass(frozen=True)
class Judged:
    """What one evaluation found about one example.

    Args:
        loss: loss summed over the answer's tokens, the end token included, in nats.
        right: whether greedy decoding gives exactly the answer; with choices, whether the right one is the likeliest;
            with a reference, whether the generated text has its final answer.
        log_likelihoods: log-likelihood of each choice in nats, not divided by anything; empty without choices.
        generated: the generated text; None where there is nothing to generate.
    """

    loss: float
    right: bool
    log_likelihoods: tuple[float, ...] = ()
    generated: str | None = None


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
    hidden, targets = _scored_states(model, batch)
    return _logits(model, hidden), targets


def _scored_states(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Returns the last hidden states at the answer tokens, shape ``(n, hidden)``, and targets, shape ``(n,)``."""
    states = _plain(model).get_decoder()(input_ids=batch.ids, use_cache=False).last_hidden_state
    scored = batch.targets >= 0
    return states[scored], batch.targets[scored]


def _logits(model: nn.Module, hidden: Tensor) -> Tensor:
    """Returns float32 logits, shape ``(n, vocabulary)``, of hidden states, shape ``(n, hidden)``."""
    base = _plain(model)
    logits: Tensor = base.get_output_embeddings()(hidden)
    cap = getattr(base.config, "final_logit_softcapping", None)
    if cap is not None:
        logits = torch.tanh(logits / cap) * cap
    return logits.float()


def _plain(model: nn.Module) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model  # type: ignore[operator]  # PEFT's method, untyped


def batches(examples: Sequence[Encoded], largest: LargestBatch | None = None) -> int:
    """Returns how many batches an evaluation of the examples takes, generated texts not counted.

    Args:
        examples: encoded examples.
        largest: what is held at once; None for ``EVAL_BATCH`` sequences of any length.
    """
    return sum(1 for _ in _parts(examples, largest))


def evaluate(
    model: nn.Module,
    examples: Sequence[Encoded],
    device: torch.device,
    advance: Callable[[str], object] = str,
    *,
    largest: LargestBatch | None = None,
) -> Scores:
    """Returns the scores of a model on examples.

    Args:
        model: causal language model, with or without PEFT's wrapper; left in the mode that it had.
        examples: encoded examples, at least one.
        device: device of the model.
        advance: called with an empty text after each of ``batches``.
        largest: what is held at once; None for ``EVAL_BATCH`` sequences of any length.
    """
    judged = judge(model, examples, device, advance, largest=largest)
    tokens = sum(len(example.learnt) for example in examples)
    right = sum(each.right for each in judged)
    return Scores(math.fsum(each.loss for each in judged) / tokens, right / len(judged), len(judged))


@torch.no_grad()
def judge(
    model: nn.Module,
    examples: Sequence[Encoded],
    device: torch.device,
    advance: Callable[[str], object] = str,
    *,
    largest: LargestBatch | None = None,
) -> list[Judged]:
    """Returns the loss and the rightness of each example; answers and choices of all examples are batched by length.

    Teacher forcing gives the exact match of greedy decoding without decoding: an answer is produced exactly when, at
    every one of its positions, its token is the likeliest after the right prefix.

    Args:
        model: causal language model, with or without PEFT's wrapper; left in the mode that it had.
        examples: encoded examples.
        device: device of the model.
        advance: called with an empty text after each of ``batches``.
        largest: what is held at once; None for ``EVAL_BATCH`` sequences of any length.
    """
    was_training = model.training
    model.eval()
    found = _teacher_forced(model, examples, device, advance, largest)
    asked = [(example.prompt, example.reference) for example in examples if example.reference is not None]
    prompts = [prompt for prompt, _ in asked]
    texts = iter(generate(model, asked[0][1].tokenizer, prompts, device, largest) if asked else [])
    judged = []
    for place, example in enumerate(examples):
        answer = found[place, example.right]
        loss = math.fsum(answer.losses)
        if example.reference is not None:
            text = next(texts)
            judged.append(Judged(loss, is_right(text, example.reference.text), generated=text))
        elif example.choices:
            sums = tuple(
                -math.fsum(found[place, number].losses[: len(choice.answer)])
                for number, choice in enumerate(example.choices)
            )
            ranked = [value / choice.divisor for value, choice in zip(sums, example.choices, strict=True)]
            judged.append(Judged(loss, ranked.index(max(ranked)) == example.right, sums))
        else:
            judged.append(Judged(loss, answer.exact))
    model.train(was_training)
    return judged


class _Forced(NamedTuple):
    """Losses of a sequence's answer tokens, and whether each is the likeliest at its position."""

    losses: list[float]
    exact: bool


def _teacher_forced(
    model: nn.Module,
    examples: Sequence[Encoded],
    device: torch.device,
    advance: Callable[[str], object],
    largest: LargestBatch | None,
) -> dict[tuple[int, int], _Forced]:
    """Returns what is found of each example's answer, under its right choice's place, and of every other choice."""
    found = {}
    for part in _parts(examples, largest):
        pairs = [(each.prompt, each.answer) for each in part]
        batch = collate(pairs, device, [each.unlearnt for each in part])
        states, targets = _scored_states(model, batch)
        at_once = largest.scored if largest else len(targets)
        losses, hits = [], []
        for few, wanted in zip(torch.split(states, at_once), torch.split(targets, at_once), strict=True):
            logits = _logits(model, few)
            losses.append(F.cross_entropy(logits, wanted, reduction="none").cpu())
            hits.append((logits.argmax(-1) == wanted).cpu())
            del logits  # before the next are made
        lengths = [len(each.answer) - len(each.unlearnt) for each in part]
        parted = (torch.split(torch.cat(values), lengths) for values in (losses, hits))
        for each, loss, hit in zip(part, *parted, strict=True):
            found[each.example, each.choice] = _Forced(loss.tolist(), bool(hit.all()))
        advance("")
    return found


class _Sequence(NamedTuple):
    example: int
    choice: int
    prompt: Ids
    answer: Ids
    unlearnt: Ids = ()


def _sequences(examples: Sequence[Encoded]) -> Iterator[_Sequence]:
    for place, example in enumerate(examples):
        yield _Sequence(place, example.right, example.prompt, example.answer, example.unlearnt)
        for number, choice in enumerate(example.choices):
            if number != example.right:
                yield _Sequence(place, number, choice.prompt, choice.answer)


def _parts(examples: Sequence[Encoded], largest: LargestBatch | None) -> Iterator[list[_Sequence]]:
    """Yields the sequences of each batch, the shortest first."""
    sequences = list(_sequences(examples))
    for part in by_length([len(each.prompt) + len(each.answer) for each in sequences], EVAL_BATCH, largest):
        yield [sequences[place] for place in part]
