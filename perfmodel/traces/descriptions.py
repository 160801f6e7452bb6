"""What every column of a stored trace means, from the docstrings of the classes that hold the values."""

import re
from inspect import getdoc

from perfmodel.space.methods import Methods
from perfmodel.space.space import Configuration
from perfmodel.traces.columns import COLUMNS
from perfmodel.traces.trace import Asked, Measured, RanOn, Setting

_IDENTIFIERS = {"key": Asked.key, "setting": Setting.identifier, "configuration": Configuration.identifier}
"""Columns that are computed from others."""


def column_descriptions() -> dict[str, str]:
    """Returns what each of ``COLUMNS`` holds, in their order."""
    arguments: dict[str, str] = {}
    for holder in (Setting, Configuration, Methods, Asked, Measured, RanOn):
        arguments |= documented_arguments(getdoc(holder) or "")
    arguments |= {name: (getdoc(value) or "").partition("\n")[0].rstrip(".") for name, value in _IDENTIFIERS.items()}
    # Beside its argument a text may be as short as "where.": the name goes before it.
    return {name: f"{name.replace('_', ' ').capitalize()}: {_plain(arguments[name])}." for name in COLUMNS}


def documented_arguments(docstring: str) -> dict[str, str]:
    """Returns what the ``Args:`` section of a docstring says of each name.

    Args:
        docstring: without the indentation of its place in the code.
    """
    section = re.search(r"^Args:\n((?: {4}.*\n?|\n)+)", docstring, re.MULTILINE)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _plain(text: str) -> str:
    return text.replace("``", "").rstrip(".")
