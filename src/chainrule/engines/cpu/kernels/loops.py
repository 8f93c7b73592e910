"""The loops that know nothing of networks: meeting other threads, random words, copies, sums and sizes.

Indices are made unsigned where a loop should become vector instructions: a signed one might count from the end,
for all the compiler knows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, njit, types, uint64

from chainrule._random import MULTIPLIERS, ROUNDS, WEYL, Purpose
from chainrule.engines.cpu.cache import kept
from chainrule.engines.cpu.kernels.native import atomic_add, atomic_load, copy

_M0, _M1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
_W0, _W1 = np.uint64(WEYL[0]), np.uint64(WEYL[1])
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)
_ORDER = int(Purpose.ORDER)
_SPINS = 2000
_yield_to_others = types.ExternalFunction("sched_yield", types.int32())


def compiled_loop(function: Any) -> Any:
    """Have Numba compile a function when it is first called, without Python's lock, and keep it where it can."""
    how: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
    try:
        return kept(njit(**how)(function))
    except RuntimeError:
        # Numba found no folder that it may write: the code lasts as long as the process.
        return njit(**how)(function)


def inner_loop(function: Any) -> Any:
    """Have Numba compile a function that only compiled code calls: without what would call it from Python.

    Taking the buffers' tuples apart for Python would be a good part of the time that compiling takes.
    """
    bare: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return njit(nogil=True, error_model="numpy", fastmath={"contract"}, cache=False, **bare)(function)


def summing_loop(function: Any) -> Any:
    """Have Numba compile a function whose sums may be added in the order that suits vector instructions.

    That order is fixed when it is compiled, so the same numbers give the same bits.
    """
    return njit(nogil=True, error_model="numpy", fastmath={"contract", "reassoc"}, cache=False)(function)


@summing_loop
def sum_of(buffer: Any, start: Any, count: Any) -> Any:
    """Return the sum of ``count`` numbers of a buffer."""
    total = buffer.dtype.type(0.0)
    at = uint64(start)
    for i in range(uint64(count)):
        total += buffer[at + i]
    return total


@summing_loop
def sum_of_products(buffer: Any, first: Any, second: Any, count: Any) -> Any:
    """Return the sum of the products of ``count`` numbers of a buffer with as many others in it."""
    total = buffer.dtype.type(0.0)
    a, b = uint64(first), uint64(second)
    for i in range(uint64(count)):
        total += buffer[a + i] * buffer[b + i]
    return total


@compiled_loop
def barrier(state: Any, size: Any) -> None:
    """Wait until all threads of a crew are here. ``state``: arrivals at 0, the number of meetings at 8."""
    if size == 1:
        return
    meeting = atomic_load(state, 8)
    if atomic_add(state, 0, 1) == size - 1:
        atomic_add(state, 0, -size)
        atomic_add(state, 8, 1)
        return
    spins = 0
    while atomic_load(state, 8) == meeting:
        spins += 1
        if spins > _SPINS:
            # The others may need this processor.
            _yield_to_others()


@njit(inline="always", error_model="numpy")
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Return the four words of a counter; the same function as in `chainrule._random`."""
    for _ in range(ROUNDS):
        # The masks say what is true anyway, and let the compiler use 32-bit products on vectors.
        first = (c0 & _LOW) * _M0
        second = (c2 & _LOW) * _M1
        c0, c1, c2, c3 = (
            (second >> _SHIFT) ^ c1 ^ k0,
            second & _LOW,
            (first >> _SHIFT) ^ c3 ^ k1,
            first & _LOW,
        )
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@compiled_loop
def shuffle(order: Any, k0: Any, k1: Any, epoch: Any, member: Any) -> None:
    """Fill ``order`` with 0 … n-1, shuffled as `chainrule._random.row_order` shuffles."""
    n = len(order)
    for i in range(n):
        order[i] = i
    block = (n + 3) // 4
    w0 = w1 = w2 = w3 = uint64(0)
    for i in range(n - 1, 0, -1):
        if i // 4 != block:
            block = i // 4
            w0, w1, w2, w3 = philox(uint64(block), uint64(_ORDER), uint64(epoch), uint64(member), k0, k1)
        place = i % 4
        word = w0 if place == 0 else (w1 if place == 1 else (w2 if place == 2 else w3))
        j = int64((word * uint64(i + 1)) >> _SHIFT)
        order[i], order[j] = order[j], order[i]


@compiled_loop
def load_shared(table: Any, source: Any, buffer: Any, place: Any) -> None:
    """Copy a row of a table to the ``place``-th row of a buffer."""
    n = table.shape[1]
    copy(buffer, place * n, table, source * n, n)


@compiled_loop
def add_blocks(g: Any, blocks: Any, start: Any, stop: Any) -> None:
    """Add the gradients of all blocks to the first one's, in order, for a range of parameters."""
    for b in range(1, blocks):
        for i in range(uint64(start), uint64(stop)):
            g[0, i] += g[b, i]


@compiled_loop
def largest(bits: Any, start: Any, stop: Any, mask: Any) -> Any:
    """Return the largest absolute value of a range, as bits, whose order is that of the numbers they mean.

    Without its sign bit (``mask``) an infinity is above all numbers and NaN above it; integers can be compared in vectors.
    """
    largest = int64(0)
    for i in range(uint64(start), uint64(stop)):
        size = bits[i] & mask
        largest = size if size > largest else largest
    return largest


@compiled_loop
def measure(g: Any, start: Any, stop: Any, squares: Any) -> None:
    """Write a range's largest absolute number and the sum of squares in units of it, which can't overflow."""
    largest = 0.0
    for i in range(start, stop):
        largest = max(largest, abs(np.float64(g[i])))
    total = 0.0
    if largest > 0.0:
        for i in range(start, stop):
            part = np.float64(g[i]) / largest
            total += part * part
    squares[0], squares[1] = largest, total


@compiled_loop
def norm(squares: Any) -> float:
    """Return the Euclidean norm of all slices that were measured."""
    largest = 0.0
    for p in range(len(squares)):
        largest = max(largest, squares[p, 0])
    if largest == 0.0:
        return 0.0
    total = 0.0
    for p in range(len(squares)):
        part = squares[p, 0] / largest
        total += part * part * squares[p, 1]
    return float(largest * np.sqrt(total))
