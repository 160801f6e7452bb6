"""How what was found is compared with what is stored: numbers to 1e-9, everything else exactly."""

import json
import re
from pathlib import Path

import numpy as np

ASSETS = Path(__file__).parent / "assets"

RELATIVE, ABSOLUTE = 1e-9, 1e-12

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w)")


def arrays(name):
    """Returns the stored arrays of a file of ``assets`` by name."""
    with np.load(ASSETS / name) as stored:
        return dict(stored)


def write_arrays(name, found):
    np.savez_compressed(ASSETS / name, **found)


def assert_arrays_agree(found, stored):
    """Compares arrays by name: floats to ``RELATIVE`` or ``ABSOLUTE``, whichever is larger; other types exactly."""
    assert sorted(found) == sorted(stored)
    for name, expected in stored.items():
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found[name], expected, rtol=RELATIVE, atol=ABSOLUTE, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], expected, err_msg=name)


def assert_texts_agree(found, stored):
    """Compares texts: their numbers as floats are compared, what stands between them exactly."""
    between, expected = NUMBER.split(found), NUMBER.split(stored)
    different = next((at for at, pair in enumerate(zip(between, expected, strict=False)) if pair[0] != pair[1]), None)
    if different is not None:
        assert between[different] == expected[different]
    assert len(between) == len(expected)
    numbers, wanted = (np.array(NUMBER.findall(text), dtype=float) for text in (found, stored))
    np.testing.assert_allclose(numbers, wanted, rtol=RELATIVE, atol=ABSOLUTE)


def json_text(values):
    return json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
