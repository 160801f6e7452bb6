"""The sha256 of a file, and of values as JSON."""

import hashlib
import json
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a file's bytes as 64 hexadecimal digits.

    Args:
        path: an existing, readable file.

    Raises:
        OSError: when it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_json(values: object) -> str:
    """Returns the sha256 of plain values written as JSON with sorted keys, as 64 hexadecimal digits.

    Args:
        values: dictionaries, lists, strings, numbers, booleans and None, nested at will; the order of keys is of no
            account.
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
