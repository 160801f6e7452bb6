"""Tasks of the hub, read from miniature copies: prompts word for word, splits, order, and what is refused."""

import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datasets_cache import Example, load_task, majority_accuracy, online_task_names, task_names
from datasets_cache.tasks.hub import HUB_TASKS, hub_source, read_held_out
from perfmodel.errors import DownloadError, InvalidTaskError, MissingExtraError, UnknownNameError

pytest.importorskip("datasets")
MINIATURE = runpy.run_path(str(Path(__file__).parents[2] / "support" / "miniature_hub.py"))
FIRST = {
    "arc_challenge": Example(
        "Question: Which of these does a otter of the test year need most?\nAnswer:",
        "cave",
        ("barn", "cave", "roof", "café"),
        "likelihood_per_character",
        1,
    ),
    "boolq": Example(
        "The otter (1) sleeps all day long, says the keeper.\n"
        "Question: is the otter of the validation set awake in the barn?\nAnswer:",
        "yes",
        ("no", "yes"),
        "likelihood",
        1,
    ),
    "gsm8k": Example(
        "Question: A otter eats 3 fish on each of 4 test days. How many is that?\nAnswer:",
        "It eats 3*4=<<3*4=12>>12 fish.\n#### 12",
        scoring="generated",
    ),
    "hellaswag": Example(
        "Feeding animals: How to feed a otter in the validation. Start early. Stand by the gate. The keeper",
        "gives it 1 fish.",
        ("gives it 1 fish.", " opens the barn. and waits.", "sings.", "walks home with 1 friends from the barn"),
        "likelihood_per_character",
        0,
    ),
    "openbookqa": Example(
        "A otter in the test room can be found ",
        "the café at night",
        ("the barn", "the cave at night", "the roof", "the café at night"),
        "likelihood_per_character",
        3,
    ),
    "piqa": Example(
        "Question: To wash a otter before the validation \nAnswer:",
        "Take 1 sacks of dust, which never fails with naïve keepers.",
        ("Take soap and 1 buckets of water.", "Take 1 sacks of dust, which never fails with naïve keepers."),
        "likelihood_per_character",
        1,
    ),
    "winogrande": Example(
        "Bo gave Cleo the otter of the validation because _ had 1 already.",
        "had 1 already.",
        ("Bo", "Cleo"),
        "likelihood",
        1,
        (
            "Bo gave Cleo the otter of the validation because Bo",
            "Bo gave Cleo the otter of the validation because Cleo",
        ),
    ),
}
"""The second row of the scored split, whose place is 1 in every miniature."""


@pytest.fixture
def boolq_copy(tmp_path: Path, hub_copies: dict[str, Path]) -> Path:
    return Path(shutil.copytree(hub_copies["boolq"], tmp_path / "copy"))


