"""Data as people have them: each form in each kind of file, folders with splits, and what is refused by its columns."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datasets_cache import Example, load_task
from perfmodel.errors import InvalidTaskError

FORMS = {
    "question and answer": (lambda n: {"question": f"{n} + 1 =", "answer": str(n + 1)}, Example("7 + 1 =", "8")),
    "prompt and completion": (lambda n: {"prompt": f"{n} + 1 =", "completion": f" {n + 1}"}, Example("7 + 1 =", "8")),
    "Alpaca": (
        lambda n: {"instruction": "Add one.", "input": str(n), "output": str(n + 1)},
        Example("Add one.\n\n7", "8"),
    ),
    "text and label": (
        lambda n: {"text": f"{n}", "label": "odd" if n % 2 else "even"},
        Example("7", "odd", ("even", "odd")),
    ),
    "chat": (
        lambda n: {
            "messages": [{"role": "user", "content": f"{n} + 1?"}, {"role": "assistant", "content": str(n + 1)}]
        },
        Example("user: 7 + 1?", "8", scoring="chat", messages=(("user", "7 + 1?"), ("assistant", "8"))),
    ),
    "ShareGPT": (
        lambda n: {"conversations": [{"from": "human", "value": str(n)}, {"from": "gpt", "value": str(n + 1)}]},
        Example("user: 7", "8", scoring="chat", messages=(("user", "7"), ("assistant", "8"))),
    ),
}


def write(path, rows):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    else:
        path.write_text(json.dumps(rows) if path.suffix == ".json" else "\n".join(map(json.dumps, rows)))
    return path


def _cell(value):
    return json.dumps(value) if isinstance(value, list) else value


def all_of(task):
    return {*task.train, *task.calibration, *task.held_out}


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_told_by_its_columns(name, suffix, tmp_path):
    row, expected = FORMS[name]
    task = load_task(str(write(tmp_path / f"mine{suffix}", [row(number) for number in range(40)])))

    assert expected in all_of(task) and len(all_of(task)) == 40
    assert f"40 examples in mine{suffix}, read as {name} data" in task.description


def test_numbers_may_be_labels_and_many_labels_are_free_answers(tmp_path):
    few = load_task(str(write(tmp_path / "few.jsonl", [{"text": f"t{n}", "label": n % 3} for n in range(60)])))
    many = load_task(str(write(tmp_path / "many.jsonl", [{"text": f"t{n}", "label": n} for n in range(60)])))

    assert few.train[0].choices == ("0", "1", "2")
    assert many.train[0].choices is None


def test_an_alpaca_row_without_input_is_its_instruction_alone(tmp_path):
    rows = [{"instruction": f"Say {n}.", "input": "", "output": str(n)} for n in range(30)]
    assert Example("Say 3.", "3") in all_of(load_task(str(write(tmp_path / "mine.json", rows))))


def test_a_chat_ends_with_the_assistant_s_last_turn(tmp_path):
    turns = [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e")]
    rows = [{"messages": [{"role": role, "content": f"{said}{n}"} for role, said in turns]} for n in range(30)]
    example = next(each for each in all_of(load_task(str(write(tmp_path / "mine.jsonl", rows)))) if each.answer == "d3")

    assert example.question == "system: s3\nuser: a3\nassistant: b3\nuser: c3"
    assert example.messages == tuple((role, f"{said}3") for role, said in turns[:5])


def test_choices_of_a_csv_file_are_a_json_list(tmp_path):
    rows = [{"question": f"{n}?", "answer": "no", "choices": '["yes", "no"]'} for n in range(30)]
    assert load_task(str(write(tmp_path / "mine.csv", rows))).train[0].choices == ("yes", "no")


def folder_of(root, **splits):
    """Writes a folder with one file for each split; questions differ between splits."""
    for split, (suffix, count) in splits.items():
        rows = [{"question": f"{split} {number}", "answer": "a"} for number in range(count)]
        write(root / f"{split}{suffix}", rows)
    return root


def splits_of(task):
    return {
        name: {example.question.split()[0] for example in getattr(task, name)}
        for name in ("train", "calibration", "held_out")
    }


def test_a_folder_of_a_data_set_keeps_its_splits(tmp_path):
    (tmp_path / "data").mkdir()
    folder_of(tmp_path / "data", train=(".parquet", 40), test=(".parquet", 10))
    (tmp_path / "data" / "train.parquet").rename(tmp_path / "data" / "train-00000-of-00001.parquet")
    (tmp_path / "README.md").write_text("A card.")
    task = load_task(str(tmp_path))

    assert splits_of(task) == {"train": {"train"}, "calibration": {"train"}, "held_out": {"test"}}
    assert (len(task.train), len(task.calibration), len(task.held_out)) == (36, 4, 10)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({"validation": 10}, {"train": {"train"}, "calibration": {"train"}, "held_out": {"validation"}}),
        ({"dev": 5, "test": 9}, {"train": {"train"}, "calibration": {"dev"}, "held_out": {"test"}}),
        ({"calibration": 5, "eval": 9}, {"train": {"train"}, "calibration": {"calibration"}, "held_out": {"eval"}}),
    ],
)
def test_splits_go_by_the_names_that_people_give_them(tmp_path, others, expected):
    files = {name: (".jsonl", count) for name, count in others.items()}
    assert splits_of(load_task(str(folder_of(tmp_path, train=(".csv", 40), **files)))) == expected


def test_a_folder_is_another_task_when_one_of_its_files_changes(tmp_path):
    before = load_task(str(folder_of(tmp_path, train=(".jsonl", 40), test=(".jsonl", 9)))).sha256
    assert load_task(str(folder_of(tmp_path, train=(".jsonl", 40), test=(".jsonl", 9)))).sha256 == before
    assert load_task(str(folder_of(tmp_path, train=(".jsonl", 40), test=(".jsonl", 10)))).sha256 != before


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("mine.json", '{"question": "q", "answer": "a"}', "holds a dict"),
        ("mine.json", "[1]", "row 1 holds a int"),
        ("mine.json", "[" * 100_000, "is not JSON"),
        ("mine.csv", "question,answer\nq,a,b\n", "row 1 has more values than the 2 columns"),
        ("mine.csv", 'question,answer\nq,"a\n', "is not CSV"),
        ("mine.csv", "question,answer\nq,\n", "lacks the key 'answer'"),
        ("mine.csv", "", "is empty"),
        ("mine.parquet", "PAR1", "cannot be read"),
        ("mine.jsonl", '{"instruction": "i", "input": "j"}', "lacks the key 'output'; Alpaca data has"),
        ("mine.jsonl", '{"prompt": "p", "answer": "a"}', "lacks the key"),
        ("mine.jsonl", '{"text": "t", "lable": "a"}', "did you mean 'label'"),
        ("mine.jsonl", '{"text": "t", "label": 0.5}', "has label 0.5"),
        ("mine.jsonl", '{"text": "t", "label": "a"}', "has the label 'a' as every other row"),
        ("mine.jsonl", '{"body": "b", "subject": "s"}', "has the keys body, subject; known are question and answer;"),
        ("mine.jsonl", '{"messages": [{"role": "user", "content": "q"}]}', "has no answer of the assistant"),
        (
            "mine.jsonl",
            '{"messages": [{"role": "tool", "content": "q"}]}',
            "has role 'tool' in turn 1; known are system",
        ),
        ("mine.jsonl", '{"messages": [{"role": "user", "content": [1]}]}', "has content [1] in turn 1"),
        ("mine.jsonl", '{"conversations": "q"}', "conversations is a list of turns with from and value"),
        ("mine.jsonl", '{"prompt": [{"role": "user", "content": "q"}], "completion": "c"}', "has a chat as prompt"),
    ],
)
def test_what_cannot_be_read_is_refused_by_place_and_column(tmp_path, name, content, told):
    (tmp_path / name).write_text(content)
    with pytest.raises(InvalidTaskError) as caught:
        load_task(str(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value) and told in str(caught.value)


def test_a_folder_without_data_is_refused(tmp_path):
    (tmp_path / "notes.csv").write_text("question,answer\n")
    with pytest.raises(InvalidTaskError, match="holds no data"):
        load_task(str(tmp_path))
