"""Sizes of memory as people write and read them."""

import re

from perfmodel.errors import InvalidConfigurationError

UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}

_QUANTITY = re.compile(r"\s*(\d+(?:\.\d*)?(?:e[+-]?\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)


def parse_quantity(value: object) -> float:
    """Returns a number, or the bytes of a text such as ``12GiB`` or ``450 MB``.

    Args:
        value: a number of 0 or more, or a text with one and, where it is a size, a unit of ``UNITS`` in any case.

    Raises:
        ValueError: when it is neither.
    """
    found = _QUANTITY.fullmatch(str(value))
    if found is None or found[2].lower() not in UNITS:
        raise ValueError(f"{value!r} is no quantity; write a number, or bytes as 450MB or 12GiB")
    return float(found[1]) * UNITS[found[2].lower()]


def parse_bytes(text: str) -> int:
    """Returns the bytes of a size such as ``12GiB``, ``24 GB`` or ``500000000``.

    Args:
        text: a number above 0 and a unit of ``UNITS`` in any case, bytes where there is none.

    Raises:
        InvalidConfigurationError: when it is no size, or none above 0.
    """
    try:
        size = int(parse_quantity(text))
    except ValueError:
        size = 0
    if size <= 0:
        raise InvalidConfigurationError(
            f"the size {text!r}", "a number above 0 with GiB, GB, MiB, MB or bytes", "write it like 12GiB"
        )
    return size


def gibibytes(size: float) -> str:
    """Returns a size in GiB as text, with two decimals, or three below one.

    Args:
        size: bytes, 0 or more.
    """
    return f"{size / 2**30:.{2 if size >= 2**30 else 3}f} GiB"


def size_text(size: float | None) -> str:
    """Returns a size as ``446 MiB`` or ``1.23 GiB``, on one line, and ``not measured`` where there is none.

    Args:
        size: in bytes, 0 or more, or None.
    """
    if size is None:
        return "not measured"
    return f"{size / 2**30:.2f}\u00a0GiB" if size >= 2**30 else f"{size / 2**20:.0f}\u00a0MiB"
