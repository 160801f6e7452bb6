"""Reads an online task, ``boolq`` from the hub or ``boolq@/a/folder`` from a local copy, into the three splits.

A local copy is the data set's repository as the hub lays it out (``hf download --repo-type dataset aps/super_glue
--local-dir /a/folder``). Rows of the hub's ``train`` become train and calibration, those of the scored split held_out.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from datasets_cache.files.cache import Progress
from datasets_cache.tasks.examples import Example, Task, hash_rank
from datasets_cache.tasks.hub.prompts import Row
from datasets_cache.tasks.hub.table import HUB_TASKS, HubTask
from perfmodel.errors import DownloadError, InvalidTaskError
from perfmodel.files.optional import needs_extra

CALIBRATION_SHARE, MOST_CALIBRATION = 0.1, 64
"""Of the training rows; 64 is what the shipped tasks have."""


def hub_source(name: str) -> tuple[HubTask, Path | None] | None:
    """Returns the data set that ``name`` means and the folder of a local copy if it names one; None for other names."""
    task, at, folder = name.partition("@")
    if task not in HUB_TASKS:
        return None
    return HUB_TASKS[task], Path(folder).expanduser() if at else None


def read_hub_task(name: str, task: HubTask, folder: Path | None, progress: Progress | None = None) -> Task:
    """Returns the task made of a data set.

    A training row whose question is also in the held-out split, or repeated, is left out; the held-out split is kept
    whole, as lm-evaluation-harness scores it. Both are in an order that looks random and never changes.

    Args:
        name: that the task carries.
        task: which data set.
        folder: of a local copy; None reads from the hub's own cache or from the network.
        progress: called with one line of text about what is being waited for, if anyone wants to know.

    Raises:
        InvalidTaskError: the folder is not a copy of the data set, or too few of its rows have a label.
        DownloadError: the hub cannot be reached and the data set is not in its cache.
        MissingExtraError: the package datasets is not installed.
    """
    train_rows, held_out_rows = _load(task, folder, ("train", task.held_out), progress)
    held_out = _in_fair_order(_examples(task, folder, held_out_rows))
    seen = {_question(example) for example in held_out}
    train = []
    for example in _in_fair_order(_examples(task, folder, train_rows)):
        if _question(example) not in seen:
            seen.add(_question(example))
            train.append(example)
    if len(train) < 2 or not held_out:
        raise InvalidTaskError(
            f"{_place(task, folder)} has {len(train)} training and {len(held_out)} held-out rows with a label",
            "a task needs two and one at least",
            "check that the copy is whole",
        )
    cut = max(1, min(MOST_CALIBRATION, round(CALIBRATION_SHARE * len(train))))
    splits = {"train": train[cut:], "calibration": train[:cut], "held_out": held_out}
    return Task(
        name=name,
        **{split: tuple(examples) for split, examples in splits.items()},
        sha256=_sha256_of(splits),
        description=task.description,
        kind=task.kind,
    )


def read_held_out(task: HubTask, folder: Path | None) -> list[Example | None]:
    """Returns the scored split's examples in the data set's own order, None where a row has no label.

    Raises:
        as ``read_hub_task``.
    """
    (rows,) = _load(task, folder, (task.held_out,), None)
    return [task.to_example(row) for row in rows]


def _load(task: HubTask, folder: Path | None, splits: Sequence[str], progress: Progress | None) -> list[list[Row]]:
    with needs_extra("hub"):
        import datasets
    if folder is None and progress is not None:
        progress(f"fetching {task.hub_id} from the hub (what is already in its cache is used as it is)")
    if folder is not None and not folder.is_dir():
        raise InvalidTaskError(
            f"{folder} is not a folder", f"after @ stands a local copy of {task.hub_id}", "check the path"
        )
    try:
        with _quiet(datasets):
            tables = _tables(datasets, task, folder, splits)
            found: list[list[Row]] = [list(table) for table in tables]
    except Exception as error:
        # The library raises errors of several unrelated classes here, and they change between versions.
        raise _not_loaded(task, folder, error) from error
    for split, rows in zip(splits, found, strict=True):
        missing = sorted(set(task.columns) - set(rows[0])) if rows else []
        if missing:
            raise InvalidTaskError(
                f"{_place(task, folder)} lacks the columns {', '.join(missing)} in its split {split}",
                f"it must have {', '.join(task.columns)}",
                f"give a copy of {task.hub_id}",
            )
    return found


def _tables(datasets: Any, task: HubTask, folder: Path | None, splits: Sequence[str]) -> list[Any]:
    """Returns the splits; those of a folder are streamed, for the library's cache does not see when its files change.

    Seen with datasets 5.2.0 for a folder whose README.md lists configurations.
    """
    if folder is None:
        return list(datasets.load_dataset(task.hub_id, task.config, split=list(splits)))
    whole = datasets.load_dataset(str(folder), task.config, streaming=True)
    return [whole[split] for split in splits]


def _not_loaded(task: HubTask, folder: Path | None, error: Exception) -> DownloadError | InvalidTaskError:
    reason = str(error).strip()[:200]
    if folder is not None:
        return InvalidTaskError(
            f"{folder} cannot be read as a data set ({reason})",
            f"it must be a copy of {task.hub_id} with the splits train and {task.held_out}"
            + (f" of {task.config}" if task.config else ""),
            f"fetch it with: hf download --repo-type dataset {task.hub_id} --local-dir {folder}",
        )
    return DownloadError(
        f"{task.hub_id} could not be fetched from the hub ({reason})",
        "the hub must be reachable and HF_HUB_OFFLINE unset, or the data set already in the hub's cache",
        "go online, or give a local copy of it: NAME@/path/to/folder",
    )


def _examples(task: HubTask, folder: Path | None, rows: Iterable[Row]) -> Iterator[Example]:
    for number, row in enumerate(rows):
        try:
            example = task.to_example(row)
            if example is not None and any(row[column] is None for column in task.columns):
                raise ValueError("it lacks a value")
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise InvalidTaskError(
                f"{_place(task, folder)}: row {number} cannot be used ({error})",
                f"rows are those of {task.hub_id}",
                "mend the row, or fetch the data set again",
            ) from error
        if example is not None:
            yield example


def _place(task: HubTask, folder: Path | None) -> str:
    return task.hub_id if folder is None else str(folder)


def _in_fair_order(examples: Iterator[Example]) -> list[Example]:
    return sorted(examples, key=lambda example: hash_rank(_canonical(example), seed=0))


def _question(example: Example) -> str:
    """Returns what the model is asked, without the answer."""
    return json.dumps([example.question, example.choices])


def _canonical(example: Example) -> str:
    """Returns the example as one line that changes with nothing but its content."""
    return json.dumps(
        {
            "question": example.question,
            "answer": example.answer,
            "choices": example.choices,
            "scoring": example.scoring,
            "right": example.right,
            "contexts": example.contexts,
        },
        sort_keys=True,
    )


def _sha256_of(splits: Mapping[str, Sequence[Example]]) -> str:
    digest = hashlib.sha256()
    for name, examples in splits.items():
        digest.update("".join(f"{line}\n" for line in (name, *map(_canonical, examples))).encode())
    return digest.hexdigest()


@contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Silences the library's bars in the block, then restores them: the caller is told by ``progress``."""
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
