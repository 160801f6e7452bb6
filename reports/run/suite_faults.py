"""What is wrong with a suite, in words that say what to write in its place."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from perfmodel.errors import InvalidSuiteError, did_you_mean

LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("of at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("of at most", "le"),
}
"""Kind of pydantic's fault, to the word before the limit and the limit's name in its context."""

WANTED: Final[Mapping[str, str]] = {
    "tuple": "a list, such as [0, 1]",
    "int": "a whole number, such as 3",
    "float": "a number, such as 0.001",
    "finite": "a number that is not infinite",
    "bool": "true or false",
    "string_type": "a text",
    "string_pattern": "letters, digits, dots, dashes and underscores, the first a letter or digit",
    "mapping": "keys and values, such as {random: 5000}",
    "dict": "keys and values, such as {random: 5000}",
    "model": "keys and values, such as {seeds: [0, 1]}",
    "dataclass": "keys and values, such as {steps: 24}",
}
"""First letters of the kind of pydantic's fault, to what is wanted in its place."""


def explained(error: ValidationError, suite: type[BaseModel]) -> InvalidSuiteError:
    """Returns the error that says which key of a suite is wrong and what to write.

    Args:
        error: what pydantic found.
        suite: the model of a whole suite.
    """
    unknown = ("extra_forbidden", "unexpected_keyword_argument")
    # An unknown key first: where "task" is misspelt, that it is missing is only half of what is wrong.
    first = min(error.errors(), key=lambda each: each["type"] not in unknown)
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] in unknown:
        known = _keys(suite, first["loc"][:-1])
        return InvalidSuiteError(
            f"the suite has the key {place!r}",
            f"keys there are {', '.join(known)}",
            did_you_mean(str(first["loc"][-1]), known),
        )
    if first["type"] == "missing":
        return InvalidSuiteError(f"the suite lacks {place!r}", "it is needed", "add it")
    return InvalidSuiteError(f"{place} is {first['input']!r}", _allowed(first), f"change {place}")


def _allowed(fault: Mapping[str, Any]) -> str:
    """Returns what may be written in the place of a wrong value."""
    context = fault.get("ctx", {})
    if fault["type"] in LIMITS:
        word, name = LIMITS[fault["type"]]
        return f"a number {word} {context[name]:g}"
    if fault["type"] == "too_short":
        return f"at least {context['min_length']} of them"
    if fault["type"] == "too_long":
        return f"at most {context['max_length']} of them"
    if fault["type"] == "literal_error":
        return f"one of {context['expected']}"
    if fault["type"] == "value_error":
        return str(context["error"])
    return next((words for kind, words in WANTED.items() if fault["type"].startswith(kind)), str(fault["msg"]))


def _keys(suite: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    section: Any = suite
    for part in place:
        section = next(field.annotation for name, field in section.model_fields.items() if part in (name, field.alias))
    fields = getattr(section, "model_fields", None)
    if fields is None:
        return list(section.__dataclass_fields__)
    return [field.alias or name for name, field in fields.items()]
