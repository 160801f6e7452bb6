"""Sizes as people write them."""

import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.files.sizes import gibibytes, parse_bytes, parse_quantity


@pytest.mark.parametrize(
    ("text", "size"),
    [("12GiB", 12 * 2**30), ("24 GB", 24 * 10**9), ("1.5gib", 3 * 2**29), ("500", 500), ("7MiB ", 7 * 2**20)],
)
def test_sizes_are_read(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1GiB", "0", "12 parsecs", "twelve"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InvalidConfigurationError, match="12GiB"):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("450MB", 450e6),
        ("12GiB", 12 * 2**30),
        ("12 gib", 12 * 2**30),
        ("1.5kB", 1500),
        ("7b", 7),
        ("0.5", 0.5),
        (450, 450),
        (4.5e17, 4.5e17),
        (1e-5, 1e-5),
        ("4.5e8", 4.5e8),
    ],
)
def test_quantities(given, expected):
    assert parse_quantity(given) == expected


@pytest.mark.parametrize("given", ["", "GB", "12 parsecs", "-5MB", "1.2.3GB", None, True, [1], float("nan")])
def test_what_is_no_quantity_is_refused(given):
    with pytest.raises(ValueError, match="no quantity"):
        parse_quantity(given)


def test_sizes_are_shown():
    assert gibibytes(3 * 2**29) == "1.50 GiB"
    assert gibibytes(2**20) == "0.001 GiB"
