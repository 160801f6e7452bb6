"""Sizes of memory as people write and read them."""

import re

from perfmodel.errors import InvalidConfigurationError

UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)


def parse_bytes(text: str) -> int:
    """Returns the bytes of a size such as ``12GiB``, ``24 GB`` or ``500000000``.

    Raises:
        InvalidConfigurationError: when it is no size, or none above 0.
    """
    found = _SIZE.fullmatch(text)
    unit = (found[2] or "b").lower() if found else ""
    if found is None or unit not in UNITS or float(found[1]) <= 0:
        raise InvalidConfigurationError(
            f"the size {text!r}", "a number above 0 with GiB, GB, MiB, MB or bytes", "write it like 12GiB"
        )
    return int(float(found[1]) * UNITS[unit])


def gibibytes(size: float) -> str:
    """Returns a size in GiB with two decimals, or three below one."""
    return f"{size / 2**30:.{2 if size >= 2**30 else 3}f} GiB"
