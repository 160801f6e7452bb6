"""Closed-form bytes of every format, against numbers worked out by hand."""

import math

import pytest

from perfmodel.errors import InvalidConfigurationError
from perfmodel.model.formats import FORMATS

WIDTHS = (16, 8, 4, 3, 2)


def test_names_say_width_and_group():
    assert list(FORMATS) == [entry.name for entry in FORMATS.values()]
    for name, entry in FORMATS.items():
        if name.startswith("hqq"):
            assert name == f"hqq{entry.bits}g{entry.layout.group}"
            assert f"{entry.bits} bits" in entry.title and f"groups of {entry.layout.group}" in entry.title


def test_every_width_has_a_format_and_wider_ones_come_first():
    bits = [entry.bits for entry in FORMATS.values()]

    assert tuple(dict.fromkeys(bits)) == WIDTHS


# 64 x 1280 = 81,920 weights: 1,280 blocks of 64, 2,560 groups of 32, 640 of 128.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bf16", 163_840),
        ("int8", 81_920 + 64 * 4),
        ("nf4", 40_960 + 1_280 * 4 + 64),
        ("fp4", 40_960 + 1_280 * 4 + 64),
        ("nf4dq", 40_960 + 1_280 + 5 * 4 + 4 + 1_024 + 64),
        ("hqq8g32", 81_920 + 2_560 * 8),
        ("hqq8g128", 81_920 + 640 * 8),
        ("hqq4g64", 40_960 + 1_280 * 8),
        ("hqq3g32", 2_560 // 10 * 32 * 4 + 2_560 * 8),
        ("hqq3g64", 1_280 // 10 * 64 * 4 + 1_280 * 8),
        ("hqq2g64", 20_480 + 1_280 * 8),
        ("hqq2g128", 20_480 + 640 * 8),
    ],
)
def test_bytes_of_a_matrix(name, expected):
    assert FORMATS[name].stored_bytes(64, 1_280, 4) == expected


@pytest.mark.parametrize("name", FORMATS)
def test_only_hqq_s_metadata_has_the_compute_type(name):
    entry = FORMATS[name]
    metadata = 2 * 81_920 // entry.layout.group if name.startswith("hqq") else 0

    assert entry.stored_bytes(64, 1_280, 4) - entry.stored_bytes(64, 1_280, 2) == 2 * metadata


def test_odd_counts_are_rounded_up():
    weights = 33 * 65  # 2,145: 1,073 bytes, 34 blocks

    assert FORMATS["nf4"].stored_bytes(33, 65, 4) == 1_073 + 34 * 4 + 64
    assert FORMATS["int8"].stored_bytes(33, 65, 4) == weights + 33 * 4
    assert FORMATS["nf4dq"].stored_bytes(64, 64 * 257, 4) == 64 * 257 * 32 + 64 * 257 + 65 * 4 + 4 + 1_024 + 64


def test_three_bit_groups_are_padded_to_tens():
    assert FORMATS["hqq3g64"].stored_bytes(1, 64, 2) == 64 * 4 + 4
    assert FORMATS["hqq3g64"].stored_bytes(1, 640, 2) == 64 * 4 + 40
    assert FORMATS["hqq3g64"].stored_bytes(1, 704, 2) == 2 * 64 * 4 + 44


@pytest.mark.parametrize(
    ("name", "rows", "columns", "multiple"),
    [("hqq8g64", 1, 96, 64), ("hqq3g32", 1, 48, 32), ("hqq4g64", 1, 64, 128), ("hqq2g128", 3, 128, 512)],
)
def test_a_shape_that_leaves_groups_or_bytes_unfilled_is_refused(name, rows, columns, multiple):
    with pytest.raises(InvalidConfigurationError, match=rf"{name} .* {rows} x {columns}; .* multiple of {multiple},"):
        FORMATS[name].stored_bytes(rows, columns, 4)
    assert FORMATS[name].stored_bytes(rows, multiple, 4) > 0


def test_errors_are_measured_and_grow_as_bits_shrink():
    for entry in FORMATS.values():
        assert 0 < entry.gaussian_error < 1 and 0 < entry.relative_error < 1
        assert math.isfinite(math.log2(entry.relative_error))
    for group in (32, 64, 128):
        errors = [FORMATS[f"hqq{bits}g{group}"].gaussian_error for bits in (8, 4, 3, 2)]
        assert errors == sorted(errors)