def _rewrite(folder: Path, split: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    make = MINIATURE["boolq_rows"]
    rows = change(make(split, MINIATURE["SIZES"][split]))
    MINIATURE["write_split"](folder / "boolq" / f"{split}-00000-of-00001.parquet", make, rows)


def _load(folder: Path, name: str = "boolq") -> Any:
    return load_task(f"{name}@{folder}")


def test_the_eight_tasks_are_not_among_the_shipped_ones() -> None:
    expected = "arc_challenge arc_easy boolq gsm8k hellaswag openbookqa piqa winogrande"
    assert online_task_names() == tuple(expected.split())
    assert not set(online_task_names()) & set(task_names())


@pytest.mark.parametrize("name", sorted(FIRST))
def test_a_row_is_asked_word_for_word(hub_copies: dict[str, Path], name: str) -> None:
    rows = read_held_out(HUB_TASKS[name], hub_copies[name])
    assert rows[1] == FIRST[name]
    assert FIRST[name] in _load(hub_copies[name], name).held_out


def test_both_sets_of_arc_are_asked_alike(hub_copies: dict[str, Path]) -> None:
    easy, hard = _load(hub_copies["arc_easy"], "arc_easy"), _load(hub_copies["arc_challenge"], "arc_challenge")
    assert set(easy.held_out) < set(hard.held_out)  # the miniature's second configuration lacks a row


@pytest.mark.parametrize("name", online_task_names())
def test_splits_are_disjoint_and_the_scored_one_is_whole(hub_copies: dict[str, Path], name: str) -> None:
    task = _load(hub_copies[name], name)
    rows = [row for row in read_held_out(HUB_TASKS[name], hub_copies[name]) if row is not None]
    assert sorted(map(repr, task.held_out)) == sorted(map(repr, rows))
    assert list(task.held_out) != rows
    asked = [(one.question, one.choices) for one in (*task.train, *task.calibration, *task.held_out)]
    assert len(set(asked)) == len(asked)
    assert (len(task.calibration), len(task.sha256)) == (1, 64)
    assert len(task.train) + 1 == (11 if name == "arc_easy" else 12)
    assert (task.name, task.kind) == (f"{name}@{hub_copies[name]}", HUB_TASKS[name].kind)
    assert len({one.scoring for one in (*task.train, *task.held_out)}) == 1


@pytest.mark.parametrize("name", online_task_names())
def test_the_right_choice_is_the_answer(hub_copies: dict[str, Path], name: str) -> None:
    for example in _load(hub_copies[name], name).held_out:
        if example.contexts is not None:
            assert (
                example.contexts[example.right] == example.question.partition("_")[0] + example.choices[example.right]
            )
        elif example.choices is not None:
            assert example.choices[example.right] == example.answer


def test_the_order_and_the_checksum_are_those_of_the_content(boolq_copy: Path) -> None:
    task = _load(boolq_copy)
    assert task.sha256 == "534d76cd7d4c1af445af4993d10224b1414bf67b34d6b0b69384f7b518eb336b"
    assert [one.question.split()[1] for one in task.held_out[:3]] == ["ibis", "walrus", "lynx"]
    _rewrite(boolq_copy, "train", lambda rows: rows[::-1])
    _rewrite(boolq_copy, "validation", lambda rows: rows[::-1])
    turned = _load(boolq_copy)
    assert (turned.train, turned.held_out, turned.sha256) == (task.train, task.held_out, task.sha256)
    _rewrite(boolq_copy, "validation", lambda rows: [{**rows[0], "label": 1 - rows[0]["label"]}, *rows[1:]])
    assert _load(boolq_copy).sha256 != task.sha256


def test_training_rows_that_are_repeated_or_held_out_are_left_out(boolq_copy: Path) -> None:
    before = _load(boolq_copy)
    held_out = MINIATURE["boolq_rows"]("validation", 8)
    _rewrite(boolq_copy, "train", lambda rows: [*rows, rows[3], {**held_out[0], "label": 1 - held_out[0]["label"]}])
    assert _load(boolq_copy) == before


def test_rows_without_a_label_are_left_out_and_none_left_is_refused(boolq_copy: Path) -> None:
    _rewrite(boolq_copy, "train", lambda rows: [{**row, "label": -1 if n < 4 else 1} for n, row in enumerate(rows)])
    assert len(_load(boolq_copy).train) == 7
    _rewrite(boolq_copy, "validation", lambda rows: [{**row, "label": -1} for row in rows])
    with pytest.raises(InvalidTaskError, match="8 training and 0 held-out rows"):
        _load(boolq_copy)


def test_a_tenth_of_the_training_rows_calibrates(boolq_copy: Path) -> None:
    _rewrite(boolq_copy, "train", lambda rows: [{**rows[n % 12], "question": f"is it {n}"} for n in range(700)])
    task = _load(boolq_copy)
    assert (len(task.train), len(task.calibration)) == (636, 64)
    _rewrite(boolq_copy, "train", lambda rows: [{**rows[n % 12], "question": f"is it {n}"} for n in range(30)])
    assert len(_load(boolq_copy).calibration) == 3


def test_majority_is_that_of_the_places(hub_copies: dict[str, Path]) -> None:
    task = _load(hub_copies["piqa"], "piqa")
    places = [example.right for example in task.train]
    commonest = max((0, 1), key=places.count)
    assert majority_accuracy(task) == sum(one.right == commonest for one in task.held_out) / 8 == 0.5


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("boolqq", r"boolq.*did you mean 'boolq'"),
        ("bolq@/tmp", "did you mean 'boolq'"),
        ("xyz", r"NAME@/path/to/folder.*arc_challenge, .*winogrande"),
    ],
)
def test_an_unknown_name_is_told_of_the_online_ones(name: str, told: str) -> None:
    with pytest.raises(UnknownNameError, match=told):
        load_task(name)


