"""What the columns of a user's data mean: the forms in which people keep examples, told apart by their columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from datasets_cache.tasks.examples import Example
from datasets_cache.tasks.own.rows import Row
from perfmodel.errors import CorruptFileError, did_you_mean
from perfmodel.files.json_file import parse_json

MOST_LABELS = 50
"""With more different labels than this, a label is a free answer: every choice of a question is scored."""

_ROLES = {
    "system": "system",
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bot", "model"), "assistant"),
}
"""The role that each name of a speaker means."""


@dataclass(frozen=True)
class Form:
    """One form of an example.

    Args:
        name: how people call it.
        needed: columns that every row has, the first of them the question.
        optional: columns that a row may have.
        examples: makes the examples of all rows, whose columns have been checked.
    """

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    examples: Callable[[Sequence[Row]], list[Example]]


def form_of(rows: Sequence[Row]) -> Form:
    """Returns the form of the rows, which the columns of the first tell, after the columns of all were checked.

    Args:
        rows: rows of a user's data, one or more.

    Raises:
        InvalidTaskError: when a row's columns are not those of the form; the text names what it looks like and what is
            missing.
    """
    columns = set(rows[0].content)
    whole = [form for form in FORMS if columns >= set(form.needed)]
    form = whole[0] if whole else _nearest(rows[0], columns)
    for row in rows:
        _check(row, form)
    return form


def _nearest(row: Row, columns: set[str]) -> Form:
    """Returns the form that shares most columns with a row that is of none."""
    known = "; ".join(" and ".join(form.needed) for form in FORMS)
    nearest = max(FORMS, key=lambda form: len(columns & {*form.needed, *form.optional}))
    if not columns & {*nearest.needed, *nearest.optional}:
        row.refuse(f"has the keys {', '.join(sorted(columns)) or 'none'}", f"known are {known}", "rename them")
    return nearest


def _check(row: Row, form: Form) -> None:
    """Compares a row's keys with the form's."""
    keys = (*form.needed, *form.optional, "split")
    for key in row.content:
        meant = did_you_mean(str(key), keys, "", likeness=0.75)
        if key not in keys and meant:
            row.refuse(f"has the key {key!r}", f"keys are {', '.join(keys)}", meant)
    for key in form.needed:
        if key not in row.content:
            row.refuse(f"lacks the key {key!r}", f"{form.name} data has {' and '.join(form.needed)}", "add it")


def _string(row: Row, key: str) -> str:
    value = row.content[key]
    if not isinstance(value, str) or not value.strip():
        row.refuse(f"has {key} {value!r}", f"{key} is a string that is not empty")
    return value.strip()


def _questions(rows: Sequence[Row]) -> list[Example]:
    return [Example(_string(row, "question"), answer := _string(row, "answer"), _choices(row, answer)) for row in rows]


def _listed(row: Row, key: str, items: str) -> Any:
    """Returns a value of a row, None where it has none; a CSV file holds a list as JSON."""
    value = row.content.get(key)
    if row.path.suffix == ".csv" and isinstance(value, str) and value.startswith("["):
        try:
            return parse_json(value, "it")
        except CorruptFileError:
            row.refuse(f"has {key} {value!r}", f"in a CSV file {key} is a JSON list of {items}")
    return value


def _choices(row: Row, answer: str) -> tuple[str, ...] | None:
    value = _listed(row, "choices", "strings")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(choice, str) and choice.strip() for choice in value):
        row.refuse(f"has choices {value!r}", "choices is a list of strings, none empty")
    choices = tuple(choice.strip() for choice in value)
    if len(set(choices)) != len(choices) or len(choices) < 2:
        row.refuse(f"has choices {value!r}", "choices are two or more different strings")
    if answer not in choices:
        row.refuse(f"has the answer {answer!r}", f"choices are {', '.join(choices)}")
    return choices


def _completions(rows: Sequence[Row]) -> list[Example]:
    for row in rows:
        if isinstance(row.content["prompt"], list):
            row.refuse("has a chat as prompt", "prompt and completion are texts", "write the whole chat as `messages`")
    return [Example(_string(row, "prompt"), _string(row, "completion")) for row in rows]


def _instructions(rows: Sequence[Row]) -> list[Example]:
    examples = []
    for row in rows:
        added = str(row.content.get("input") or "").strip()
        question = _string(row, "instruction") + (f"\n\n{added}" if added else "")
        examples.append(Example(question, _string(row, "output")))
    return examples


def _labels(rows: Sequence[Row]) -> list[Example]:
    labels = []
    for row in rows:
        label = row.content["label"]
        if isinstance(label, bool) or not isinstance(label, str | int) or not str(label).strip():
            row.refuse(f"has label {label!r}", "a label is a text or a whole number")
        labels.append(str(label).strip())
    choices = tuple(sorted(set(labels)))
    if len(choices) < 2:
        rows[0].refuse(f"has the label {choices[0]!r} as every other row", "two or more different labels", "add rows")
    asked = choices if len(choices) <= MOST_LABELS else None
    return [Example(_string(row, "text"), label, asked) for row, label in zip(rows, labels, strict=True)]


def _chats(column: str, role: str, content: str) -> Callable[[Sequence[Row]], list[Example]]:
    """Returns what makes examples of chats.

    Args:
        column: that holds the list of turns.
        role: key of a turn that says who speaks.
        content: key of a turn that says what.
    """

    def examples(rows: Sequence[Row]) -> list[Example]:
        return [_chat(row, _turns(row, column, role, content)) for row in rows]

    return examples


def _turns(row: Row, column: str, role: str, content: str) -> list[tuple[str, str]]:
    turns = _listed(row, column, "turns")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        row.refuse(f"has {column} {str(turns)[:60]!r}", f"{column} is a list of turns with {role} and {content}")
    found = []
    for number, turn in enumerate(turns, start=1):
        who, said = turn.get(role), turn.get(content)
        if who not in _ROLES:
            row.refuse(f"has {role} {who!r} in turn {number}", f"known are {', '.join(_ROLES)}")
        if not isinstance(said, str) or not said.strip():
            row.refuse(f"has {content} {said!r} in turn {number}", f"{content} is a text that is not empty")
        found.append((_ROLES[who], said))
    return found


def _chat(row: Row, turns: list[tuple[str, str]]) -> Example:
    """Returns the example of a chat up to the last turn of the assistant: what follows it is answered by nobody."""
    last = max((place for place, (role, _) in enumerate(turns) if role == "assistant"), default=0)
    if not any(role == "user" for role, _ in turns[:last]):
        row.refuse("has no answer of the assistant to a user", "a chat has a user's turn and the assistant's after it")
    before = "\n".join(f"{role}: {content}" for role, content in turns[:last])
    return Example(before, turns[last][1], scoring="chat", messages=tuple(turns[: last + 1]))


FORMS = (
    Form("question and answer", ("question", "answer"), ("choices",), _questions),
    Form("prompt and completion", ("prompt", "completion"), (), _completions),
    Form("Alpaca", ("instruction", "output"), ("input",), _instructions),
    Form("text and label", ("text", "label"), (), _labels),
    Form("chat", ("messages",), (), _chats("messages", "role", "content")),
    Form("ShareGPT", ("conversations",), (), _chats("conversations", "from", "value")),
)
