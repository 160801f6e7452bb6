"""Makes a shelf release: ``python -m datasets_cache.release NAME STORE...`` writes its Parquet, sha256 and data card.

The card's tables are computed from the traces; what a person has to say stands in ``shelf_data/<name>.notes.md``.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import mean, stdev

from datasets_cache.base_models import load_tokenizer, resolve
from datasets_cache.baselines import question_blind_loss
from datasets_cache.shelf import SHELF_DATA
from datasets_cache.tasks import load_task, majority_accuracy, task_names
from perfmodel.checksum import sha256_of
from perfmodel.errors import CorruptFileError, PerfModelError
from perfmodel.parquet import write_traces
from perfmodel.store import TraceStore
from perfmodel.trace import Trace

Blind = tuple[float, float]
"""Loss, nats per answer token, and accuracy of the best answers that ignore the question."""


def write_release(name: str, stores: Sequence[Path], folder: Path = SHELF_DATA) -> Path:
    """Returns the path of the Parquet file of a new release.

    Args:
        name: of the release.
        stores: trace stores; a trial in several is taken once, one of a task that is not shipped is left out.
        folder: where the files go; ``<name>.notes.md`` must be there.

    Raises:
        CorruptFileError: when a store or the notes are missing or damaged.
    """
    notes = folder / f"{name}.notes.md"
    if not notes.is_file():
        raise CorruptFileError(f"there is no {notes}", "notes that say how the traces were made", "write them first")
    found: dict[str, Trace] = {}
    for path in stores:
        with TraceStore(path) as store:
            for trace in store:
                if trace.asked.setting.task in task_names():
                    found.setdefault(trace.asked.key, trace)
    path = folder / f"{name}.parquet"
    write_traces(list(found.values()), path)
    (folder / f"{name}.md").write_text(card(name, list(found.values()), notes.read_text(), path, question_blind))
    return path


def question_blind(trace: Trace) -> Blind:
    """Returns the question-blind baselines of a trace's task under its model's tokenizer."""
    task, tokenizer = load_task(trace.asked.setting.task), load_tokenizer(resolve(trace.asked.setting.model))

    def ids(answer: str) -> list[int]:
        return [*tokenizer(" " + answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]

    scored = task.held_out[: trace.asked.setting.recipe.eval_examples]
    loss = question_blind_loss(
        [ids(example.answer) for example in task.train], [ids(example.answer) for example in scored]
    )
    return loss, majority_accuracy(task)


def card(name: str, traces: Sequence[Trace], notes: str, file: Path, blind: Callable[[Trace], Blind]) -> str:
    """Returns the data card as Markdown.

    Args:
        name: of the release.
        traces: all of it.
        notes: what a person has to say, Markdown.
        file: the Parquet file.
        blind: gives the question-blind baselines of a trace's task.
    """
    parts = [
        f"# {name}",
        f"{len(traces)} real fine-tunes, {file.stat().st_size / 1e3:.0f} kB, sha256 `{sha256_of(file)}`.",
        notes.strip(),
        "## Coverage",
        _table(
            ("task", "traces", "ok", "configurations", "at 3 seeds or more", "rates", "mean bits", "mean rank"),
            (_coverage(task, of_task) for task, of_task in by_task(traces)),
        ),
        "## The gate: does a 16-bit fine-tune beat the best answer that ignores the question?",
        _table(
            ("task", "runs", "loss, 16-bit", "loss, blind", "accuracy, 16-bit", "accuracy, blind"),
            (_gate(task, of_task, blind(of_task[0])) for task, of_task in by_task(traces)),
        ),
        "## Seed noise",
        "Pooled standard deviation of the held-out loss over seeds, beside its spread over configurations.",
        _table(
            ("task", "configurations repeated", "runs", "noise", "spread", "spread / noise"),
            (_noise(task, of_task) for task, of_task in by_task(traces)),
        ),
        "## Made on",
        _table(("what", "values (traces)"), _made_on(traces)),
    ]
    return "\n\n".join(parts) + "\n"


def by_task(traces: Iterable[Trace]) -> list[tuple[str, list[Trace]]]:
    """Returns the traces of each task, by its name."""
    groups: defaultdict[str, list[Trace]] = defaultdict(list)
    for trace in traces:
        groups[trace.asked.setting.task].append(trace)
    return sorted(groups.items())


def plain_runs(traces: Iterable[Trace]) -> list[Trace]:
    """Returns the good runs of unpruned 16-bit LoRA."""
    return [
        trace
        for trace in traces
        if trace.ok and set(trace.asked.configuration.bits) == {16} and trace.asked.configuration.pruning_rate == 0
    ]


def repeated_losses(traces: Iterable[Trace]) -> list[list[float]]:
    """Returns the held-out losses of every configuration that was run with more than one seed."""
    losses: defaultdict[str, list[float]] = defaultdict(list)
    for trace in traces:
        if trace.ok and trace.measured.held_out_loss is not None:
            losses[trace.asked.configuration.identifier].append(trace.measured.held_out_loss)
    return [values for values in losses.values() if len(values) > 1]


def noise_and_spread(traces: Sequence[Trace]) -> tuple[float, float | None]:
    """Returns the pooled deviation of the loss over seeds, and its deviation over configurations' means.

    The second is None where there is a single configuration.
    """
    repeats = repeated_losses(traces)
    squares = sum((value - mean(values)) ** 2 for values in repeats for value in values)
    freedom = sum(len(values) - 1 for values in repeats)
    means: defaultdict[str, list[float]] = defaultdict(list)
    for trace in traces:
        if trace.ok and trace.measured.held_out_loss is not None:
            means[trace.asked.configuration.identifier].append(trace.measured.held_out_loss)
    spread = stdev(mean(values) for values in means.values()) if len(means) > 1 else None
    return (squares / freedom) ** 0.5, spread


def _coverage(task: str, traces: Sequence[Trace]) -> tuple[str, ...]:
    configurations = {trace.asked.configuration for trace in traces}
    runs = Counter(trace.asked.configuration for trace in traces if trace.ok)
    bits = [mean(each.bits) for each in configurations]
    ranks = [mean(each.ranks) for each in configurations]
    rates = sorted({each.pruning_rate for each in configurations})
    return (
        task,
        str(len(traces)),
        str(sum(trace.ok for trace in traces)),
        str(len(configurations)),
        str(sum(count >= 3 for count in runs.values())),
        ", ".join(f"{rate:g}" for rate in rates),
        f"{min(bits):.1f} to {max(bits):.1f}",
        f"{min(ranks):.1f} to {max(ranks):.1f}",
    )


def _gate(task: str, traces: Sequence[Trace], blind: Blind) -> tuple[str, ...]:
    runs = plain_runs(traces)
    losses = [trace.measured.held_out_loss or 0.0 for trace in runs]
    accuracies = [trace.measured.accuracy or 0.0 for trace in runs]
    return task, str(len(runs)), _mean(losses), f"{blind[0]:.3f}", _mean(accuracies), f"{blind[1]:.3f}"


def _noise(task: str, traces: Sequence[Trace]) -> tuple[str, ...]:
    repeats = repeated_losses(traces)
    if not repeats:
        return task, "0", "0", "not known", "not known", "not known"
    noise, spread = noise_and_spread(traces)
    known = ("not known", "not known") if spread is None else (f"{spread:.4f}", f"{spread / noise:.0f}")
    return task, str(len(repeats)), str(sum(map(len, repeats))), f"{noise:.4f}", *known


def _made_on(traces: Sequence[Trace]) -> list[tuple[str, str]]:
    def counted(values: Iterable[str]) -> str:
        return ", ".join(f"{value} ({count})" for value, count in sorted(Counter(values).items()))

    rows = [
        ("base model", counted(f"{t.asked.setting.model} `{t.asked.setting.model_sha256[:12]}`" for t in traces)),
        ("device", counted(f"{t.asked.setting.device_class}: {t.ran_on.device_name}" for t in traces)),
        ("threads of cores", counted(f"{t.ran_on.threads} of {t.ran_on.cores}" for t in traces)),
        ("code version", counted(t.ran_on.code_version for t in traces)),
        ("started", f"{min(t.ran_on.started_at for t in traces)} to {max(t.ran_on.started_at for t in traces)}"),
        ("status", counted(t.measured.status for t in traces)),
        ("recipe", counted(f"`{t.asked.setting.recipe.identity()}`" for t in traces)),
    ]
    names = sorted({name for trace in traces for name in trace.ran_on.versions})
    return rows + [(name, counted(trace.ran_on.versions.get(name, "absent") for trace in traces)) for name in names]


def _mean(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.3f}" if values else "not measured"
    return f"{mean(values):.3f} ± {stdev(values):.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code of the command."""
    parser = argparse.ArgumentParser(prog="python -m datasets_cache.release", description=__doc__)
    parser.add_argument("name", help="of the release")
    parser.add_argument("stores", type=Path, nargs="+", help="trace stores (SQLite)")
    chosen = parser.parse_args(arguments)
    try:
        write_release(chosen.name, chosen.stores)
    except PerfModelError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this module is also a command
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
