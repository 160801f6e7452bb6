"""Makes the shipped tasks with reasoning-gym: ``python -m datasets_cache.tasks.generate`` writes ``task_data`` anew.

A new task is one entry of ``RECIPES``. The files are the same on every machine for one release of reasoning-gym;
which release made them stands in each file and in the registry.
"""

import argparse
import importlib.metadata
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets_cache.tasks.examples import SPLITS, shuffled_questions
from datasets_cache.tasks.shipped import METADATA_KEY, REGISTRY_FILE, SCHEMA_VERSION, TASK_DATA
from perfmodel.errors import InvalidTaskError, PerfModelError, UnknownNameError
from perfmodel.files.checksum import sha256_of
from perfmodel.files.optional import needs_extra

SIZES: Mapping[str, int] = {"train": 1000, "calibration": 64, "held_out": 256}
LEAST_HELD_OUT = 64
# Draws a generator may take for each example wanted, before it counts as exhausted.
_DRAWS_PER_EXAMPLE = 20


@dataclass(frozen=True)
class TaskRecipe:
    """How one shipped task is made.

    Args:
        generator: reasoning-gym's name of the data set.
        parameters: its parameters where they differ from reasoning-gym's own.
        seed: of the generator; reasoning-gym draws example ``index`` from ``seed + index``.
        kind: what is asked for, in one or two words.
        description: one sentence for reports.
    """

    generator: str
    parameters: Mapping[str, Any]
    seed: int
    kind: str
    description: str


