"""The loops that know nothing of networks: meeting other threads, random words, copies, sums and sizes.

Indices are made unsigned where a loop should become vector instructions: a signed one might count from the end,
for all the compiler knows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, njit, types, uint64

from chainrule._random import MULTIPLIERS, ROUNDS, WEYL, Purpose
from chainrule.engines.cpu.kernels.columns import LEAVES
from chainrule.engines.cpu.kernels.compiling import inner_loop, summing_loop
from chainrule.engines.cpu.kernels.native import atomic_add, atomic_load, copy

_M0, _M1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
_W0, _W1 = np.uint64(WEYL[0]), np.uint64(WEYL[1])
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)
_ORDER = int(Purpose.ORDER)
_SPINS = 2000
_yield_to_others = types.ExternalFunction("sched_yield", types.int32())


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


@inner_loop
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


@inner_loop
def shuffle(order: Any, first: Any, n: Any, stream: Any, k0: Any, k1: Any, epoch: Any, member: Any) -> None:
    """Shuffle ``n`` places of ``order`` from the ``first`` on, as `chainrule._random.row_order` shuffles."""
    name = uint64(_ORDER + 16 * stream)
    block = (n + 3) // 4
    w0 = w1 = w2 = w3 = uint64(0)
    for i in range(n - 1, 0, -1):
        if i // 4 != block:
            block = i // 4
            w0, w1, w2, w3 = philox(uint64(block), name, uint64(epoch), uint64(member), k0, k1)
        place = i % 4
        word = w0 if place == 0 else (w1 if place == 1 else (w2 if place == 2 else w3))
        j = int64((word * uint64(i + 1)) >> _SHIFT)
        order[first + i], order[first + j] = order[first + j], order[first + i]


@inner_loop
def shuffle_blocks(order: Any, size: Any, mixed: Any, k0: Any, k1: Any, epoch: Any, member: Any) -> None:
    """Fill ``order`` as `chainrule._random.row_order_in_blocks` does, with blocks of ``size`` rows, ``mixed`` at a time.

    The blocks' own order stands at the end of ``order`` until it is overwritten, which is never before it was read: what
    is left to write are the rows of the blocks that are left to read, each of one row at least.
    """
    n = len(order)
    blocks = (n + size - 1) // size
    tail = n - blocks
    for b in range(blocks):
        order[tail + b] = b
    # A literal would be a type of its own, and the shuffle compiled once more for it.
    stream = int64(0)
    shuffle(order, tail, blocks, stream, k0, k1, epoch, member)
    at = first = int64(0)
    for b in range(blocks):
        start = int64(order[tail + b]) * size
        for i in range(start, min(start + size, n)):
            order[at] = i
            at += 1
        if (b + 1) % mixed == 0 or b + 1 == blocks:
            stream += 1
            shuffle(order, first, at - first, stream, k0, k1, epoch, member)
            first = at


@inner_loop
def load_shared(table: Any, source: Any, buffer: Any, place: Any) -> None:
    """Copy a row of a table to the ``place``-th row of a buffer."""
    n = table.shape[1]
    copy(buffer, place * n, table, source * n, n)


@inner_loop
def add_tree(lines: Any, count: Any, start: Any, stop: Any) -> None:
    """Add the first ``count`` lines, for a range of their numbers, into the first one by a fixed binary tree.

    Line i sits at leaf floor(LEAVES · i / count) of LEAVES; lines of one leaf are added in order, and then the leaves as
    ((0+1)+(2+3))+…, where one without lines is left out. So a line alone stays as it is.
    """
    if count == 1:
        return
    if count > LEAVES:
        for leaf in range(LEAVES):
            first = first_at(leaf, count)
            for line in range(first + 1, first_at(leaf + 1, count)):
                _add_line(lines, first, line, start, stop)
    width = 1
    while width < LEAVES:
        for leaf in range(0, LEAVES, 2 * width):
            left, right = first_at(leaf, count), first_at(leaf + width, count)
            if left < right < first_at(leaf + 2 * width, count):
                _add_line(lines, left, right, start, stop)
        width *= 2


@njit(inline="always", error_model="numpy")
def first_at(leaf: Any, count: Any) -> Any:
    """Return the first of ``count`` lines that sits at a leaf or a later one."""
    return (leaf * count + LEAVES - 1) // LEAVES


@inner_loop
def _add_line(lines: Any, to: Any, other: Any, start: Any, stop: Any) -> None:
    for i in range(uint64(start), uint64(stop)):
        lines[to, i] += lines[other, i]


@inner_loop
def largest(bits: Any, start: Any, stop: Any, mask: Any) -> Any:
    """Return the largest absolute value of a range, as bits, whose order is that of the numbers they mean.

    Without its sign bit (``mask``) an infinity is above all numbers and NaN above it; integers can be compared in vectors.
    """
    largest = int64(0)
    for i in range(uint64(start), uint64(stop)):
        size = bits[i] & mask
        largest = size if size > largest else largest
    return largest


@inner_loop
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


@inner_loop
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
