"""The compiled loops: a whole epoch of steps without returning to Python.

docs/engine.md has a picture of the buffers.

One compiled function serves every architecture: sizes, offsets and the addresses of activations, loss and
update are numbers in arrays. A *crew* of threads trains one member at a time. The rows of a batch are divided
into groups of blocks, the weights into slices, both by the sizes of the network alone, and each group and slice
is the work of one thread; so the results don't depend on the number of threads.

Indices are unsigned where a loop should become vector instructions, as in `loops`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64
from numba.np.numpy_support import carray

from chainrule._random import Purpose
from chainrule.engines.loops import (
    add_blocks,
    barrier,
    compiled_loop,
    inner_loop,
    largest,
    load,
    measure,
    norm,
    philox,
    shuffle,
)
from chainrule.engines.mixing import gradient_of_mix, mix
from chainrule.engines.native import (
    atomic_add,
    atomic_load,
    call_activation,
    call_loss,
    call_update,
    copy,
    gemm,
    pointer,
)
from chainrule.engines.places import (
    A_AT,
    ACTIVATION,
    AT_A,
    AT_FACTS,
    AT_GROUPS,
    AT_LAYERS,
    AT_SCALES,
    AT_SCRATCH,
    AT_STAGE,
    AT_STAGE_BUFFER,
    AT_W,
    AT_WORDS,
    AT_Z,
    B_AT,
    B_SIZE,
    BATCH,
    BLOCK,
    CLIPS,
    DECAYED,
    DECAYS,
    ETA,
    GEMM,
    GROUP,
    INFINITE,
    KEPT,
    LEFT_OUT,
    LIMIT,
    LOSS,
    MEAN,
    MEMBER,
    MIXES,
    N_IN,
    N_OUT,
    NORM,
    OF_DROPOUT,
    OF_PRODUCTS,
    PREPARE,
    SEED_HIGH,
    SEED_LOW,
    SHUFFLE,
    SIZE_BITS,
    START,
    STEP,
    STOP,
    STOP_WANTED,
    THRESHOLD,
    UPDATE,
    W_AT,
    WEIGHTED,
    Z_AT,
    Shape,
    Space,
    T,
)
from chainrule.engines.stage import enter, stage_backward, stage_forward

_N, _T = ord("N"), ord("T")
_DROPOUT = int(Purpose.DROPOUT)


@inner_loop
def _drop(shape: Any, space: Any, layer: Any, first: Any, rows: Any, step: Any, member: Any) -> None:
    """Multiply a layer's outputs and slopes by its dropout mask; ``first``: the block's first row in the batch."""
    cols = shape.layers[layer, N_OUT]
    threshold = uint64(shape.layers[layer, THRESHOLD])
    c1, c2, c3 = uint64(_DROPOUT + 16 * (layer + 1)), uint64(step), uint64(member)
    k0, k1 = uint64(shape.facts[SEED_LOW]), uint64(shape.facts[SEED_HIGH])
    one, none = space.a.dtype.type(shape.scales[layer, OF_DROPOUT]), space.a.dtype.type(0.0)
    words = space.words
    keeps = shape.layers[layer, MIXES] == KEPT
    blocks = (cols + 3) // 4
    for row in range(rows):
        for q in range(blocks):
            at = uint64(4 * q)
            w0, w1, w2, w3 = philox(uint64((first + row) * blocks + q), c1, c2, c3, k0, k1)
            words[at] = w0
            words[at + uint64(1)] = w1
            words[at + uint64(2)] = w2
            words[at + uint64(3)] = w3
        a0 = uint64(shape.layers[layer + 1, A_AT] + row * cols)
        z0 = uint64(shape.layers[layer, Z_AT] + row * cols)
        for j in range(uint64(cols)):
            r = one if words[j] >= threshold else none
            space.a[a0 + j] *= r
            space.z[z0 + j] *= r
        if keeps:
            for j in range(uint64(cols)):
                space.mixed[z0 + j] *= one if words[j] >= threshold else none


@inner_loop
def _forward(shape: Any, space: Any, w: Any, rows: Any, layer: Any) -> None:
    """Compute z and a of one layer for the ``rows`` rows in the buffers, by the activation's own code."""
    facts = shape.layers[layer]
    n_in, n_out = facts[N_IN], facts[N_OUT]
    a, z = space.a, space.z
    z0, b0 = facts[Z_AT], facts[B_AT]
    beta = 1.0
    if facts[B_SIZE] == n_out:
        for i in range(rows):
            copy(z, z0 + i * n_out, w, b0, n_out)
    elif facts[B_SIZE] == 1:
        for i in range(uint64(rows * n_out)):
            z[uint64(z0) + i] = w[b0]
    else:
        beta = 0.0
    a0, w0, scale = facts[A_AT], facts[W_AT], shape.scales[layer, OF_PRODUCTS]
    gemm(shape.facts[GEMM], _N, _N, n_out, rows, n_in, scale, w, w0, n_out, a, a0, n_in, beta, z, z0, n_out)
    if facts[MIXES] == KEPT:
        copy(space.mixed, z0, z, z0, rows * n_out)
    call_activation(facts[ACTIVATION], z, z0, a, shape.layers[layer + 1, A_AT], space.scratch, 0, rows, n_out)
    if facts[MIXES]:
        mix(shape, space, w, rows, layer)


