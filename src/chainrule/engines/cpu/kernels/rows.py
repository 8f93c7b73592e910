"""Compiled loops that only run forward: outputs and losses of given rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba.np.numpy_support import carray

from chainrule.engines.cpu.kernels import columns as col
from chainrule.engines.cpu.kernels.compiling import compiled_loop
from chainrule.engines.cpu.kernels.layers import _forward
from chainrule.engines.cpu.kernels.loops import load_shared
from chainrule.engines.cpu.kernels.native import atomic_load, copy, pointer
from chainrule.engines.cpu.kernels.stage import enter, stage_forward
from chainrule.engines.cpu.kernels.steps import _loss


@compiled_loop
def run_rows(
    thread: Any,
    size: Any,
    stop: Any,
    shape: Any,
    table: Any,
    space: Any,
    w: Any,
    rows_of: Any,
    block: Any,
    out: Any,
    totals: Any,
) -> None:
    """Run every member over rows of ``table.x``, block by block, as one thread of ``size``: for outputs or for losses.

    Where ``totals`` (k, blocks) has lines, each becomes a member's sums of weighted losses of the blocks; else ``out``
    (k, n, n_out) becomes the members' outputs. ``rows_of`` is (1, n), or (k, n) for each member its own; an empty one
    stands for all n rows, in order. It ends early where ``stop`` is not 0.
    """
    n_layers = len(shape.layers) - 1
    for_losses = len(totals) > 0
    n = rows_of.shape[1] if len(rows_of) else len(table.x)
    n_out = shape.layers[n_layers - 1, col.N_OUT]
    blocks = (n + block - 1) // block
    for task in range(thread, blocks * len(w), size):
        if atomic_load(stop, 0):
            return
        member, start = task // blocks, (task % blocks) * block
        rows = min(block, n - start)
        line = member if len(rows_of) > 1 else 0
        for i in range(rows):
            source = rows_of[line, start + i] if len(rows_of) else start + i
            enter(shape, space, table.x, source, i)
            if for_losses:
                load_shared(table.y, source, space.targets, i)
        stage_forward(shape, space, w[member], rows)
        for layer in range(n_layers):
            _forward(shape, space, w[member], rows, layer)
        if for_losses:
            _loss(shape, space, rows)
            total = 0.0
            for i in range(rows):
                weight = table.weights[rows_of[line, start + i]] if shape.constants[col.WEIGHTED] else 1.0
                total += space.values[i] * weight
            totals[member, task % blocks] = total
        else:
            a0 = shape.layers[n_layers, col.A_AT]
            for i in range(rows):
                for j in range(n_out):
                    out[member, start + i, j] = space.a[a0 + i * n_out + j]


_REALS, _WORDS = np.zeros(1), np.zeros(1, np.uint64)


@partial(compiled_loop, counts=True)
def mean_output(bound: Any, x: Any, out: Any) -> None:
    """Write the members' mean output for one row ``x`` (d,) to ``out`` (n_out,): the short way, for one row at a time.

    ``bound`` (11, 3) says where the arrays are: taking each as an argument would take longer than the rest.
    """
    a = carray(pointer(bound[col.AT_A, 0], x), bound[col.AT_A, 1])
    z = carray(pointer(bound[col.AT_Z, 0], x), bound[col.AT_Z, 1])
    scratch = carray(pointer(bound[col.AT_SCRATCH, 0], x), bound[col.AT_SCRATCH, 1])
    words = carray(pointer(bound[col.AT_WORDS, 0], _WORDS), bound[col.AT_WORDS, 1])
    w = carray(pointer(bound[col.AT_W, 0], x), (bound[col.AT_W, 1], bound[col.AT_W, 2]))
    buffer = carray(pointer(bound[col.AT_STAGE_BUFFER, 0], x), bound[col.AT_STAGE_BUFFER, 1])
    layers = carray(
        pointer(bound[col.AT_LAYERS, 0], bound), (bound[col.AT_LAYERS, 1], bound[col.AT_LAYERS, 2])
    )
    scales = carray(
        pointer(bound[col.AT_SCALES, 0], _REALS), (bound[col.AT_SCALES, 1], bound[col.AT_SCALES, 2])
    )
    space = col.Space(a, z, z, z, z, z, words, scratch, buffer, scales)
    rates = carray(pointer(bound[col.AT_SCALES, 0], _REALS), bound[col.AT_SCALES, 1])
    constants = carray(pointer(bound[col.AT_CONSTANTS, 0], bound), bound[col.AT_CONSTANTS, 1])
    groups = carray(
        pointer(bound[col.AT_GROUPS, 0], bound), (bound[col.AT_GROUPS, 1], bound[col.AT_GROUPS, 2])
    )
    stage = carray(pointer(bound[col.AT_STAGE, 0], bound), bound[col.AT_STAGE, 1])
    shape = col.Shape(layers, layers, rates, scales, constants, groups, stage)
    n_layers = len(layers) - 1
    a0 = layers[n_layers, col.A_AT]
    for member in range(len(w)):
        copy(buffer if len(groups) else a, 0, x, 0, len(x))
        stage_forward(shape, space, w[member], 1)
        for layer in range(n_layers):
            _forward(shape, space, w[member], 1, layer)
        for j in range(len(out)):
            out[j] = (out[j] if member else out.dtype.type(0.0)) + a[a0 + j]
    for j in range(len(out)):
        out[j] /= len(w)
