"""Arrays in JSON come back bit for bit, or not at all."""

import json

import numpy as np
import pytest

from perfmodel.errors import CorruptFileError
from perfmodel.files.json_arrays import pack, unpack


@pytest.mark.parametrize(
    "array",
    [np.array([[0.1, -np.pi], [1e-300, np.inf]]), np.arange(6, dtype=np.int64), np.float32([1.5]), np.empty((0, 3))],
)
def test_round_trip(array):
    back = unpack(json.loads(json.dumps(pack(array))))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    back[:0] = 0  # it can be written to


def test_bytes_are_little_endian_whatever_the_machine():
    assert pack(np.array([1], dtype=">i8"))["base64"] == pack(np.array([1], dtype="<i8"))["base64"] == "AQAAAAAAAAA="


@pytest.mark.parametrize("damage", [{"type": "|O"}, {"base64": "AQ"}, {"shape": [3]}, {"base64": None}])
def test_damage_is_refused(damage):
    with pytest.raises(CorruptFileError, match="array cannot be read"):
        unpack({**pack(np.arange(2)), **damage})
    with pytest.raises(ValueError, match="object"):
        pack(np.array([None]))