@inner_loop
def _backward(shape: Any, space: Any, w: Any, g: Any, rows: Any, layer: Any, adds: Any) -> None:
    """Compute delta of the layer before ``layer``, (delta W^T) · slope, and its dC/dalpha; ``adds`` as in `_gradient`."""
    facts = shape.layers[layer]
    n_in, n_out = facts[N_IN], facts[N_OUT]
    delta, z = space.delta, space.z
    d0, p0 = facts[Z_AT], shape.layers[layer - 1, Z_AT]
    w0, scale = facts[W_AT], shape.scales[layer, OF_PRODUCTS]
    at_gemm = shape.facts[GEMM]
    gemm(at_gemm, _T, _N, n_in, rows, n_out, scale, w, w0, n_out, delta, d0, n_out, 0.0, delta, p0, n_in)
    at = uint64(p0)
    if shape.layers[layer - 1, MIXES]:
        gradient_of_mix(shape, space, g, rows, layer - 1, adds)
    for i in range(uint64(rows * n_in)):
        delta[at + i] *= z[at + i]


@inner_loop
def _gradient(shape: Any, space: Any, g: Any, rows: Any, layer: Any, adds: Any) -> None:
    """Compute a block's part of dC/dW = h^T delta and dC/db of one layer; ``adds``: to what is in ``g`` already."""
    facts = shape.layers[layer]
    n_in, n_out = facts[N_IN], facts[N_OUT]
    delta, d0, a0 = space.delta, facts[Z_AT], facts[A_AT]
    w0, scale = facts[W_AT], shape.scales[layer, OF_PRODUCTS]
    beta = 1.0 if adds else 0.0
    at_gemm = shape.facts[GEMM]
    gemm(at_gemm, _N, _T, n_out, n_in, rows, scale, delta, d0, n_out, space.a, a0, n_in, beta, g, w0, n_out)
    if facts[B_SIZE] == 1:
        total = g.dtype.type(0.0)
        for i in range(rows * n_out):
            total += delta[d0 + i]
        g[facts[B_AT]] = g[facts[B_AT]] + total if adds else total
    elif facts[B_SIZE]:
        b0 = uint64(facts[B_AT])
        if adds:
            for j in range(uint64(n_out)):
                g[b0 + j] += delta[uint64(d0) + j]
        else:
            for j in range(uint64(n_out)):
                g[b0 + j] = delta[uint64(d0) + j]
        for i in range(1, rows):
            row = uint64(d0 + i * n_out)
            for j in range(uint64(n_out)):
                g[b0 + j] += delta[row + j]


