"""Makes the shipped tasks from their sources: ``python -m datasets_cache.tasks.generate`` writes ``task_data`` anew.

A new task is one entry of ``RECIPES``. The files are the same on every machine for one release of the source;
which release made them stands in each file and in the registry.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets_cache.tasks.examples import SPLITS, shuffled_questions
from datasets_cache.tasks.shipped import METADATA_KEY, REGISTRY_FILE, SCHEMA_VERSION, TASK_DATA
from datasets_cache.tasks.sources.recipes import RECIPES, TaskRecipe
from datasets_cache.tasks.sources.task_source import Drawn
from perfmodel.errors import InvalidTaskError, PerfModelError, unknown_name
from perfmodel.files.checksum import sha256_of
from perfmodel.files.json_file import read_json
from perfmodel.files.optional import needs_extra

LEAST_HELD_OUT = 64


def make_rows(recipe: TaskRecipe) -> list[dict[str, Any]]:
    """Returns the rows of a task: distinct questions, split by split, in random order within each split.

    Args:
        recipe: how the task is made.

    Raises:
        MissingExtraError: a package that the source is read with is not installed.
        DownloadError: the source's file is not on this machine.
        CorruptFileError: the source's file is not the recorded one.
        InvalidTaskError: the source gives too few distinct questions, or one without an answer.
    """
    wanted = sum(recipe.sizes.values())
    drawn: dict[str, Drawn] = {}
    for example in recipe.source.draw(recipe.seed, wanted):
        drawn.setdefault(example.question, example)
        if len(drawn) == wanted:
            break
    order = shuffled_questions(drawn, seed=recipe.seed)
    rows: list[dict[str, Any]] = []
    for split, size in split_sizes(len(order), recipe.sizes).items():
        rows += [_row(drawn[question], split, recipe.seed) for question in order[len(rows) : len(rows) + size]]
    return rows


def split_sizes(distinct: int, sizes: Mapping[str, int]) -> dict[str, int]:
    """Returns how many examples each split gets: those wanted, or fewer in proportion.

    Args:
        distinct: number of distinct questions at hand, 0 or more.
        sizes: examples wanted in ``train``, ``calibration`` and ``held_out``.

    Raises:
        InvalidTaskError: fewer than twice the smallest held-out split.
    """
    wanted = sum(sizes.values())
    if distinct >= wanted:
        return dict(sizes)
    if distinct < 2 * LEAST_HELD_OUT:
        raise InvalidTaskError(
            f"the source gives {distinct} distinct questions",
            f"a task needs at least {2 * LEAST_HELD_OUT}",
            "widen the parameters of its recipe",
        )
    held_out = max(LEAST_HELD_OUT, distinct * sizes["held_out"] // wanted)
    calibration = distinct * sizes["calibration"] // wanted
    return {"train": distinct - calibration - held_out, "calibration": calibration, "held_out": held_out}


def write_tasks(names: Sequence[str], folder: Path = TASK_DATA) -> None:
    """Writes the Parquet files of the named tasks and their entries in the registry; other entries stay.

    Args:
        names: keys of ``RECIPES``.
        folder: where the files go.

    Raises:
        UnknownNameError: a name is no key of ``RECIPES``.
        MissingExtraError: pyarrow or a package that a source is read with is not installed.
        DownloadError: the file of a source is not on this machine.
        CorruptFileError: the file of a source is not the recorded one.
        InvalidTaskError: a source cannot fill a task.
    """
    unknown = sorted(set(names) - set(RECIPES))
    if unknown:
        raise unknown_name("recipe", unknown[0], sorted(RECIPES))
    folder.mkdir(parents=True, exist_ok=True)
    registry_file = folder / REGISTRY_FILE
    known = read_json(registry_file)["tasks"] if registry_file.is_file() else {}
    entries = {name: entry for name, entry in known.items() if name in RECIPES}
    for name in names:
        entries[name] = _write_task(name, RECIPES[name], folder)
    for stale in set(folder.glob("*.parquet")) - {folder / entry["file"] for entry in entries.values()}:
        stale.unlink()
    registry = {"schema_version": SCHEMA_VERSION, "tasks": dict(sorted(entries.items()))}
    registry_file.write_text(json.dumps(registry, indent=2) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m datasets_cache.tasks.generate", description=__doc__)
    parser.add_argument("names", nargs="*", help="tasks to write; all when left out")
    parser.add_argument("--folder", type=Path, default=TASK_DATA, help="where the files go")
    chosen = parser.parse_args(arguments)
    try:
        write_tasks(chosen.names or sorted(RECIPES), chosen.folder)
    except PerfModelError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this module is also a command
        return error.exit_code
    return 0


def _row(drawn: Drawn, split: str, seed: int) -> dict[str, Any]:
    return {
        "question": drawn.question,
        "answer": drawn.answer,
        "choices": None,
        "split": split,
        "index": drawn.index,
        "seed": seed,
    }


def _write_task(name: str, recipe: TaskRecipe, folder: Path) -> dict[str, Any]:
    """Writes one Parquet file and returns its entry in the registry."""
    with needs_extra("tasks"):
        import pyarrow  # type: ignore[import-untyped, unused-ignore]
        from pyarrow import parquet
    rows = make_rows(recipe)
    text, integer = pyarrow.string(), pyarrow.int64()
    origin = recipe.source.origin(recipe.seed)
    columns = [("question", text), ("answer", text), ("choices", pyarrow.list_(text)), ("split", text)]
    schema = pyarrow.schema(
        [*columns, ("index", integer), ("seed", integer)],
        metadata={METADATA_KEY: json.dumps({"schema_version": SCHEMA_VERSION, **origin}).encode()},
    )
    path = folder / f"{name}.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), path, compression="zstd")
    sizes = {split: sum(row["split"] == split for row in rows) for split in SPLITS}
    words = {"kind": recipe.kind, "description": recipe.description}
    return {"file": path.name, "sha256": sha256_of(path), "sizes": sizes, **words, **origin}


if __name__ == "__main__":
    raise SystemExit(main())
