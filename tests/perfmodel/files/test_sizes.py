"""Sizes as people write them."""

import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.files.sizes import gibibytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [("12GiB", 12 * 2**30), ("24 GB", 24 * 10**9), ("1.5gib", 3 * 2**29), ("500", 500), ("7MiB ", 7 * 2**20)],
)
def test_sizes_are_read(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1GiB", "0", "12 parsecs", "1e9", "twelve"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InvalidConfigurationError, match="12GiB"):
        parse_bytes(text)


def test_sizes_are_shown():
    assert gibibytes(3 * 2**29) == "1.50 GiB"
    assert gibibytes(2**20) == "0.001 GiB"
