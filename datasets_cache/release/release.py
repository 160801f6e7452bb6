"""Makes a release in ``shelf_data/<name>``: ``python -m datasets_cache.release.release NAME STORE...``.

<name>.parquet, <name>.parquet.sha256   the traces; a release that is out keeps its bytes
<name>.rows.txt                         a fingerprint of every row
<name>.md, <name>.coverage.png          the data card and its picture, computed from the traces
<name>.croissant.json                   the same for machines
<name>.notes.md                         the part that a person writes: must be there before
registry.txt                            the sha256 of them all

Without stores the traces stay as they are, and everything that is computed from them is made anew.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from datasets_cache.base_models.resolve import load_tokenizer, resolve
from datasets_cache.release.card import Blind, by_setting, card, compared
from datasets_cache.release.coverage import draw_coverage, shelf_coverage
from datasets_cache.release.croissant import write_croissant
from datasets_cache.shelf.registry import register
from datasets_cache.shelf.row_fingerprints import rows_file, write_rows
from datasets_cache.shelf.shelf import SHELF_DATA
from datasets_cache.tasks.question_blind import question_blind_loss
from datasets_cache.tasks.tasks import load_task, majority_accuracy, task_names
from perfmodel.errors import CorruptFileError, PerfModelError
from perfmodel.traces.parquet import read_traces, write_traces
from perfmodel.traces.store import TraceStore
from perfmodel.traces.trace import Trace


def write_release(name: str, stores: Sequence[Path], folder: Path = SHELF_DATA) -> Path:
    """Returns the path of the Parquet file of a new release.

    Args:
        name: name of the new or existing release.
        stores: trace stores; a trial in several is taken once, one of a task that is not shipped is left out.
            Without any the traces stay as they are and all that is computed from them is made anew.
        folder: holds the releases; ``<name>/<name>.notes.md`` must be there.

    Raises:
        CorruptFileError: when a store, the notes, or without stores the traces, are missing or damaged.
        MissingExtraError: when matplotlib, which draws the coverage, is not installed.
    """
    path, notes = folder / name / f"{name}.parquet", folder / name / f"{name}.notes.md"
    if not notes.is_file():
        raise CorruptFileError(f"there is no {notes}", "notes that say how the traces were made", "write them first")
    if stores:
        write_traces(_of_stores(stores), path)
    traces = read_traces(path)
    if not traces:
        raise CorruptFileError(f"{path} holds no traces", "traces of shipped tasks", "give stores that hold some")
    _write_beside(path, traces, notes.read_text(encoding="utf-8"))
    register(path.parent, name)
    return path


def question_blind(trace: Trace) -> Blind:
    """Returns the question-blind baselines of a trace's task under its model's tokenizer.

    Args:
        trace: a trace of a task that ``load_task`` finds.
    """
    task, tokenizer = load_task(trace.asked.setting.task), _tokenizer(trace.asked.setting.model)

    def ids(answer: str) -> list[int]:
        return [*tokenizer(" " + answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]

    scored = task.held_out[: trace.asked.setting.recipe.eval_examples]
    loss = question_blind_loss(
        [ids(example.answer) for example in task.train], [ids(example.answer) for example in scored]
    )
    return loss, majority_accuracy(task)


@cache
def _tokenizer(model: str) -> Any:
    return load_tokenizer(resolve(model))


def _of_stores(stores: Sequence[Path]) -> list[Trace]:
    found: dict[str, Trace] = {}
    for path in stores:
        with TraceStore(path) as store:
            for trace in store:
                if trace.asked.setting.task in task_names():
                    found.setdefault(trace.asked.key, trace)
    return list(found.values())


def _write_beside(path: Path, traces: Sequence[Trace], notes: str) -> None:
    import pyarrow.parquet as pq

    write_rows(pq.read_table(path).to_pylist(), rows_file(path))
    coverages = {label: shelf_coverage(of_one) for label, of_one in by_setting(compared(traces)).items()}
    draw_coverage(coverages, path.with_name(f"{path.stem}.coverage.png"))
    text = card(path.stem, traces, notes, path, question_blind)
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    write_croissant(path, traces)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code of the command.

    Args:
        arguments: words of the command line; those of the process when left out.
    """
    parser = argparse.ArgumentParser(prog="python -m datasets_cache.release.release", description=__doc__)
    parser.add_argument("name", help="of the release")
    parser.add_argument("stores", type=Path, nargs="*", help="trace stores (SQLite); none to make the card anew")
    chosen = parser.parse_args(arguments)
    try:
        write_release(chosen.name, chosen.stores)
    except PerfModelError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this module is also a command
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
