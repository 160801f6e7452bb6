"""Reads a user's own task: a ``.jsonl`` file with one example a line.

    {"question": "2 + 2 =", "answer": "4"}
    {"question": "Is 7 prime?", "answer": "yes", "choices": ["yes", "no"], "split": "train"}

``split`` stands in every line or in none. Without it the distinct questions are ordered by their hash and cut at
80 % (train), 5 % (calibration) and 15 % (held_out); the cut depends on the set of questions, not on their order.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from datasets_cache.tasks.examples import SPLITS, Example, Task, shuffled_questions
from perfmodel.errors import InvalidTaskError, did_you_mean
from perfmodel.files.checksum import sha256_of

MINIMUM_SIZES: Mapping[str, int] = {"train": 16, "calibration": 4, "held_out": 8}
_SHARES: Mapping[str, float] = {"calibration": 0.05, "held_out": 0.15}
_KEYS = ("question", "answer", "choices", "split")


@dataclass(frozen=True)
class _Line:
    number: int
    example: Example
    split: str | None


def read_jsonl_task(path: Path) -> Task:
    """Returns the task in a user's file.

    Args:
        path: a ``.jsonl`` file in UTF-8; blank lines are skipped, further keys are ignored.

    Raises:
        InvalidTaskError: the file cannot be read, a line is malformed, a question is in two splits, or a split has
            fewer than 16 (train), 4 (calibration) or 8 (held_out) examples.
    """
    lines = _read_lines(path)
    split_of = _given_splits(path, lines) if lines and lines[0].split else _own_splits(path, lines)
    parts: dict[str, list[Example]] = {split: [] for split in SPLITS}
    for line in lines:
        parts[split_of[line.example.question]].append(line.example)
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
        sha256=sha256_of(path),
        description=f"the user's own examples in {path.name}",
        kind="user",
    )


def _read_lines(path: Path) -> list[_Line]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidTaskError(
            f"{path} cannot be read ({error.strerror})", "a task file is an existing .jsonl file", "check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidTaskError(
            f"{path} is not UTF-8 text (byte {error.start})", "a task file is UTF-8", "save it as UTF-8"
        ) from error
    # Only the newline ends a line: str.splitlines would also cut at the separators U+2028 and U+0085 inside a text.
    numbered = enumerate(text.split("\n"), start=1)
    return [_parse(path, number, line) for number, line in numbered if line.strip()]


def _parse(path: Path, number: int, line: str) -> _Line:
    try:
        content = json.loads(line)
    except ValueError as error:
        _refuse(path, number, f"is not JSON ({error})", "each line is one JSON object", "mend the line")
    if not isinstance(content, dict):
        _refuse(path, number, f"holds a {type(content).__name__}", "each line is one JSON object", "mend the line")
    for key in content:
        meant = did_you_mean(str(key), _KEYS, "", likeness=0.75)
        if key not in _KEYS and meant:
            _refuse(path, number, f"has the key {key!r}", f"keys are {', '.join(_KEYS)}", meant)
    question, answer = (_text(path, number, content, key) for key in ("question", "answer"))
    choices = _choices(path, number, content.get("choices"), answer)
    split = content.get("split")
    if split is not None and split not in SPLITS:
        _refuse(path, number, f"has the split {split!r}", f"splits are {', '.join(SPLITS)}", "mend the line")
    return _Line(number, Example(question, answer, choices), split)


def _text(path: Path, number: int, content: Mapping[str, object], key: str) -> str:
    if key not in content:
        _refuse(path, number, f"lacks the key {key!r}", "each line has question and answer", "add it")
    value = content[key]
    if not isinstance(value, str) or not value.strip():
        _refuse(path, number, f"has {key} {value!r}", f"{key} is a string that is not empty", "mend the line")
    return value.strip()


def _choices(path: Path, number: int, value: object, answer: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(choice, str) and choice.strip() for choice in value):
        _refuse(path, number, f"has choices {value!r}", "choices is a list of strings, none empty", "mend the line")
    choices = tuple(choice.strip() for choice in value)
    if len(set(choices)) != len(choices) or len(choices) < 2:
        _refuse(path, number, f"has choices {value!r}", "choices are two or more different strings", "mend the line")
    if answer not in choices:
        _refuse(path, number, f"has the answer {answer!r}", f"choices are {', '.join(choices)}", "mend the line")
    return choices


def _given_splits(path: Path, lines: Sequence[_Line]) -> dict[str, str]:
    """Returns each question's split as the file gives it."""
    first: dict[str, _Line] = {}
    split_of: dict[str, str] = {}
    for line in lines:
        if line.split is None:
            _refuse(path, line.number, "has no split", "split stands in every line or in none", "add it")
        seen = first.setdefault(line.example.question, line)
        split_of[line.example.question] = line.split
        if seen.split != line.split:
            _refuse(
                path,
                line.number,
                f"repeats the question of line {seen.number} in the split {line.split} (there: {seen.split})",
                "a question is in one split only, or scores are worth nothing",
                "remove one of the two",
            )
    return split_of


def _own_splits(path: Path, lines: Sequence[_Line]) -> dict[str, str]:
    """Returns each question's split by the rank of its hash; repeated questions stay together."""
    for line in lines:
        if line.split is not None:
            _refuse(path, line.number, "has a split", "split stands in every line or in none", "remove it")
    order = shuffled_questions((line.example.question for line in lines), seed=0)
    sizes = {split: max(MINIMUM_SIZES[split], round(share * len(order))) for split, share in _SHARES.items()}
    held_out, calibration = sizes["held_out"], sizes["calibration"]
    split_of = dict.fromkeys(order, "train")
    split_of.update(dict.fromkeys(order[:held_out], "held_out"))
    split_of.update(dict.fromkeys(order[held_out : held_out + calibration], "calibration"))
    return split_of


def _in_fair_order(held_out: Sequence[Example]) -> tuple[Example, ...]:
    """Returns the examples in hash order: users' files are often sorted by kind or difficulty."""
    questions = shuffled_questions((example.question for example in held_out), seed=0)
    rank = {question: position for position, question in enumerate(questions)}
    return tuple(sorted(held_out, key=lambda example: rank[example.question]))


def _refuse(path: Path, number: int, given: str, allowed: str, action: str) -> NoReturn:
    raise InvalidTaskError(f"{path}, line {number} {given}", allowed, action)