@inner_loop
def _block(
    shape: Any,
    table: Any,
    space: Any,
    w: Any,
    g: Any,
    at: Any,
    first: Any,
    rows: Any,
    share: Any,
    step: Any,
    member: Any,
    adds: Any,
) -> float:
    """Forward, loss and backward for one block of a batch's rows; return its part of the cost."""
    n_layers = len(shape.layers) - 1
    n_out = shape.layers[n_layers - 1, N_OUT]
    for i in range(rows):
        source = table.order[at + first + i]
        enter(shape, space, table.x, source, i)
        load(table.y, source, space.targets, i)
    stage_forward(shape, space, w, rows)
    for layer in range(n_layers):
        _forward(shape, space, w, rows, layer)
        if shape.layers[layer, THRESHOLD]:
            _drop(shape, space, layer, first, rows, step, member)
    _loss(shape, space, rows)
    z0 = uint64(shape.layers[n_layers - 1, Z_AT])
    cost = 0.0
    if shape.facts[WEIGHTED]:
        for i in range(rows):
            of_row = share * table.weights[table.order[at + first + i]]
            cost += space.values[i] * of_row
            for j in range(n_out):
                space.delta[z0 + uint64(i * n_out + j)] *= space.delta.dtype.type(of_row)
    else:
        for i in range(rows):
            cost += space.values[i]
        cost *= share
        factor = space.delta.dtype.type(share)
        for i in range(uint64(rows * n_out)):
            space.delta[z0 + i] *= factor
    for layer in range(n_layers - 1, -1, -1):
        _gradient(shape, space, g, rows, layer, adds)
        if layer:
            _backward(shape, space, w, g, rows, layer, adds)
    stage_backward(shape, space, w, g, rows, adds)
    return cost


