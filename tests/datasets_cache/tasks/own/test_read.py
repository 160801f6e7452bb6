"""A user's own task: how it is split, and every line that is refused by file and number."""

import json
from pathlib import Path
from typing import Any

import pytest

from datasets_cache import Example, Task, load_task
from perfmodel.errors import InvalidTaskError


def _lines(count: int, **extra: Any) -> list[dict[str, Any]]:
    return [{"question": f"{number} + 1 =", "answer": str(number + 1), **extra} for number in range(count)]


def _write(folder: Path, lines: list[dict[str, Any]]) -> Path:
    path = folder / "mine.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n", encoding="utf-8")
    return path


def _questions(task: Task) -> dict[str, set[str]]:
    parts = {"train": task.train, "calibration": task.calibration, "held_out": task.held_out}
    return {name: {example.question for example in part} for name, part in parts.items()}


def test_a_file_without_splits_is_divided_80_5_15(tmp_path: Path) -> None:
    task = load_task(str(_write(tmp_path, _lines(200))))
    assert (task.name, task.kind) == ("mine", "user")
    assert (len(task.train), len(task.calibration), len(task.held_out)) == (160, 10, 30)
    assert len(set.union(*_questions(task).values())) == 200
    assert len(task.sha256) == 64


def test_the_division_does_not_depend_on_the_order_of_lines(tmp_path: Path) -> None:
    (tmp_path / "reversed").mkdir()
    task = load_task(str(_write(tmp_path, _lines(50))))
    turned = load_task(str(_write(tmp_path / "reversed", _lines(50)[::-1])))
    assert _questions(task) == _questions(turned)
    assert task.held_out == turned.held_out


def test_repeated_questions_stay_in_one_split(tmp_path: Path) -> None:
    task = load_task(str(_write(tmp_path, _lines(60) * 3)))
    parts = _questions(task)
    assert sum(len(part) for part in parts.values()) == 60
    assert len(task.train) == 3 * len(parts["train"])


def test_given_splits_and_choices_are_kept(tmp_path: Path) -> None:
    lines = _lines(40, note="further keys are ignored")
    for number, line in enumerate(lines):
        line["split"] = "train" if number < 20 else "calibration" if number < 30 else "held_out"
    lines[0] |= {"question": "  Is 7 prime? ", "answer": "yes", "choices": ["yes", "no"]}
    task = load_task(str(_write(tmp_path, lines)))
    assert (len(task.train), len(task.calibration), len(task.held_out)) == (20, 10, 10)
    assert task.train[0] == Example("Is 7 prime?", "yes", ("yes", "no"))
    assert task.train[1].choices is None


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("{", "is not JSON"),
        ("[1]", "holds a list"),
        ('{"answer": "4"}', "lacks the key 'question'"),
        ('{"question": "2 + 2 ="}', "lacks the key 'answer'"),
        ('{"question": "2 + 2 =", "answer": " "}', "has answer ' '"),
        ('{"question": "2 + 2 =", "answer": 4}', "has answer 4"),
        ('{"question": "", "answer": "4"}', "has question ''"),
        ('{"question": "q", "answer": "a", "choices": ["b", "c"]}', "has the answer 'a'; choices are b, c"),
        ('{"question": "q", "answer": "a", "choices": ["a"]}', "two or more"),
        ('{"question": "q", "answer": "a", "choices": ["a", "a"]}', "two or more"),
        ('{"question": "q", "answer": "a", "choices": "ab"}', "a list of strings"),
        ('{"question": "q", "answer": "a", "choises": ["a", "b"]}', "did you mean 'choices'"),
        ('{"question": "q", "answer": "a", "split": "tests"}', "has the split 'tests'"),
        ('{"question": "q", "answer": "a", "split": "train"}', "has a split"),
        ('{"question": "q", "answer": "a", "split": ["train"]}', "has the split"),
    ],
)
def test_a_bad_line_is_refused_by_file_and_number(tmp_path: Path, bad: str, told: str) -> None:
    path = _write(tmp_path, _lines(40))
    path.write_text(path.read_text().replace("\n", f"\n{bad}\n", 1))
    with pytest.raises(InvalidTaskError) as caught:
        load_task(str(path))
    assert f"{path}, line 2 " in str(caught.value)
    assert told in str(caught.value)


def test_a_question_in_two_splits_is_refused(tmp_path: Path) -> None:
    lines = _lines(20, split="train") + _lines(1, split="held_out")
    with pytest.raises(InvalidTaskError, match=r"line 21 repeats the question of line 1 in the split held_out"):
        load_task(str(_write(tmp_path, lines)))


def test_a_line_that_forgets_its_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTaskError, match="line 21 has no split"):
        load_task(str(_write(tmp_path, _lines(20, split="train") + _lines(30)[20:])))


@pytest.mark.parametrize("count", [0, 10, 27])
def test_too_few_examples_are_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(InvalidTaskError, match="at least"):
        load_task(str(_write(tmp_path, _lines(count))))


def test_the_smallest_file_is_taken(tmp_path: Path) -> None:
    task = load_task(str(_write(tmp_path, _lines(28))))
    assert (len(task.train), len(task.calibration), len(task.held_out)) == (16, 4, 8)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTaskError, match="No such file"):
        load_task(str(tmp_path / "none.jsonl"))
    (tmp_path / "latin.jsonl").write_bytes(b'{"question": "\xe9"}')
    with pytest.raises(InvalidTaskError, match="not UTF-8"):
        load_task(str(tmp_path / "latin.jsonl"))


def test_marks_of_other_systems_are_read(tmp_path: Path) -> None:
    path = _write(tmp_path, _lines(40))
    lines = path.read_text().replace("0 + 1", "0\u2028+ 1")
    path.write_bytes(b"\xef\xbb\xbf" + lines.replace("\n", "\r\n").encode())
    assert len(load_task(str(path)).train) == 28
