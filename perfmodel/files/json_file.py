"""The one way to read JSON, which may be damaged or made by anybody: all that is wrong with it is one error.

Refused are files that are too large or nested too deeply, a key that is given twice, and numbers that are not finite or
that no 64 bits hold.
"""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perfmodel.errors import CorruptFileError, PerfModelError

MOST_BYTES = 1 << 28
"""The largest file that is read: ten times the largest that this project writes."""

_ACTION = "restore the file, or write it anew"

_SUSPECT = re.compile(r"\d{19}|\de\+?\d{3}", re.IGNORECASE)
"""What stands in a text where a number may be too large; most texts have none, and are read without looking at each."""


def read_json(path: Path, action: str = _ACTION) -> Any:
    """Returns the content of a JSON file.

    Args:
        path: a file in UTF-8.
        action: what a person can do where it cannot be read.

    Raises:
        CorruptFileError: it is missing or unreadable, or no JSON within the limits of this module.
    """
    with refusing_damage(str(path), action):
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
        return _parsed(path.read_text(encoding="utf-8"))


def read_json_object(path: Path, action: str = _ACTION) -> dict[str, Any]:
    """Returns the JSON object in a file.

    Args:
        path: a file in UTF-8.
        action: what a person can do where it cannot be read.

    Raises:
        CorruptFileError: as in ``read_json``, or the file holds something else than an object.
    """
    content = read_json(path, action)
    if not isinstance(content, dict):
        raise CorruptFileError(f"{path} holds a {type(content).__name__}", "it must hold a JSON object", action)
    return content


def parse_json(text: str | bytes, what: str) -> Any:
    """Returns the values of a JSON text.

    Args:
        text: the whole text, in UTF-8 where it is bytes.
        what: what the text is, for the message, such as the path of its file.

    Raises:
        CorruptFileError: it is no JSON within the limits of this module.
    """
    with refusing_damage(what):
        return _parsed(text if isinstance(text, str) else text.decode("utf-8"))


def _parsed(text: str) -> Any:
    numbers: dict[str, Any] = {"parse_int": _whole, "parse_float": _finite} if _SUSPECT.search(text) else {}
    return json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number, **numbers)


@contextmanager
def refusing_damage(what: str, action: str = _ACTION) -> Iterator[None]:
    """Turns whatever wrong content makes Python or a library raise in the block into a ``CorruptFileError``.

    Args:
        what: what is read, for the message, such as the path of a file.
        action: what a person can do about it.

    Raises:
        CorruptFileError: in place of every other exception but this project's own and an interrupt.
    """
    try:
        yield
    except PerfModelError:
        raise
    except Exception as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _said(error)
        raise CorruptFileError(
            f"{what} cannot be read ({reason})", "a whole file, as it was written", action
        ) from error


def _said(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0][:200]
    return f"{type(error).__name__}: {text}" if isinstance(error, KeyError) or not text else text


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in found if names.count(name) > 1)!r} is given twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _whole(text: str) -> int:
    value = int(text)
    if not -(1 << 63) <= value < 1 << 64:
        raise ValueError(f"the number {text[:30]}... does not fit into 64 bits")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:30]} is not finite")
    return value
