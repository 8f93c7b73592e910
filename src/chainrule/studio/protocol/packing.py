"""Arrays as they are sent: little-endian, in base64, with their shape."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np

from chainrule._types import FloatArray, IntArray

LITTLE = {"float64": "<f8", "float32": "<f4", "int8": "i1"}
"""The kinds of numbers that a page reads, and how they are laid out."""


def packed_as(array: FloatArray | IntArray, dtype: str) -> dict[str, Any]:
    """Return an array as a page reads it.

    >>> packed_as(np.array([[1, 2]]), "int8")
    {'dtype': 'int8', 'shape': [1, 2], 'base64': 'AQI='}
    """
    little = np.ascontiguousarray(array).astype(LITTLE[dtype])
    data = b64encode(little.tobytes()).decode("ascii")
    return {"dtype": dtype, "shape": list(little.shape), "base64": data}
