"""The fine-tuning loop: batches, learning rate, steps, and the measurements taken around them."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median, quantiles
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from collectors.encode import Batch, Encoded, collate
from collectors.energy import energy_between_j, energy_so_far_j
from collectors.evaluate import answer_logits
from collectors.measure import StepClock, memory_meter
from perfmodel.recipe import Recipe


class DivergedError(Exception):
    """The training loss is no longer finite."""


@dataclass(frozen=True)
class Training:
    """What the loop measured; units as in ``perfmodel.trace.Measured``."""

    peak_memory_bytes: int
    optimizer_bytes: int
    largest_batch_tokens: int
    largest_batch_answer_tokens: int
    step_time_s: float
    step_time_p95_s: float
    tokens_per_s: float
    energy_j: float | None


def finetune(
    model: nn.Module,
    examples: Sequence[Encoded],
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    resident_bytes: int,
    after_step: Callable[[int], None],
) -> Training:
    """Trains the adapters in place.

    Peak memory is recorded on the steps whose batches are largest (in padded tokens, and in answer tokens); they and
    the first step are left out of the step times where other steps remain. The first step is recorded only when it is
    the only one, because the optimiser has no state before it.

    Args:
        model: with adapters; only they require gradients.
        examples: training set.
        recipe: how.
        seed: of the order of the examples.
        device: where the model lies.
        resident_bytes: of the model with its adapters.
        after_step: called with the number of steps done, after each.

    Raises:
        DivergedError: when a step's loss is not finite.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = _optimizer(parameters, recipe)
    batches = list(_batches(examples, recipe, seed, device))
    heavy = _heaviest(batches)
    meter, clock = memory_meter(device), StepClock(device)
    if recipe.gradient_checkpointing:
        _checkpoint_activations(model.get_base_model())  # type: ignore[operator]  # PEFT's method, untyped
    model.train()

    def step(index: int) -> None:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, index)
        logits, targets = answer_logits(model, batches[index])
        loss = F.cross_entropy(logits, targets)
        if not math.isfinite(loss.item()):
            raise DivergedError(f"the training loss is {loss.item()} at step {index + 1} of {recipe.steps}")
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own signature
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    timed: list[float] = []
    used_before = energy_so_far_j(device)
    for index in range(recipe.steps):
        with clock.step():
            if index in heavy:
                with meter.step(lambda: resident_bytes + _state_bytes(optimizer)):
                    step(index)
            else:
                step(index)
        if index and index not in heavy:
            timed.append(clock.seconds[-1])
        after_step(index + 1)
    seconds = timed or clock.seconds
    return Training(
        peak_memory_bytes=meter.peak_bytes,
        optimizer_bytes=_state_bytes(optimizer),
        largest_batch_tokens=max(batch.padded_tokens for batch in batches),
        largest_batch_answer_tokens=max(batch.answer_tokens for batch in batches),
        step_time_s=median(seconds),
        step_time_p95_s=quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0],
        tokens_per_s=mean(batch.real_tokens for batch in batches) / median(seconds),
        energy_j=energy_between_j(used_before, energy_so_far_j(device)),
    )


def learning_rate(recipe: Recipe, index: int) -> float:
    """Returns the learning rate of a step.

    It rises in a line over the warm-up's steps, then stays, or falls in a line or a half cosine towards 0.

    Args:
        recipe: peak rate, schedule, warm-up and steps.
        index: of the step, from 0.
    """
    warmup = max(1, round(recipe.warmup_share * recipe.steps)) if recipe.warmup_share else 0
    if index < warmup:
        return recipe.learning_rate * (index + 1) / warmup
    done = (index - warmup) / max(1, recipe.steps - warmup)
    shape = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}[recipe.schedule]
    return recipe.learning_rate * shape


def _checkpoint_activations(base: Any) -> None:
    """Turns checkpointing on by the name it has in this transformers: the old one warns since 5.23 and ends with 6."""
    enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def _optimizer(parameters: Sequence[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "adamw_8bit":
        import bitsandbytes as bnb

        eight_bit: torch.optim.Optimizer = bnb.optim.AdamW8bit(
            parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        return eight_bit
    return torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def _batches(examples: Sequence[Encoded], recipe: Recipe, seed: int, device: torch.device) -> Iterator[Batch]:
    generator = random.Random(seed)  # noqa: S311 - reproducible order, not secrecy
    queue: list[Encoded] = []
    for _ in range(recipe.steps):
        while len(queue) < recipe.batch_size:
            queue = queue + generator.sample(list(examples), len(examples))
        drawn, queue = queue[: recipe.batch_size], queue[recipe.batch_size :]
        yield collate([(example.prompt, example.answer) for example in drawn], device)


def _heaviest(batches: Sequence[Batch]) -> frozenset[int]:
    later = range(1, len(batches)) or range(1)
    return frozenset(
        {max(later, key=lambda i: batches[i].padded_tokens), max(later, key=lambda i: batches[i].answer_tokens)}
    )


def _state_bytes(optimizer: torch.optim.Optimizer) -> int:
    return sum(
        value.untyped_storage().nbytes()
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, Tensor)
    )
