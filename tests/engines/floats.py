"""What the tests of compiled mathematics share: pieces called from Python, a sample of all float32, errors in last places."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from chainrule.engines.cpu.pieces.codegen import MOST_SHARED, TILE
from chainrule.engines.cpu.pieces.machine_code import compiled

STEP = 1069
"""A prime, so that all exponents and both signs are met with all sorts of last digits: 4,017,743 of the 2^32 bit patterns."""

EDGES = [0.0, np.inf, np.nan, 1e-45, 1.1754942e-38, 1.1754944e-38, 1.0, 0.625, 3.4028235e38]
EDGES += [
    88.0,
    88.72283,
    88.722839,
    88.72284,
    88.8,
    89.0,
    89.1,
    87.33654,
    87.33655,
    103.27892,
    103.27893,
    103.97208,
]
EDGES += [
    103.9721,
    104.0,
    104.1,
    16.635532,
    17.32868,
    17.4,
    18.0,
    20.0,
    1e-4,
    9.9999e-5,
    0.70710677,
    0.7071068,
    0.99999994,
]


def every_kind_of_float32() -> np.ndarray:
    """A dense sample of all bit patterns, and both signs of where functions change their ways."""
    patterns = np.arange(0, 2**32, STEP, dtype=np.uint32).view(np.float32)
    edges = np.array(EDGES, np.float32)
    with np.errstate(all="ignore"):
        near = np.concatenate(
            [edges, np.nextafter(edges, np.float32(np.inf)), np.nextafter(edges, np.float32(0))]
        )
    return np.concatenate([patterns, near, -near])


def run_activation(source: str, z: np.ndarray, cols: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Run an activation's source on z: what it leaves in ``a`` and in ``z``."""
    cols = cols or len(z)
    z, a = z.copy(), np.full_like(z, np.nan)
    call(source, z.dtype, z, a, _scratch(z.dtype), rows=len(z) // cols, cols=cols)
    return a, z


def run_loss(source: str, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Run a loss's source on arrays (rows, cols): each row's loss and its derivative with respect to z."""
    value, delta = np.full(len(z), np.nan, z.dtype), np.full_like(z, np.nan)
    call(
        source,
        z.dtype,
        *map(np.copy, (z, a, y)),
        value,
        delta,
        _scratch(z.dtype),
        rows=len(z),
        cols=z.shape[1],
    )
    return value, delta


def call(source: str, dtype: Any, *arrays: np.ndarray, rows: int, cols: int) -> None:
    """Call the machine code of a source as the kernels do."""
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arrays), ctypes.c_int64, ctypes.c_int64)
    kind(compiled(source, dtype))(*(array.ctypes.data for array in arrays), rows, cols)


def _scratch(dtype: Any) -> np.ndarray:
    return np.full(MOST_SHARED * TILE, np.nan, dtype)


def ulps(got: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The error of float32 numbers against float64 ones, in units in the last place of the true value.

    A NaN agrees with a NaN; infinity counts as the float32 after the largest.
    """
    beyond = 2.0**128
    with np.errstate(all="ignore"):
        # The last place of the largest numbers is that of 2^127; beyond the largest there is none to ask for.
        size = np.clip(np.abs(true), 0, 2.0**127).astype(np.float32)
        error = np.abs(np.clip(got.astype(np.float64), -beyond, beyond) - np.clip(true, -beyond, beyond))
        units = error / np.spacing(size).astype(np.float64)
    return np.where(
        np.isnan(true), np.where(np.isnan(got), 0.0, np.inf), np.where(np.isnan(units), np.inf, units)
    )
