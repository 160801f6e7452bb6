"""The fine-tuning loop: draws the batches, sets the learning rate, takes the steps, and measures memory and time."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import add
from statistics import mean, median, quantiles
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from collectors.measuring.energy import energy_between_j, energy_so_far_j
from collectors.measuring.memory_and_time import StepClock, memory_meter
from collectors.scoring.batch import Batch, collate_examples
from collectors.scoring.encode import Encoded
from collectors.scoring.evaluate import answer_logits
from collectors.scoring.largest_batch import LargestBatch
from collectors.trial.checkpoint import Progress
from collectors.trial.optimizers import state_bytes_of
from perfmodel.space.recipe import Recipe


class DivergedError(Exception):
    """The training loss is no longer finite."""


@dataclass(frozen=True)
class Training:
    """What the loop measured; the fields and their units are those of ``perfmodel.traces.trace.Measured``."""

    peak_memory_bytes: int
    peak_reserved_bytes: int | None
    optimizer_bytes: int
    largest_batch_tokens: int
    largest_batch_answer_tokens: int
    step_seconds: tuple[float, ...]
    tokens_per_step: float
    energy_j: float | None

    @property
    def step_time_s(self) -> float:
        """Median seconds of a step."""
        return median(self.step_seconds)

    @property
    def step_time_p95_s(self) -> float:
        """95th percentile of the seconds of a step."""
        if len(self.step_seconds) == 1:
            return self.step_seconds[0]
        return quantiles(self.step_seconds, n=20, method="inclusive")[-1]


def finetune(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    examples: Sequence[Encoded],
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    resident_bytes: int,
    after_step: Callable[[int], None],
    before: Progress | None = None,
) -> Training:
    """Trains the adapters in place, up to ``recipe.steps``.

    Peak memory is recorded on the steps whose batches are largest (in padded tokens, and in answer tokens); they and
    the first step are left out of the step times where other steps remain. The first step is recorded only when it is
    the only one, because the optimiser has no state before it.

    Args:
        model: model wrapped by PEFT; only its adapters require gradients.
        optimizer: optimiser over the adapters' parameters.
        examples: encoded training examples, at least one.
        recipe: steps, batch size, learning rate, schedule and checkpointing.
        seed: seed of the order of the examples.
        device: device on which the model lies.
        resident_bytes: bytes of the model with its adapters, 0 or more; added to what a step allocates on a CPU.
        after_step: called after each step with the number of steps done, from 1.
        before: what an earlier stage of the same trial measured, None for a trial that starts at step 0; model,
            optimiser and random generators must be as that stage left them.

    Raises:
        DivergedError: the loss of a step is not finite.
    """
    first = before.step if before else 0
    drawn = list(batches(examples, recipe, seed, device))
    heavy, largest = heaviest(drawn, first), LargestBatch.of(drawn)
    meter, clock = memory_meter(device), StepClock(device)
    if recipe.gradient_checkpointing:
        checkpoint_activations(model.get_base_model())  # type: ignore[operator]  # PEFT's method, untyped
    model.train()
    timed: list[float] = list(before.step_seconds) if before else []
    used_before = energy_so_far_j(device)
    for index in range(first, recipe.steps):
        with clock.step():
            if index in heavy:
                with meter.step(lambda: resident_bytes + state_bytes_of(optimizer)):
                    _step(model, optimizer, drawn[index], recipe, index)
            else:
                _step(model, optimizer, drawn[index], recipe, index)
        if index and index not in heavy:
            timed.append(clock.seconds[-1])
        after_step(index + 1)
    energy_j = energy_between_j(used_before, energy_so_far_j(device))
    return Training(
        peak_memory_bytes=max(meter.peak_bytes, before.peak_memory_bytes if before else 0),
        peak_reserved_bytes=_either(max, meter.peak_reserved_bytes, before and before.peak_reserved_bytes),
        optimizer_bytes=state_bytes_of(optimizer),
        largest_batch_tokens=largest.tokens,
        largest_batch_answer_tokens=largest.scored,
        step_seconds=tuple(timed or clock.seconds),
        tokens_per_step=mean(batch.real_tokens for batch in drawn),
        energy_j=_either(add, energy_j, before and before.energy_j),
    )


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch, recipe: Recipe, index: int) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(recipe, index)
    logits, targets = answer_logits(model, batch)
    loss = F.cross_entropy(logits, targets)
    if not math.isfinite(loss.item()):
        raise DivergedError(f"the training loss is {loss.item()} at step {index + 1} of {recipe.steps}")
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own signature
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _either(join: Callable[[Any, Any], Any], new: Any, old: Any) -> Any:
    """Returns both values joined, or the one that was measured."""
    if new is None or old is None:
        return new if old is None else old
    return join(new, old)


def learning_rate(recipe: Recipe, index: int) -> float:
    """Returns the learning rate of a step.

    It rises in a line over the warm-up's steps, then stays, or falls in a line or a half cosine towards 0.

    Args:
        recipe: peak rate, schedule, share of warm-up steps and horizon in steps.
        index: index of the step, from 0.
    """
    warmup = max(1, round(recipe.warmup_share * recipe.horizon)) if recipe.warmup_share else 0
    if index < warmup:
        return recipe.learning_rate * (index + 1) / warmup
    done = (index - warmup) / max(1, recipe.horizon - warmup)
    shape = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}[recipe.schedule]
    return recipe.learning_rate * shape


def checkpoint_activations(base: Any) -> None:
    """Turns activation checkpointing on, by whichever of its two names this transformers has.

    Args:
        base: model of transformers, without PEFT's wrapper.
    """
    enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def batches(examples: Sequence[Encoded], recipe: Recipe, seed: int, device: torch.device) -> Iterator[Batch]:
    """Yields the batch of every step; the same seed draws the same batches.

    Args:
        examples: encoded training examples, at least one; all are drawn once before any is drawn again.
        recipe: number of steps and batch size.
        seed: seed of the order.
        device: where the batches are put.
    """
    generator = random.Random(seed)  # noqa: S311 - reproducible order, not secrecy
    queue: list[Encoded] = []
    for _ in range(recipe.steps):
        while len(queue) < recipe.batch_size:
            queue = queue + generator.sample(list(examples), len(examples))
        drawn, queue = queue[: recipe.batch_size], queue[recipe.batch_size :]
        yield collate_examples(drawn, device)


def heaviest(drawn: Sequence[Batch], first: int) -> frozenset[int]:
    """Returns the indices of the steps whose batches have most padded tokens and most answer tokens.

    The first step is among them only where there is no other, because the optimiser has no state before it.

    Args:
        drawn: batch of every step.
        first: index of the first step that will be run, from 0.
    """
    later = range(max(1, first), len(drawn)) or range(first, len(drawn))
    if not later:
        return frozenset()
    return frozenset(
        {max(later, key=lambda i: drawn[i].padded_tokens), max(later, key=lambda i: drawn[i].answer_tokens)}
    )
