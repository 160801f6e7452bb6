"""Finds a task by name or file, and scores the answer that needs no model."""

import difflib
from collections import Counter
from pathlib import Path

from datasets_cache.examples import Example, Task
from datasets_cache.jsonl_tasks import read_jsonl_task
from datasets_cache.shipped_tasks import read_registry, read_shipped_task
from perfmodel.errors import UnknownNameError

__all__ = ["Example", "Task", "load_task", "majority_accuracy", "task_names"]


def task_names() -> tuple[str, ...]:
    """Returns the names of the shipped tasks, sorted.

    Raises:
        CorruptFileError: the registry of the shipped tasks is damaged.
        SchemaVersionError: it was written by a newer version.
    """
    return tuple(sorted(read_registry()))


def load_task(name_or_path: str) -> Task:
    """Returns a shipped task, or the task in a user's ``.jsonl`` file (see ``jsonl_tasks``).

    Args:
        name_or_path: one of ``task_names()``, or a path that ends in ``.jsonl``.

    Raises:
        UnknownNameError: it is neither.
        InvalidTaskError: the user's file cannot be used; the text names file and line.
        CorruptFileError: a shipped file is damaged.
        SchemaVersionError: a shipped file was written by a newer version.
        MissingExtraError: pyarrow, which reads the shipped files, is not installed.
    """
    if name_or_path.endswith(".jsonl"):
        return read_jsonl_task(Path(name_or_path).expanduser())
    names = task_names()
    if name_or_path in names:
        return read_shipped_task(name_or_path)
    close = difflib.get_close_matches(name_or_path, names, n=1)
    raise UnknownNameError(
        f"there is no task {name_or_path!r}",
        f"tasks are {', '.join(names)}, or the path of a .jsonl file",
        f"did you mean {close[0]!r}?" if close else "check the spelling",
    )


def majority_accuracy(task: Task) -> float:
    """Returns the held-out accuracy, in [0, 1], of always giving the training examples' commonest answer.

    Among equally common answers the one met first in training is given.
    """
    commonest = Counter(example.answer for example in task.train).most_common(1)[0][0]
    return sum(example.answer == commonest for example in task.held_out) / len(task.held_out)
