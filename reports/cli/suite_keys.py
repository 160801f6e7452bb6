"""``bench suite``: every key of a suite with what it may be, its default and its meaning."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from perfmodel.space.recipe import Recipe
from reports.run.suite import Suite, load_suite
from reports.run.terminal import output_console

HEAD = """# Every key of a suite

This page is made by `make choices`; `bench suite --keys` prints the same. A key is written in a YAML file, or as
`key=value` behind the name of a suite: `bench run default recipe.steps=48 validate.seeds=[101,102]`.

| key | what it may be | default | meaning |
|---|---|---|---|
"""


WORDS: Final[Mapping[str, str]] = {"integer": "whole number", "boolean": "true or false", "string": "text"}
"""What JSON calls a type, to what a person does, where these differ."""

LIMITS: Final[Mapping[str, str]] = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


@dataclass(frozen=True)
class Key:
    """One key of a suite.

    Args:
        name: with its section, such as ``recipe.steps``.
        allowed: what it may be, in words.
        default: as it is written, ``needed`` where there is none.
        meaning: in one sentence.
    """

    name: str
    allowed: str
    default: str
    meaning: str


def suite_keys() -> list[Key]:
    """Returns every key of a suite, section by section."""
    schema = Suite.model_json_schema(by_alias=True)
    return list(_keys("", schema, schema["$defs"]))


def suite_page() -> str:
    """Returns the keys as a page of Markdown."""
    rows = ([f"`{key.name}`", key.allowed, f"`{key.default}`", key.meaning] for key in suite_keys())
    return HEAD + "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)


def print_keys() -> None:
    """Prints the keys as a table, as wide as the terminal."""
    from rich.table import Table

    shown = Table()
    for column in ("key", "what it may be", "default", "meaning"):
        shown.add_column(column, overflow="fold")
    for key in suite_keys():
        shown.add_row(key.name, key.allowed, key.default, key.meaning)
    output_console(160).print(shown)


def suite_text(name_or_path: str, overrides: list[str]) -> str:
    """Returns a suite as YAML with every default written out.

    Args:
        name_or_path: a shipped suite's name or a file.
        overrides: ``key=value``.

    Raises:
        InvalidSuiteError: when it is no suite.
    """
    import yaml

    suite = load_suite(name_or_path, overrides).model_dump(mode="json", by_alias=True)
    return str(yaml.safe_dump(suite, sort_keys=False, default_flow_style=None, width=120))


def _keys(place: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[Key]:
    meanings = _meanings(Recipe) if place == "recipe." else {}
    for name, field in schema["properties"].items():
        section = definitions.get(str(field.get("$ref")).rpartition("/")[2], {})
        if "properties" in section:
            yield from _keys(f"{place}{name}.", section, definitions)
            continue
        default = json.dumps(field["default"]) if "default" in field else "needed"
        meaning = field.get("description") or meanings[name]
        yield Key(place + name, _allowed(field), default.replace('"', ""), _sentence(meaning))


def _sentence(text: str) -> str:
    joined = " ".join(text.split()).replace("``", "")
    return joined[:1].upper() + joined[1:]


def _allowed(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_allowed(each) for each in field["anyOf"])
    if "enum" in field:
        return ", ".join(field["enum"])
    if "const" in field:
        return str(field["const"])
    if field["type"] == "array":
        items = _allowed(field["items"])
        return f"list of {items}"
    if field["type"] == "object":
        return f"{_allowed(field['additionalProperties'])} by name"
    limits = [f"{sign} {field[name]:g}" for name, sign in LIMITS.items() if name in field]
    return " ".join([WORDS.get(field["type"], field["type"]), *limits])


def _meanings(of: type) -> dict[str, str]:
    """Returns what the ``Args:`` of a class say of each field."""
    text = inspect.getdoc(of) or ""
    return {found[1]: found[2] for found in re.finditer(r"^    (\w+): ((?:.+\n?(?!    \w+: ))+)", text, re.MULTILINE)}
