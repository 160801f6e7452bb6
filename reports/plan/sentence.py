"""A plan in one sentence, and a choice in a few words."""

from dataclasses import replace
from statistics import mean
from typing import TYPE_CHECKING

from perfmodel.files.sizes import gibibytes
from perfmodel.memory.peak import training_memory
from perfmodel.planner.question import Choice

if TYPE_CHECKING:
    from reports.plan.record import Answer


def named(choice: Choice) -> str:
    """Returns a configuration in a few words."""
    configuration = choice.configuration
    bits, ranks = configuration.bits, configuration.ranks
    width = f"{bits[0]} bits" if len(set(bits)) == 1 else f"{mean(bits):.1f} bits"
    if not any(ranks):
        return f"{width}, all weights"
    adapted = [rank for rank in ranks if rank]
    if len(set(adapted)) == 1 and len(adapted) < len(ranks) and not any(ranks[: len(ranks) - len(adapted)]):
        return f"{width}, rank {adapted[0]} in the last {len(adapted)} of {len(ranks)} layers"
    rank = f"rank {ranks[0]}" if len(set(ranks)) == 1 else f"rank {mean(ranks):.1f}"
    pruned = f", {100 * configuration.pruning_rate:.0f} % pruned" if configuration.pruning_rate else ""
    return f"{width}, {rank}{pruned}"


def first_sentence(answer: "Answer") -> str:
    """Returns the answer in one sentence: yes or no, what is needed of how much, and how far it can grow."""
    plan = answer.plan
    question, choice = plan.question, plan.described
    load, budget = question.load, gibibytes(question.budget_bytes)
    where = f"{budget} of the {answer.card.name}" if answer.card else budget
    added = f", {load.accumulation} batches a step," if load.accumulation > 1 else ""
    way = "with" if question.recipe.gradient_checkpointing else "without"
    needs = (
        f"{named(choice)} needs {gibibytes(choice.peak_bytes)} ({gibibytes(choice.low)} to {gibibytes(choice.high)}) "
        f"of {where} at batch {load.batch_size:,} x {load.length:,}{added} {way} gradient checkpointing"
    )
    if plan.fits:
        return f"Yes: {needs}; up to batch {whole(plan.largest_batch)} or {whole(plan.largest_length)} tokens fit."
    return f"No: {needs}. {_what_to_change(answer)}"


def _what_to_change(answer: "Answer") -> str:
    """Returns what would make it fit, as far as checkpointing or a smaller batch does."""
    plan = answer.plan
    question, choice = plan.question, plan.smallest
    if plan.largest_batch or plan.largest_length:
        return f"Batch {whole(plan.largest_batch)}, or length {whole(plan.largest_length)}, fits."
    if question.recipe.gradient_checkpointing:
        return "Choose a smaller model, fewer bits or a larger card."
    other = training_memory(
        question.architecture,
        choice.configuration,
        replace(question.recipe, gradient_checkpointing=True),
        question.load,
        device_class=question.device_class,
        libraries=question.libraries,
    )
    saved = choice.peak_bytes - other.reserved
    fits = choice.high - saved <= question.budget_bytes
    return f"Checkpointing saves {gibibytes(saved)}: {'then it fits' if fits else 'not enough alone'}."


def whole(value: int | None) -> str:
    """Returns a number with commas, or none."""
    return "none" if value is None else f"{value:,}"