RECIPES: dict[str, TaskRecipe] = {
    "basic_arithmetic": TaskRecipe(
        generator="basic_arithmetic",
        # No division: reasoning-gym 0.1.25 prints questions such as 4 / 1 with the answer 2.
        parameters={
            "min_terms": 2,
            "max_terms": 2,
            "min_digits": 1,
            "max_digits": 2,
            "operators": ["+", "-", "*"],
            "allow_parentheses": False,
        },
        seed=1,
        kind="mixed operations",
        description="Add, subtract or multiply two numbers of one or two digits.",
    ),
    "chain_sum": TaskRecipe(
        generator="chain_sum",
        parameters={"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2},
        seed=1,
        kind="arithmetic",
        description="Add or subtract two numbers of one or two digits.",
    ),
    "decimal_chain_sum": TaskRecipe(
        generator="decimal_chain_sum",
        parameters={
            "min_terms": 2,
            "max_terms": 2,
            "min_digits": 1,
            "max_digits": 2,
            "min_decimal_places": 1,
            "max_decimal_places": 1,
        },
        seed=1,
        kind="decimal arithmetic",
        description="Add or subtract two numbers with one decimal place.",
    ),
    "number_sequence": TaskRecipe(
        generator="number_sequence",
        parameters={},
        seed=1,
        kind="induction",
        description="Continue a short sequence of numbers.",
    ),
    "word_sequence_reversal": TaskRecipe(
        generator="word_sequence_reversal",
        parameters={"min_words": 2, "max_words": 4},
        seed=1,
        kind="string manipulation",
        description="Write a list of two to four words in reverse order.",
    ),
}


def make_rows(recipe: TaskRecipe) -> list[dict[str, Any]]:
    """Returns the rows of a task: distinct questions, split by split, in random order within each split.

    Args:
        recipe: how the task is made.

    Raises:
        MissingExtraError: reasoning-gym is not installed.
        InvalidTaskError: the generator gives too few distinct questions, or one without an answer.
    """
    with needs_extra("tasks"):
        import reasoning_gym  # type: ignore[import-untyped, unused-ignore]
    wanted = sum(SIZES.values())
    draws = wanted * _DRAWS_PER_EXAMPLE
    dataset = reasoning_gym.create_dataset(recipe.generator, seed=recipe.seed, size=draws, **dict(recipe.parameters))
    drawn: dict[str, dict[str, Any]] = {}
    for index in range(draws):
        row = _row(recipe, index, dataset[index])
        drawn.setdefault(row["question"], row)
        if len(drawn) == wanted:
            break
    order = shuffled_questions(drawn, seed=recipe.seed)
    rows: list[dict[str, Any]] = []
    for split, size in split_sizes(len(order)).items():
        rows += [{**drawn[question], "split": split} for question in order[len(rows) : len(rows) + size]]
    return rows


def split_sizes(distinct: int) -> dict[str, int]:
    """Returns how many examples each split gets.

    Args:
        distinct: number of distinct questions at hand.

    Raises:
        InvalidTaskError: fewer than twice the smallest held-out split.
    """
    wanted = sum(SIZES.values())
    if distinct >= wanted:
        return dict(SIZES)
    if distinct < 2 * LEAST_HELD_OUT:
        raise InvalidTaskError(
            f"the generator gives {distinct} distinct questions",
            f"a task needs at least {2 * LEAST_HELD_OUT}",
            "widen the parameters of its recipe",
        )
    held_out = max(LEAST_HELD_OUT, distinct * SIZES["held_out"] // wanted)
    calibration = distinct * SIZES["calibration"] // wanted
    return {"train": distinct - calibration - held_out, "calibration": calibration, "held_out": held_out}


def write_tasks(names: Sequence[str], folder: Path = TASK_DATA) -> None:
    """Writes the Parquet files of the named tasks and their entries in the registry; other entries stay.

    Args:
        names: keys of ``RECIPES``.
        folder: where the files go.

    Raises:
        UnknownNameError: a name is no key of ``RECIPES``.
        MissingExtraError: reasoning-gym or pyarrow is not installed.
        InvalidTaskError: a generator cannot fill a task.
    """
    unknown = sorted(set(names) - set(RECIPES))
    if unknown:
        raise UnknownNameError(
            f"there is no recipe {unknown[0]!r}", f"recipes are {', '.join(sorted(RECIPES))}", "check the spelling"
        )
    folder.mkdir(parents=True, exist_ok=True)
    registry_file = folder / REGISTRY_FILE
    known = json.loads(registry_file.read_text(encoding="utf-8"))["tasks"] if registry_file.is_file() else {}
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


def _row(recipe: TaskRecipe, index: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    question, answer = (str(entry[key] or "").strip() for key in ("question", "answer"))
    if not question or not answer:
        raise InvalidTaskError(
            f"{recipe.generator} gives {entry['question']!r} the answer {entry['answer']!r} at index {index}",
            "a task's questions have one answer each",
            "choose another generator or other parameters",
        )
    return {
        "question": question,
        "answer": answer,
        "choices": None,
        "split": "",
        "index": index,
        "seed": recipe.seed,
    }


def _write_task(name: str, recipe: TaskRecipe, folder: Path) -> dict[str, Any]:
    """Writes one Parquet file and returns its entry in the registry."""
    with needs_extra("tasks"):
        import pyarrow  # type: ignore[import-untyped, unused-ignore]
        from pyarrow import parquet
    rows = make_rows(recipe)
    text, integer = pyarrow.string(), pyarrow.int64()
    origin = {
        "schema_version": SCHEMA_VERSION,
        "generator": recipe.generator,
        "parameters": dict(recipe.parameters),
        "seed": recipe.seed,
        "reasoning_gym": importlib.metadata.version("reasoning-gym"),
    }
    columns = [("question", text), ("answer", text), ("choices", pyarrow.list_(text)), ("split", text)]
    schema = pyarrow.schema(
        [*columns, ("index", integer), ("seed", integer)],
        metadata={METADATA_KEY: json.dumps(origin).encode()},
    )
    path = folder / f"{name}.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), path, compression="zstd")
    sizes = {split: sum(row["split"] == split for row in rows) for split in SPLITS}
    del origin["schema_version"]
    words = {"kind": recipe.kind, "description": recipe.description}
    return {"file": path.name, "sha256": sha256_of(path), "sizes": sizes, **words, **origin}


if __name__ == "__main__":
    raise SystemExit(main())
