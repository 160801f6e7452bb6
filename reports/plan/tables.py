"""A plan as tables for people and as plain values for programs."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from perfmodel.files.sizes import gibibytes
from perfmodel.memory.library_settings import OWN_LOOP
from perfmodel.planner.published_peaks import published_peaks, stratum_for
from perfmodel.planner.question import LEVEL, Choice, Plan
from perfmodel.space.metrics import LOSS
from perfmodel.timing.step_time import finetune_seconds
from reports.figures.quantity import UNKNOWN
from reports.pages.page import Table
from reports.plan.sentence import first_sentence, named, whole
from reports.run.terminal import output_console

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from perfmodel.timing.device_profiles import DeviceProfile
    from reports.plan.record import Answer

VERSION = 1

NARROWEST = 140
"""Columns of the tables where the output is no terminal."""

LOOPS = {
    "own": "loop: bench run's own, which makes logits of scored tokens only; --loop trainer is transformers' Trainer",
    "trainer": "loop: transformers' Trainer, which makes logits of every token",
}

COVERAGE = {
    "measured": "measured: fine-tunes of this kind are among the published traces",
    "between": "between: its kind lies between measured ones",
    "outside": "outside: nothing of its kind was measured; the interval is of other kinds",
}

TITLES = {
    "saved_activations": "saved activations",
    "logits_and_loss": "logits and loss",
    "quantization_metadata": "quantisation metadata",
    "embeddings": "embeddings and head",
    "dequantization": "dequantisation buffers",
    "optimizer": "optimiser",
    "working": "working buffers",
    "library_workspace": "workspace of libraries",
    "allocator_rounding": "allocator rounding",
    "reserved_slack": "reserved slack",
    "device_context": "device context",
}
"""Of the terms whose name alone is not plain."""


def as_values(answer: "Answer") -> dict[str, Any]:
    """Returns the answer as plain values, bytes and seconds whole."""
    plan, profile = answer.plan, answer.profile
    question = plan.question
    return {
        "version": VERSION,
        "model": answer.model,
        "device_class": question.device_class,
        "budget_bytes": question.budget_bytes,
        "batch": question.load.batch_size,
        "length": question.load.length,
        "accumulation": question.load.accumulation,
        "answer_tokens": question.load.answer_tokens,
        "loop": question.load.loop,
        "card": answer.card and answer.card.name,
        "answer": first_sentence(answer),
        "libraries": asdict(question.libraries),
        "recipe": question.recipe.to_dict(),
        "interval_level": LEVEL,
        "fits": plan.fits,
        "ranked_by": plan.ranked_by,
        "predicted_for": plan.predicted_for,
        "candidates": plan.candidates,
        "largest_batch": plan.largest_batch,
        "largest_length": plan.largest_length,
        "choices": [_choice_values(choice, answer) for choice in plan.choices],
        "smallest": _choice_values(plan.smallest, answer),
        "otherwise": [_choice_values(choice, answer) for choice in answer.otherwise.choices]
        if answer.otherwise
        else [],
        "profile": profile and _profile_values(profile),
    }


def _profile_values(profile: "DeviceProfile") -> dict[str, Any]:
    correction = profile.correction
    return {
        "name": profile.name,
        "source": profile.source,
        "measured": profile.measured,
        "form": "correction" if correction else "closed form",
        "step_error": correction.error if correction else profile.closed_form_error,
        "step_error_traces": correction.traces if correction else profile.compared_traces,
    }


def print_answer(answer: "Answer") -> None:
    """Prints the breakdown of the best choice, the choices, and what the reader must know about both."""
    console = output_console(NARROWEST)
    console.print(first_sentence(answer))
    for table in (breakdown_table(answer), *choices_tables(answer)):
        console.print(_for_terminal(table))
    for line in notes(answer):
        console.print(line)


def _for_terminal(table: Table) -> "RichTable":
    from rich.table import Table as RichTable

    shown = RichTable(title=table.title, title_justify="left")
    for place, name in enumerate(table.head):
        shown.add_column(name, justify="right" if place else "left")
    for row in table.rows:
        shown.add_row(*row)
    return shown


def title_of(term: str) -> str:
    """Returns a term of the breakdown as it is shown."""
    return TITLES.get(term, term.replace("_", " "))


def _choice_values(choice: Choice, answer: "Answer") -> dict[str, Any]:
    question, step = answer.plan.question, choice.step
    return {
        "configuration": choice.configuration.to_dict(),
        "name": named(choice),
        "terms_bytes": choice.memory.terms(),
        "allocated_bytes": choice.memory.allocated,
        "reserved_bytes": choice.memory.reserved,
        "peak_bytes": choice.peak_bytes,
        "peak_low_bytes": choice.low,
        "peak_high_bytes": choice.high,
        "coverage": choice.coverage,
        "changed_norm": choice.changed,
        LOSS: choice.loss and asdict(choice.loss),
        "step_s": step and step.seconds,
        "finetune_s": step and question.load.accumulation * finetune_seconds(step, question.recipe),
        "seconds_are_lower_bound": step and step.lower_bound,
    }


def breakdown_table(answer: "Answer") -> Table:
    """Returns where the memory of the best choice goes, beside its interval and the budget."""
    question, choice = answer.plan.question, answer.plan.described
    load, peak = question.load, choice.peak_bytes
    rows = [
        (title_of(term), gibibytes(size), f"{100 * size / max(peak, 1):.1f} %")
        for term, size in choice.memory.terms().items()
        if size
    ]
    rows.append(("allocated peak", gibibytes(choice.memory.allocated), ""))
    if question.device_class == "cuda":
        rows.append(("reserved peak, with context", gibibytes(choice.memory.reserved), ""))
    interval = f"{gibibytes(choice.low)} to {gibibytes(choice.high)}"
    fits = "fits" if answer.plan.fits else "does not fit"
    rows += [
        (f"{100 * LEVEL:.0f} % interval", interval, choice.coverage),
        ("budget", gibibytes(question.budget_bytes), fits),
        (f"largest batch at length {load.length:,}", whole(answer.plan.largest_batch), ""),
        (f"largest length at batch {load.batch_size:,}", whole(answer.plan.largest_length), ""),
    ]
    title = f"{answer.model}: {named(choice)}, batch {load.batch_size} x {load.length}"
    return Table(title, ("where it goes", "bytes", "share"), tuple(rows))


def choices_tables(answer: "Answer") -> tuple[Table, ...]:
    """Returns the choices that fit, or those that fit without the limits that were asked for; none where none does."""
    plan, title = answer.plan, "The best that fit"
    if not plan.choices and answer.otherwise is not None:
        own = answer.otherwise.question.libraries == OWN_LOOP
        plan, title = answer.otherwise, "Without the limits that were asked for" if own else "With 4-bit QLoRA instead"
    if not plan.choices:
        return ()
    rows = tuple(
        (
            named(choice),
            gibibytes(choice.peak_bytes),
            f"{gibibytes(choice.low)} to {gibibytes(choice.high)}",
            choice.coverage,
            f"{loss.value:.3f} [{loss.low:.3f}, {loss.high:.3f}]" if (loss := choice.loss) else UNKNOWN,
            f"{choice.changed:.4f}",
            f"{'> ' if step.lower_bound else ''}{step.seconds:.3g} s" if (step := choice.step) else UNKNOWN,
        )
        for choice in plan.choices
    )
    head = ("configuration", "peak", "interval", "kind", "loss", "changed", "step")
    return (Table(f"{title}, by {answer.plan.ranked_by}", head, rows),)


def notes(answer: "Answer") -> list[str]:
    """Returns what the reader must know about the tables, the most important first."""
    plan, profile = answer.plan, answer.profile
    found = []
    if not plan.fits:
        found.append(
            f"Nothing fits {gibibytes(plan.question.budget_bytes)}: the least that is needed of what was asked is "
            f"{gibibytes(plan.smallest.high)} ({named(plan.smallest)})."
        )
    found += _where_intervals_are_from(plan)
    if answer.card is not None and not answer.card.bfloat16:
        found.append(
            f"{answer.card.name}: compute capability {answer.card.capability:g} has no bfloat16; train in float16 "
            "(as many bytes, with a loss scale)"
        )
    found.append(LOOPS[plan.question.load.loop])
    if plan.ranked_by == "usual practice":
        found.append(
            "order: usual practice, rank 16 first; no quality was measured here. bench run measures, and mixes widths."
        )
    if plan.ranked_by == "changed weights":
        found.append("changed: norm of what rounding and pruning change, over the weights' own; no loss is known here")
    elif plan.predicted_for:
        found.append(f"loss: predicted for {plan.predicted_for}, with its {100 * LEVEL:.0f} % interval, nats")
    if profile is None:
        found.append("step: not known; bench calibrate measures the present device")
    else:
        best = plan.described.step
        question, total = plan.question, ""
        if best:
            seconds = question.load.accumulation * finetune_seconds(best, question.recipe)
            batches = f" of {question.load.accumulation} batches" if question.load.accumulation > 1 else ""
            total = f"; {question.recipe.steps} steps{batches} take {seconds:.3g} s"
        bound = " (a lower bound)" if not profile.measured else ""
        found.append(f"step: {profile.name}, {profile.source}{bound}, {_form(profile)}{total}")
    return found


def _where_intervals_are_from(plan: Plan) -> list[str]:
    """Returns what the intervals of a plan's choices are worth."""
    question = plan.question
    if question.libraries != OWN_LOOP:
        stratum = stratum_for(question.libraries)
        rows = len(published_peaks(stratum))
        return [f"interval: the worst error of {rows} published GPU peaks ({stratum}), widened by a quarter"]
    kinds = sorted({choice.coverage for choice in plan.choices or (plan.smallest,)})
    if question.device_class == "cuda":
        return [*(COVERAGE[kind] for kind in kinds), "interval: assumed bounds; this loop was measured on no GPU"]
    return [COVERAGE[kind] for kind in kinds]


def _form(profile: "DeviceProfile") -> str:
    """Returns which form of the seconds was used, and how far it is from traces of that device."""
    correction = profile.correction
    if correction is not None:
        return (
            f"closed form with a correction: off by {100 * correction.error:.1f} % on average in settings that it was "
            f"not learned from, {correction.traces} traces (the closed form alone by "
            f"{100 * correction.closed_form_error:.1f} %)"
        )
    if profile.closed_form_error is not None:
        return (
            f"closed form: off by {100 * profile.closed_form_error:.1f} % on average, {profile.compared_traces} traces"
        )
    return "closed form, compared with no traces of it"
