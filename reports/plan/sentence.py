"""A plan in one sentence, and a choice in a few words."""

from dataclasses import replace
from statistics import mean
from typing import TYPE_CHECKING

from perfmodel.files.sizes import gibibytes
from perfmodel.memory.peak import training_memory
from perfmodel.planner.question import Choice, Plan, Question

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
    """Returns the answer in one sentence: yes, no or perhaps, what is needed of how much, and how far it can grow."""
    plan = answer.plan
    question, choice = plan.question, plan.described
    load, budget = question.load, gibibytes(question.budget_bytes)
    where = f"{budget} of the {answer.card.name}" if answer.card else budget
    added = f", {load.accumulation} batches a step," if load.accumulation > 1 else ""
    way = "with" if question.recipe.gradient_checkpointing else "without"
    low = gibibytes(choice.low).removesuffix(" GiB")
    needs = (
        f"{_method(choice, question)} needs {gibibytes(choice.peak_bytes)} ({low} to {gibibytes(choice.high)}) "
        f"of {where} at batch {load.batch_size:,} x {load.length:,}{added} {way} gradient checkpointing"
    )
    if plan.fits:
        return f"Yes: {needs}; {_largest(plan)}."
    told = "No" if choice.low > question.budget_bytes else "Perhaps, the interval reaches beyond"
    return f"{told}: {needs}. {_what_to_change(answer)}"


def _method(choice: Choice, question: Question) -> str:
    """Returns a choice as people call it: its method, width, rank and where the adapters are."""
    configuration = choice.configuration
    adapted = [rank for rank in configuration.ranks if rank]
    kept, layers = len(adapted), len(configuration.ranks)
    last = not any(configuration.ranks[: layers - kept])
    if configuration.pruning_rate or len(set(configuration.bits)) > 1 or len(set(adapted)) > 1 or not last:
        return named(choice)
    bits = configuration.bits[0]
    if not adapted:
        return f"full fine-tuning in {bits} bits"
    where = "" if kept == layers else f" of the last {kept} of {layers} layers"
    name = "LoRA" if bits == 16 or question.libraries.kbit == "none" else "QLoRA"
    return f"{bits}-bit {name} of rank {adapted[0]} on all linear modules{where}"


def _largest(plan: Plan) -> str:
    """Returns how far batch or length can grow, empty where neither fits."""
    load, found = plan.question.load, []
    if plan.largest_batch:
        found.append(f"batch {plan.largest_batch:,}")
    if plan.largest_length:
        found.append(f"{plan.largest_length:,} tokens at batch {load.batch_size:,}")
    return f"up to {' or '.join(found)} fit" if found else ""


def _what_to_change(answer: "Answer") -> str:
    """Returns what would make it fit: a smaller batch, checkpointing, or 4-bit QLoRA."""
    plan, other = answer.plan, answer.otherwise
    question, choice = plan.question, plan.smallest
    found = [_largest(plan)]
    if not question.recipe.gradient_checkpointing:
        recomputed = training_memory(
            question.architecture,
            choice.configuration,
            replace(question.recipe, gradient_checkpointing=True),
            question.load,
            device_class=question.device_class,
            libraries=question.libraries,
        )
        saved = choice.peak_bytes - recomputed.reserved
        fits = choice.high - saved <= question.budget_bytes
        found.append(f"checkpointing saves {gibibytes(saved)}: {'then it fits' if fits else 'not enough alone'}")
    if other is not None and other.fits and other.question.libraries.kbit != "none":
        best = other.described
        found.append(f"{_method(best, other.question)} needs {gibibytes(best.peak_bytes)}: it fits")
    told = "; ".join(each for each in found if each) or "choose a smaller model, fewer bits or a larger card"
    return f"{told[:1].upper()}{told[1:]}."


def whole(value: int | None) -> str:
    """Returns a number with commas, or none."""
    return "none" if value is None else f"{value:,}"
