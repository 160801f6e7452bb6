"""Finds a task by name or file; the accuracy of the commonest answer."""

from collections import Counter
from pathlib import Path

from datasets_cache.files.cache import Progress
from datasets_cache.tasks.examples import Example, Task
from datasets_cache.tasks.hub import HUB_TASKS, hub_source, read_hub_task
from datasets_cache.tasks.own.read import read_own_task
from datasets_cache.tasks.own.rows import SUFFIXES
from datasets_cache.tasks.shipped import read_registry, read_shipped_task
from perfmodel.errors import UnknownNameError, did_you_mean
from perfmodel.files.possible_path import possible_path

__all__ = ["Example", "Task", "load_task", "majority_accuracy", "online_task_names", "own_data", "task_names"]


def task_names() -> tuple[str, ...]:
    """Returns the names of the shipped tasks, sorted.

    Raises:
        CorruptFileError: the registry of the shipped tasks is damaged.
        SchemaVersionError: it was written by a newer version.
    """
    return tuple(sorted(read_registry()))


def online_task_names() -> tuple[str, ...]:
    """Returns the names of the tasks that are fetched from the Hugging Face hub, sorted."""
    return tuple(sorted(HUB_TASKS))


def load_task(name_or_path: str, *, progress: Progress | None = None) -> Task:
    """Returns a shipped task, a hub task, or a user's own (see ``datasets_cache.tasks.own.read``).

    Args:
        name_or_path: one of ``task_names()`` or ``online_task_names()``; one of the latter with the folder of a local
            copy of its data set, as in ``boolq@/path/to/folder``; a file that ends in ``.jsonl``, ``.json``,
            ``.csv`` or ``.parquet``; or a folder of such files.
        progress: called with one line of text before something is fetched.

    Raises:
        UnknownNameError: it is none of these.
        InvalidTaskError: the user's file or folder cannot be used; the text names the place.
        DownloadError: the hub cannot be reached and the data set is not in its cache.
        CorruptFileError: a shipped file is damaged.
        SchemaVersionError: a shipped file was written by a newer version.
        MissingExtraError: pyarrow, which reads the shipped files, or datasets, which reads the hub's, is not installed.
    """
    online = hub_source(name_or_path)
    if online is not None:
        return read_hub_task(name_or_path, *online, progress)
    names = task_names()
    if name_or_path in names:
        return read_shipped_task(name_or_path)
    path = _path_of_data(name_or_path)
    if path is not None:
        return read_own_task(path)
    raise UnknownNameError(
        f"there is no task {name_or_path!r}",
        f"tasks are {', '.join(names)}, your own data (a file that ends in {', '.join(SUFFIXES)}, or a folder of them)"
        ", and, from the hub or from a local copy of its data set (NAME@/path/to/folder), "
        + ", ".join(online_task_names()),
        did_you_mean(name_or_path.partition("@")[0], (*names, *online_task_names()), "check the spelling"),
    )


def own_data(name_or_path: str) -> Path | None:
    """Returns the path of a user's own data; None where the text names a shipped or a hub task, or nothing.

    Args:
        name_or_path: as ``load_task`` takes it.
    """
    if hub_source(name_or_path) is not None or name_or_path in task_names():
        return None
    return _path_of_data(name_or_path)


def _path_of_data(text: str) -> Path | None:
    path = possible_path(text)
    return path if path.suffix in SUFFIXES or path.is_dir() else None


def majority_accuracy(task: Task) -> float:
    """Returns the held-out accuracy, in [0, 1], of always giving the training examples' commonest answer.

    Where choices have places (``Example.right``) the answer is a place: most choices are met only once. Among equally
    common answers the one met first in training is given.

    Args:
        task: the task, with its training and held-out examples.
    """
    commonest = Counter(map(_given, task.train)).most_common(1)[0][0]
    return sum(_given(example) == commonest for example in task.held_out) / len(task.held_out)


def _given(example: Example) -> str | int:
    return example.answer if example.right is None else example.right
