"""Compiled loops that only run forward: outputs and losses of given rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.np.numpy_support import carray

from chainrule.engines.cpu.kernels import columns as col
from chainrule.engines.cpu.kernels.layers import _forward
from chainrule.engines.cpu.kernels.loops import compiled_loop, inner_loop, load
from chainrule.engines.cpu.kernels.native import atomic_load, copy, pointer
from chainrule.engines.cpu.kernels.stage import enter, stage_forward
from chainrule.engines.cpu.kernels.steps import _loss


@inner_loop
def _run(shape: Any, space: Any, w: Any, rows: Any) -> None:
    """Compute the outputs of the rows in the buffers."""
    stage_forward(shape, space, w, rows)
    for layer in range(len(shape.layers) - 1):
        _forward(shape, space, w, rows, layer)


@compiled_loop
def outputs_of_rows(
    thread: Any,
    size: Any,
    stop: Any,
    shape: Any,
    space: Any,
    w: Any,
    x: Any,
    rows_of: Any,
    block: Any,
    out: Any,
) -> None:
    """Write every member's outputs to ``out`` (k, n, n_out), block by block of rows, as one thread of ``size``.

    ``rows_of`` is (1, n), or (k, n) for each member its own; an empty one stands for all rows of ``x``, in order. It ends
    early where ``stop`` is not 0.
    """
    a0, n, n_out = shape.layers[len(shape.layers) - 1, col.A_AT], out.shape[1], out.shape[2]
    blocks = (n + block - 1) // block
    for task in range(thread, blocks * len(w), size):
        if atomic_load(stop, 0):
            return
        member, start = task // blocks, (task % blocks) * block
        rows = min(block, n - start)
        line = member if len(rows_of) > 1 else 0
        for i in range(rows):
            enter(shape, space, x, rows_of[line, start + i] if len(rows_of) else start + i, i)
        _run(shape, space, w[member], rows)
        for i in range(rows):
            for j in range(n_out):
                out[member, start + i, j] = space.a[a0 + i * n_out + j]


@compiled_loop
def losses_of_rows(
    thread: Any,
    size: Any,
    stop: Any,
    shape: Any,
    table: Any,
    space: Any,
    w: Any,
    rows_of: Any,
    block: Any,
    totals: Any,
) -> None:
    """Write every member's sum of weighted losses of each block of rows to ``totals`` (k, blocks), as one thread of ``size``.

    ``rows_of`` is (1, n), or (k, n) for each member its own. It ends early where ``stop`` is not 0.
    """
    n = rows_of.shape[1]
    blocks = (n + block - 1) // block
    for task in range(thread, blocks * len(w), size):
        if atomic_load(stop, 0):
            return
        member, start = task // blocks, (task % blocks) * block
        rows = min(block, n - start)
        line = member if len(rows_of) > 1 else 0
        for i in range(rows):
            enter(shape, space, table.x, rows_of[line, start + i], i)
            load(table.y, rows_of[line, start + i], space.targets, i)
        _run(shape, space, w[member], rows)
        _loss(shape, space, rows)
        total = 0.0
        for i in range(rows):
            weight = table.weights[rows_of[line, start + i]] if shape.constants[col.WEIGHTED] else 1.0
            total += space.values[i] * weight
        totals[member, task % blocks] = total


_REALS, _WORDS = np.zeros(1), np.zeros(1, np.uint64)


@inner_loop
def _vector(line: Any, like: Any) -> Any:
    """Return the array of ``like``'s dtype that a line of addresses and sizes is about."""
    return carray(pointer(line[0], like), line[1])


@inner_loop
def _matrix(line: Any, like: Any) -> Any:
    """Return the same with two axes."""
    return carray(pointer(line[0], like), (line[1], line[2]))


@compiled_loop
def mean_output(bound: Any, x: Any, out: Any) -> None:
    """Write the members' mean output for one row ``x`` (d,) to ``out`` (n_out,): the short way, for one row at a time.

    ``bound`` (11, 3) says where the arrays are: taking each as an argument would take longer than the rest.
    """
    a, z = _vector(bound[col.AT_A], x), _vector(bound[col.AT_Z], x)
    words, scratch = _vector(bound[col.AT_WORDS], _WORDS), _vector(bound[col.AT_SCRATCH], x)
    w, buffer = _matrix(bound[col.AT_W], x), _vector(bound[col.AT_STAGE_BUFFER], x)
    space = col.Space(a, z, z, z, z, z, words, scratch, buffer)
    layers, scales = _matrix(bound[col.AT_LAYERS], bound), _matrix(bound[col.AT_SCALES], _REALS)
    rates, constants = _vector(bound[col.AT_SCALES], _REALS), _vector(bound[col.AT_CONSTANTS], bound)
    groups, stage = _matrix(bound[col.AT_GROUPS], bound), _vector(bound[col.AT_STAGE], bound)
    shape = col.Shape(layers, layers, rates, scales, constants, groups, stage)
    a0 = layers[len(layers) - 1, col.A_AT]
    for member in range(len(w)):
        copy(buffer if len(groups) else a, 0, x, 0, len(x))
        _run(shape, space, w[member], 1)
        for j in range(len(out)):
            out[j] = (out[j] if member else out.dtype.type(0.0)) + a[a0 + j]
    for j in range(len(out)):
        out[j] /= len(w)
