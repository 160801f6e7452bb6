"""Arrays inside JSON: bit for bit, and quicker to read than lists of numbers."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perfmodel.errors import CorruptFileError

TYPES = ("<f8", "<f4", "<i8", "|u1")
"""Little-endian, whatever machine wrote them."""


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """Returns the array as plain values: its type, its shape and its bytes in base64.

    Args:
        array: float64, float32, int64 or uint8, any shape.
    """
    kind = array.dtype.newbyteorder("<").str
    if kind not in TYPES:
        raise ValueError(f"arrays of {array.dtype} are not packed")
    data = np.ascontiguousarray(array, dtype=kind).tobytes()
    return {"type": kind, "shape": list(array.shape), "base64": base64.b64encode(data).decode("ascii")}


def unpack(values: Mapping[str, Any]) -> NDArray[Any]:
    """Returns the array that ``pack`` wrote.

    Raises:
        CorruptFileError: when the values are no packed array.
    """
    try:
        if values["type"] not in TYPES:
            raise ValueError(f"type {values['type']!r}")
        flat = np.frombuffer(base64.b64decode(values["base64"], validate=True), dtype=values["type"])
        if any(type(size) is not int or size < 0 for size in values["shape"]):
            raise ValueError(f"shape {values['shape']}")
        return flat.reshape(values["shape"]).astype(flat.dtype.newbyteorder("="))
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise CorruptFileError(
            f"an array cannot be read ({error})", "type, shape and base64 are needed", "fit and save the model again"
        ) from error


def pack_all(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns values with every array among them packed.

    Args:
        values: arrays and plain values by name.
    """
    return {name: pack(value) if isinstance(value, np.ndarray) else value for name, value in values.items()}


def unpack_all(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values that ``pack_all`` was given.

    Args:
        values: packed arrays, and plain values that are no mappings, by name.

    Raises:
        CorruptFileError: when an array cannot be read.
    """
    return {name: unpack(value) if isinstance(value, Mapping) else value for name, value in values.items()}