@inner_loop
def _gradients(
    thread: Any,
    size: Any,
    shape: Any,
    table: Any,
    space: Any,
    shared: Any,
    w: Any,
    g: Any,
    at: Any,
    rows: Any,
    share: Any,
    step: Any,
    member: Any,
) -> None:
    """Compute cost and gradient of the groups of a batch that are this thread's, block by block.

    Where all are to stop, the blocks left are left out, and counted in ``shared.meeting``.
    """
    block, group = shape.facts[BLOCK], shape.facts[GROUP]
    for index in range(thread, (rows + group - 1) // group, size):
        start = index * group
        stop = min(rows, start + group)
        cost = 0.0
        for first in range(start, stop, block):
            if atomic_load(shared.meeting, STOP_WANTED):
                atomic_add(shared.meeting, LEFT_OUT, 1)
                return
            many = min(block, stop - first)
            cost += _block(
                shape, table, space, w, g[index], at, first, many, share, step, member, first > start
            )
        shared.parts[index] = cost


@inner_loop
def _loss(shape: Any, space: Any, rows: Any) -> None:
    """Compute the loss of each row and delta of the last layer."""
    last = len(shape.layers) - 2
    n_out = shape.layers[last, N_OUT]
    z0, a0 = shape.layers[last, Z_AT], shape.layers[last + 1, A_AT]
    call_loss(
        shape.facts[LOSS],
        space.z,
        z0,
        space.a,
        a0,
        space.targets,
        0,
        space.values,
        0,
        space.delta,
        z0,
        space.scratch,
        0,
        rows,
        n_out,
    )


@inner_loop
def _update(address: Any, state: Any, member: Any, piece: Any, numbers: Any) -> None:
    """Call an update's code for a slice of a member's parameters."""
    start = piece[START]
    numbers[DECAYED] = float(piece[DECAYS])
    call_update(
        address,
        state.w[member],
        start,
        state.g[0],
        start,
        state.s[member],
        start,
        state.free,
        start if len(state.free) > 1 else 0,
        numbers,
        0,
        piece[STOP] - start,
        state.w.shape[1],
    )


@compiled_loop
def train_steps(
    members: Any,
    thread: Any,
    size: Any,
    most: Any,
    bounds: Any,
    shape: Any,
    table: Any,
    state: Any,
    space: Any,
    shared: Any,
    numbers: Any,
    rates: Any,
    epoch: Any,
    made: Any,
    costs: Any,
    diverged: Any,
    steepest: Any,
) -> None:
    """Make up to ``most`` steps for the members of one crew, as its thread ``thread`` of ``size``.

    The epoch has as many steps as there are ``rates``; ``made`` (k,) steps were made before it. ``shared.progress``
    says which member and step come next and is moved on by thread 0; ``costs`` (k, 2) gathers cost times weight of
    rows, and that weight; ``diverged`` (k,) has the step, from 1, whose cost or update was not finite, and
    ``steepest`` (k,) the largest absolute gradient of the last step that had an update, as bits.
    """
    facts = shape.facts
    batch, n = facts[BATCH], len(table.order)
    meeting, progress = shared.meeting, shared.progress
    low, high = bounds[thread], bounds[thread + 1]
    index, step = progress[MEMBER], progress[STEP]
    for _ in range(most):
        if index == len(members):
            break
        member = members[index]
        if step == 0:
            if thread == 0:
                if facts[SHUFFLE]:
                    shuffle(table.order, uint64(facts[SEED_LOW]), uint64(facts[SEED_HIGH]), epoch, member)
                else:
                    for i in range(n):
                        table.order[i] = i
                line = member if len(table.train) > 1 else 0
                for i in range(n):
                    table.order[i] = table.train[line, table.order[i]]
            barrier(meeting, size)
        at = step * batch
        rows = min(batch, n - at)
        before = made[member] + step
        share = total = 1.0
        if facts[MEAN]:
            total = float(rows)
            if facts[WEIGHTED]:
                total = 0.0
                for i in range(rows):
                    total += table.weights[table.order[at + i]]
            share = 1.0 / total if total > 0.0 else 0.0
        _gradients(
            thread,
            size,
            shape,
            table,
            space,
            shared,
            state.w[member],
            state.g,
            at,
            rows,
            share,
            before,
            member,
        )
        barrier(meeting, size)
        if atomic_load(meeting, LEFT_OUT):
            # Nothing was changed by this step; a run that was stopped like this is not gone on with.
            break
        groups = (rows + facts[GROUP] - 1) // facts[GROUP]
        cost = 0.0
        for b in range(groups):
            cost += shared.parts[b]
        if not np.isfinite(cost):
            if thread == 0:
                diverged[member] = step + 1
            index, step = index + 1, 0
            barrier(meeting, size)
            continue
        numbers[T] = before + 1.0
        for p in range(low, high):
            add_blocks(state.g, groups, shape.slices[p, START], shape.slices[p, STOP])
        if facts[CLIPS]:
            for p in range(low, high):
                _update(facts[PREPARE], state, member, shape.slices[p], numbers)
                measure(state.g[0], shape.slices[p, START], shape.slices[p, STOP], shared.squares[p])
            barrier(meeting, size)
            numbers[NORM] = max(norm(shared.squares), numbers[LIMIT])
        for p in range(low, high):
            start, stop = shape.slices[p, START], shape.slices[p, STOP]
            shared.largest[p, 0] = largest(state.g_bits[0], start, stop, facts[SIZE_BITS])
            numbers[ETA] = rates[step] * shape.rates[p]
            _update(facts[UPDATE], state, member, shape.slices[p], numbers)
            shared.largest[p, 1] = largest(state.w_bits[member], start, stop, facts[SIZE_BITS])
        barrier(meeting, size)
        if thread == 0:
            costs[member, 0] += cost * total
            costs[member, 1] += total
            steepest[member] = 0
        finite = True
        for p in range(len(shape.slices)):
            if thread == 0:
                steepest[member] = max(steepest[member], shared.largest[p, 0])
            finite = finite and shared.largest[p, 1] < facts[INFINITE]
        step += 1
        if not finite:
            if thread == 0:
                diverged[member] = step
            index, step = index + 1, 0
        elif step == len(rates):
            index, step = index + 1, 0
    barrier(meeting, size)
    if thread == 0:
        progress[MEMBER], progress[STEP] = index, step


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
    n_layers = len(shape.layers) - 1
    n, n_out = out.shape[1], out.shape[2]
    blocks = (n + block - 1) // block
    for task in range(thread, blocks * len(w), size):
        if atomic_load(stop, 0):
            return
        member, start = task // blocks, (task % blocks) * block
        rows = min(block, n - start)
        line = member if len(rows_of) > 1 else 0
        for i in range(rows):
            enter(shape, space, x, rows_of[line, start + i] if len(rows_of) else start + i, i)
        stage_forward(shape, space, w[member], rows)
        for layer in range(n_layers):
            _forward(shape, space, w[member], rows, layer)
        a0 = shape.layers[n_layers, A_AT]
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
    n_layers = len(shape.layers) - 1
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
        stage_forward(shape, space, w[member], rows)
        for layer in range(n_layers):
            _forward(shape, space, w[member], rows, layer)
        _loss(shape, space, rows)
        total = 0.0
        for i in range(rows):
            weight = table.weights[rows_of[line, start + i]] if shape.facts[WEIGHTED] else 1.0
            total += space.values[i] * weight
        totals[member, task % blocks] = total


_REALS, _WORDS = np.zeros(1), np.zeros(1, np.uint64)


@compiled_loop
def mean_output(bound: Any, x: Any, out: Any) -> None:
    """Write the members' mean output for one row ``x`` (d,) to ``out`` (n_out,): the short way, for one row at a time.

    ``bound`` (11, 3) says where the arrays are: taking each as an argument would take longer than the rest.
    """
    a = carray(pointer(bound[AT_A, 0], x), bound[AT_A, 1])
    z = carray(pointer(bound[AT_Z, 0], x), bound[AT_Z, 1])
    scratch = carray(pointer(bound[AT_SCRATCH, 0], x), bound[AT_SCRATCH, 1])
    words = carray(pointer(bound[AT_WORDS, 0], _WORDS), bound[AT_WORDS, 1])
    w = carray(pointer(bound[AT_W, 0], x), (bound[AT_W, 1], bound[AT_W, 2]))
    buffer = carray(pointer(bound[AT_STAGE_BUFFER, 0], x), bound[AT_STAGE_BUFFER, 1])
    space = Space(a, z, z, z, z, z, words, scratch, buffer)
    layers = carray(pointer(bound[AT_LAYERS, 0], bound), (bound[AT_LAYERS, 1], bound[AT_LAYERS, 2]))
    scales = carray(pointer(bound[AT_SCALES, 0], _REALS), (bound[AT_SCALES, 1], bound[AT_SCALES, 2]))
    rates = carray(pointer(bound[AT_SCALES, 0], _REALS), bound[AT_SCALES, 1])
    facts = carray(pointer(bound[AT_FACTS, 0], bound), bound[AT_FACTS, 1])
    groups = carray(pointer(bound[AT_GROUPS, 0], bound), (bound[AT_GROUPS, 1], bound[AT_GROUPS, 2]))
    stage = carray(pointer(bound[AT_STAGE, 0], bound), bound[AT_STAGE, 1])
    shape = Shape(layers, layers, rates, scales, facts, groups, stage)
    n_layers = len(layers) - 1
    a0 = layers[n_layers, A_AT]
    for member in range(len(w)):
        copy(buffer if len(groups) else a, 0, x, 0, len(x))
        stage_forward(shape, space, w[member], 1)
        for layer in range(n_layers):
            _forward(shape, space, w[member], 1, layer)
        for j in range(len(out)):
            out[j] = (out[j] if member else out.dtype.type(0.0)) + a[a0 + j]
    for j in range(len(out)):
        out[j] /= len(w)


@compiled_loop
def whole_gradient(
    thread: Any, size: Any, shape: Any, table: Any, space: Any, shared: Any, w: Any, g: Any, share: Any
) -> None:
    """Compute cost and gradient over all training rows, a line of ``g`` for each group of rows (for L-BFGS)."""
    # A literal 0 would be a type of its own, and all that is called compiled once more for it.
    none = int64(0)
    _gradients(thread, size, shape, table, space, shared, w, g, none, len(table.order), share, none, none)
