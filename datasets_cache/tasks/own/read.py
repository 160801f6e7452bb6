"""Reads a user's own task: a file of JSON lines, JSON, CSV or Parquet, or a folder of such files.

    {"question": "2 + 2 =", "answer": "4"}
    {"question": "Is 7 prime?", "answer": "yes", "choices": ["yes", "no"], "split": "train"}
    {"instruction": "Translate to French.", "input": "cheese", "output": "fromage"}

Splits are given by a column ``split``, in every row or in none, or by the files of a folder. A split that is not given
is drawn: the distinct questions are ordered by their hash and cut at 80 % (train), 5 % (calibration) and 15 %
(held_out); the cut depends on the set of questions, not on their order. Where calibration alone is not given, it is
drawn from the training questions, and a validation split is held out where there is no test split.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets_cache.tasks.examples import SPLITS, Example, Task, shuffled_questions
from datasets_cache.tasks.own.forms import form_of
from datasets_cache.tasks.own.rows import SPLIT_NAMES, Row, read_rows
from perfmodel.errors import InvalidTaskError
from perfmodel.files.checksum import sha256_of, sha256_of_json

MINIMUM_SIZES: Mapping[str, int] = {"train": 16, "calibration": 4, "held_out": 8}
_SHARES: Mapping[str, float] = {"calibration": 0.05, "held_out": 0.15}
_SPLIT_OF = {name: split for split, names in SPLIT_NAMES.items() for name in names}


@dataclass(frozen=True)
class _Placed:
    row: Row
    example: Example
    split: str | None


def read_own_task(path: Path) -> Task:
    """Returns the task in a user's file or folder.

    Args:
        path: a file that ends in ``.jsonl``, ``.json``, ``.csv`` or ``.parquet``, or a folder of such files (see
            ``datasets_cache.tasks.own.rows``); blank lines are skipped, further columns are ignored.

    Raises:
        InvalidTaskError: nothing can be read, a row is malformed, a question is in two splits, or a split has fewer
            than 16 (train), 4 (calibration) or 8 (held_out) examples.
    """
    rows = read_rows(path)
    if not rows:
        raise InvalidTaskError(f"{path} is empty", "a task has at least 28 examples", "add examples")
    form = form_of(rows)
    placed = [_Placed(row, example, _split(row)) for row, example in zip(rows, form.examples(rows), strict=True)]
    split_of = _given_splits(placed) if placed[0].split else _own_splits(placed)
    parts: dict[str, list[Example]] = {split: [] for split in SPLITS}
    for each in placed:
        parts[split_of[each.example.question]].append(each.example)
    for split, least in MINIMUM_SIZES.items():
        if len(parts[split]) < least:
            raise InvalidTaskError(
                f"{path}: the split {split} has {len(parts[split])} examples",
                f"it needs at least {least}",
                "add examples, or leave `split` out to have them divided 80/5/15",
            )
    return Task(
        name=path.stem,
        train=tuple(parts["train"]),
        calibration=tuple(parts["calibration"]),
        held_out=_in_fair_order(parts["held_out"]),
        sha256=_sha256(path, rows),
        description=f"the user's own {len(rows)} examples in {path.name}, read as {form.name} data",
        kind="user",
    )


def _sha256(path: Path, rows: Sequence[Row]) -> str:
    files = sorted({row.path for row in rows})
    if files == [path]:
        return sha256_of(path)
    return sha256_of_json({file.relative_to(path).as_posix(): sha256_of(file) for file in files})


def _split(row: Row) -> str | None:
    """Returns the split that a row's column or file names, None where neither does."""
    given = row.content.get("split", row.split)
    if given is not None and (not isinstance(given, str) or given not in _SPLIT_OF):
        row.refuse(f"has the split {given!r}", f"splits are {', '.join(_SPLIT_OF)}")
    return None if given is None else _SPLIT_OF[given]


def _given_splits(placed: Sequence[_Placed]) -> dict[str, str]:
    """Returns each question's split as the data give it, a calibration split drawn from training where none is."""
    first: dict[str, _Placed] = {}
    split_of: dict[str, str] = {}
    for each in placed:
        if each.split is None:
            each.row.refuse("has no split", "split stands in every row or in none", "add it")
        seen = first.setdefault(each.example.question, each)
        split_of[each.example.question] = each.split
        if seen.split != each.split:
            each.row.refuse(
                f"repeats the question of {seen.row.place} in the split {each.split} (there: {seen.split})",
                "a question is in one split only, or scores are worth nothing",
                "remove one of the two",
            )
    given = set(split_of.values())
    as_what = "calibration" if "held_out" in given else "held_out"
    split_of = {question: as_what if split == "validation" else split for question, split in split_of.items()}
    if "calibration" not in split_of.values():
        training = [question for question, split in split_of.items() if split == "train"]
        split_of.update(_drawn(training, {"calibration"}))
    return split_of


def _own_splits(placed: Sequence[_Placed]) -> dict[str, str]:
    """Returns each question's split by the rank of its hash; repeated questions stay together."""
    for each in placed:
        if each.split is not None:
            each.row.refuse("has a split", "split stands in every row or in none", "remove it")
    return _drawn([each.example.question for each in placed], _SHARES)


def _drawn(questions: Sequence[str], splits: Collection[str]) -> dict[str, str]:
    """Returns the split of each question: those of ``splits`` are drawn, the rest is for training."""
    order = shuffled_questions(questions, seed=0)
    split_of = dict.fromkeys(order, "train")
    start = 0
    for split in ("held_out", "calibration"):
        if split in splits:
            end = start + max(MINIMUM_SIZES[split], round(_SHARES[split] * len(order)))
            split_of.update(dict.fromkeys(order[start:end], split))
            start = end
    return split_of


def _in_fair_order(held_out: Sequence[Example]) -> tuple[Example, ...]:
    """Returns the examples in hash order: users' files are often sorted by kind or difficulty."""
    questions = shuffled_questions((example.question for example in held_out), seed=0)
    rank = {question: position for position, question in enumerate(questions)}
    return tuple(sorted(held_out, key=lambda example: rank[example.question]))
