"""The shipped tasks: whole, disjoint, made as their recipes say, and refused when changed."""

import json
import shutil
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from datasets_cache import Example, Task, load_task, majority_accuracy, task_names
from datasets_cache.tasks.generate import LEAST_HELD_OUT, write_tasks
from datasets_cache.tasks.shipped import TASK_DATA, read_registry, read_rows, read_shipped_task
from datasets_cache.tasks.sources.recipes import RECIPES
from perfmodel.errors import (
    CorruptFileError,
    DownloadError,
    InvalidTaskError,
    MissingExtraError,
    SchemaVersionError,
    UnknownNameError,
)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TASK_DATA, tmp_path / "task_data"))


def test_every_recipe_is_shipped_and_nothing_else() -> None:
    assert set(task_names()) == set(RECIPES)
    files = {path.name for path in TASK_DATA.iterdir()}
    entries = read_registry().values()
    licences = {entry["licence_file"] for entry in entries if "licence_file" in entry}
    assert files == {"registry.json", *(entry["file"] for entry in entries), *licences}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_shipped_task_is_whole_and_its_splits_are_disjoint(name: str) -> None:
    task = load_task(name)
    parts = (task.train, task.calibration, task.held_out)
    questions = [example.question for part in parts for example in part]
    assert len(set(questions)) == len(questions)
    assert [len(part) for part in parts] == list(read_registry()[name]["sizes"].values())
    assert len(task.held_out) >= LEAST_HELD_OUT
    assert all(text == text.strip() != "" for part in parts for one in part for text in (one.question, one.answer))
    assert (task.name, task.kind, task.description) == (name, RECIPES[name].kind, RECIPES[name].description)


@pytest.mark.parametrize(
    "name",
    # Its generator draws for some 40 seconds.
    [pytest.param(name, marks=pytest.mark.slow if name == "number_sequence" else ()) for name in sorted(RECIPES)],
)
def test_the_recipe_gives_the_shipped_file_back(name: str, tmp_path: Path) -> None:
    recipe, shipped = RECIPES[name], TASK_DATA / f"{name}.parquet"
    try:
        write_tasks([name], tmp_path)
    except (MissingExtraError, DownloadError) as error:
        pytest.skip(str(error))
    if not recipe.source.origin(recipe.seed).items() <= read_registry()[name].items():
        pytest.skip("the shipped examples were made with another release of the source")
    made = tmp_path / shipped.name
    assert read_rows(made) == read_rows(shipped)
    if parquet.read_metadata(made).created_by == parquet.read_metadata(shipped).created_by:
        assert made.read_bytes() == shipped.read_bytes()


def test_an_unknown_name_is_refused_with_the_closest_one() -> None:
    with pytest.raises(UnknownNameError, match=r"chain_sum, .*\.jsonl.*did you mean 'chain_sum'"):
        load_task("chainsum")
    with pytest.raises(UnknownNameError, match="check the spelling"):
        load_task("xyz")


def test_a_changed_file_is_refused(copied: Path) -> None:
    path = copied / "number_sequence.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(CorruptFileError, match="the registry says"):
        read_shipped_task("number_sequence", copied)
    path.unlink()
    with pytest.raises(CorruptFileError, match="is missing"):
        read_shipped_task("number_sequence", copied)


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "cannot be read"), ('{"schema_version": 1}', "lists no tasks"), ("{}", "no integer schema version")],
)
def test_a_damaged_registry_is_refused(copied: Path, content: str, told: str) -> None:
    (copied / "registry.json").write_text(content)
    with pytest.raises(CorruptFileError, match=told):
        read_registry(copied)


def test_a_missing_registry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptFileError, match=r"registry\.json is missing"):
        read_registry(tmp_path)


def test_newer_versions_are_refused(copied: Path) -> None:
    path = copied / "number_sequence.parquet"
    table = parquet.read_table(path)
    newer = {b"perfmodel_task": json.dumps({"schema_version": 2}).encode()}
    parquet.write_table(table.replace_schema_metadata(newer), path)
    with pytest.raises(SchemaVersionError, match="upgrade"):
        read_rows(path)
    parquet.write_table(pyarrow.table({"question": ["q"]}), path)
    with pytest.raises(CorruptFileError, match="which schema"):
        read_rows(path)
    (copied / "registry.json").write_text('{"schema_version": 2, "tasks": {}}')
    with pytest.raises(SchemaVersionError, match="upgrade"):
        read_registry(copied)


def test_the_file_says_where_its_examples_come_from() -> None:
    origin = json.loads(parquet.read_schema(TASK_DATA / "chain_sum.parquet").metadata[b"perfmodel_task"])
    assert origin["generator"] == "chain_sum"
    assert origin["parameters"] == read_registry()["chain_sum"]["parameters"]
    assert origin["schema_version"] == 1


def test_majority_accuracy_is_that_of_the_commonest_training_answer() -> None:
    train = tuple(Example(f"t{number}", answer) for number, answer in enumerate("abbc"))
    held_out = tuple(Example(f"h{number}", answer) for number, answer in enumerate("bbac"))
    assert majority_accuracy(Task("mine", train, train[:1], held_out, "", "", "user")) == 0.5
    tied = (Example("x", "c"), Example("y", "b"))
    assert majority_accuracy(Task("mine", tied, train[:1], held_out, "", "", "user")) == 0.25


def test_the_first_training_examples_are_a_prefix_and_no_more_than_there_are() -> None:
    task = load_task("chain_sum")
    assert task.first_training_examples(3) == task.train[:3]
    assert task.first_training_examples(None) == task.train
    with pytest.raises(InvalidTaskError, match=r"train_examples is 1001.*has 1000 training examples"):
        task.first_training_examples(1001)