def test_a_source_is_a_name_or_a_name_and_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert hub_source("piqa") == (HUB_TASKS["piqa"], None)
    assert hub_source("piqa@~/copy") == (HUB_TASKS["piqa"], Path("/home/ada/copy"))
    assert hub_source("chain_sum") is None


def test_what_is_no_copy_is_refused(boolq_copy: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidTaskError, match=r"none is not a folder; after @ stands a local copy of aps/super_glue"):
        _load(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidTaskError, match=r"hf download --repo-type dataset aps/super_glue --local-dir"):
        _load(tmp_path / "empty")
    with pytest.raises(InvalidTaskError, match="lacks the columns goal, sol1, sol2 in its split train"):
        _load(boolq_copy / "boolq", "piqa")
    (boolq_copy / "boolq" / "validation-00000-of-00001.parquet").write_bytes(b"torn")
    with pytest.raises(InvalidTaskError, match="with the splits train and validation of boolq"):
        _load(boolq_copy)


@pytest.mark.parametrize(("key", "value"), [("passage", None), ("question", None)])
def test_a_row_that_cannot_be_used_is_named(boolq_copy: Path, key: str, value: object) -> None:
    _rewrite(boolq_copy, "train", lambda rows: [*rows[:5], {**rows[5], key: value}, *rows[6:]])
    with pytest.raises(InvalidTaskError, match=r"copy: row 5 cannot be used"):
        _load(boolq_copy)


def test_the_hub_is_asked_by_id_and_the_person_is_told(
    monkeypatch: pytest.MonkeyPatch, hub_copies: dict[str, Path], tmp_path: Path
) -> None:
    import datasets

    load, asked = datasets.load_dataset, []

    def fake(path: str, config: str | None, split: list[str]) -> Any:
        asked.append((path, config, split))
        return load(str(hub_copies["winogrande"]), config, split=split, cache_dir=str(tmp_path))

    monkeypatch.setattr(datasets, "load_dataset", fake)
    lines: list[str] = []
    task = load_task("winogrande", progress=lines.append)
    assert asked == [("allenai/winogrande", "winogrande_xl", ["train", "validation"])]
    assert len(lines) == 1
    assert "fetching allenai/winogrande from the hub" in lines[0]
    assert task.name == "winogrande"
    monkeypatch.undo()
    local = load_task(f"winogrande@{hub_copies['winogrande']}", progress=lines.append)
    assert (task.held_out, task.sha256) == (local.held_out, local.sha256)
    assert len(lines) == 1


def test_an_unreachable_hub_is_a_download_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def fail(*arguments: object, **options: object) -> None:
        raise ConnectionError("Couldn't reach 'openai/gsm8k' on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(DownloadError, match=r"Couldn't reach.*HF_HUB_OFFLINE.*NAME@/path/to/folder"):
        load_task("gsm8k")
    assert datasets.is_progress_bar_enabled()


def test_without_datasets_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"perfmodel\[hub\]"):
        load_task("boolq")
