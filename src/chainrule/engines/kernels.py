"""The compiled loops: a whole epoch of steps without returning to Python.

docs/engine.md has a picture of the buffers.

One compiled function serves every architecture: sizes, offsets and the addresses of activations, loss and
update are numbers in arrays. A *crew* of threads trains one member at a time. The rows of a batch are divided
into blocks, the weights into slices, both by the sizes of the network alone, and each block and slice is the
work of one thread; so the results don't depend on the number of threads.

Indices are unsigned where a loop should become vector instructions, as in `loops`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import uint64

from chainrule._random import Purpose
from chainrule.engines.loops import (
    add_blocks,
    barrier,
    compiled_loop,
    largest,
    load,
    measure,
    norm,
    philox,
    shuffle,
)
from chainrule.engines.native import call_activation, call_loss, call_update, copy, gemm

# Columns of the layers' table.
N_IN, N_OUT, W_AT, B_AT, B_SIZE, ACTIVATION, THRESHOLD, A_AT, Z_AT = range(9)
# Columns of the slices' table: first and last parameter, and 1 for weights, 0 for biases, which don't decay.
START, STOP, DECAYS = range(3)
# Places in the table of numbers that don't change in a run.
(
    BATCH,
    BLOCK,
    MEAN,
    SHUFFLE,
    SEED_LOW,
    SEED_HIGH,
    LOSS,
    UPDATE,
    PREPARE,
    GEMM,
    CLIPS,
    WEIGHTED,
    INFINITE,
    SIZE_BITS,
) = range(14)
# Places in an update's numbers; pieces.STEP_NUMBERS names them.
ETA, T, LIMIT, NORM, DECAYED = 0, 1, 3, 4, 7
# Places in a crew's progress.
MEMBER, STEP = 0, 1


class Shape(NamedTuple):
    """What a network looks like: tables of its layers and slices, 1/(1-p) of each layer's dropout, and the facts of the run."""

    layers: Any
    slices: Any
    scales: Any
    facts: Any


class Rows(NamedTuple):
    """The table: inputs (n, d), targets (n, n_out), weights (n,) or one number, training rows and their order."""

    x: Any
    y: Any
    weights: Any
    train: Any
    order: Any


class State(NamedTuple):
    """What an update changes: parameters (k, p), gradients of blocks (blocks, p), optimizer state (k, states · p).

    ``free`` (p,) is 0 at frozen parameters, or one number where none are; ``w_bits`` and ``g_bits`` are the same
    memory as ``w`` and ``g``, read as integers.
    """

    w: Any
    g: Any
    s: Any
    free: Any
    w_bits: Any
    g_bits: Any


class Space(NamedTuple):
    """The buffers of a crew: a, z and delta of every layer one after the other, and what else a batch needs.

    ``targets`` and ``values`` (losses) have a place for each row of a batch, ``parts`` for each block, ``squares``
    and ``largest`` (gradient and parameter, as bits) for each slice; ``words`` and ``scratch`` for each thread.
    """

    a: Any
    z: Any
    delta: Any
    targets: Any
    values: Any
    parts: Any
    squares: Any
    largest: Any
    words: Any
    scratch: Any


_N, _T = ord("N"), ord("T")
_DROPOUT = int(Purpose.DROPOUT)


@compiled_loop
def _drop(
    shape: Any, space: Any, layer: Any, first: Any, rows: Any, step: Any, member: Any, words: Any
) -> None:
    """Multiply a layer's outputs and slopes by its dropout mask, row by row."""
    cols = shape.layers[layer, N_OUT]
    threshold = uint64(shape.layers[layer, THRESHOLD])
    c1, c2, c3 = uint64(_DROPOUT + 16 * (layer + 1)), uint64(step), uint64(member)
    k0, k1 = uint64(shape.facts[SEED_LOW]), uint64(shape.facts[SEED_HIGH])
    one, none = space.a.dtype.type(shape.scales[layer]), space.a.dtype.type(0.0)
    blocks = (cols + 3) // 4
    for row in range(first, first + rows):
        for q in range(blocks):
            at = uint64(4 * q)
            w0, w1, w2, w3 = philox(uint64(row * blocks + q), c1, c2, c3, k0, k1)
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


@compiled_loop
def _forward(shape: Any, space: Any, w: Any, first: Any, rows: Any, layer: Any, scratch: Any) -> None:
    """Compute z and a of one layer for ``rows`` rows from row ``first`` of the buffers, by the activation's own code."""
    facts = shape.layers[layer]
    n_in, n_out = facts[N_IN], facts[N_OUT]
    a, z = space.a, space.z
    z0, b0 = facts[Z_AT] + first * n_out, facts[B_AT]
    beta = 1.0
    if facts[B_SIZE] == n_out:
        for i in range(rows):
            copy(z, z0 + i * n_out, w, b0, n_out)
    elif facts[B_SIZE] == 1:
        for i in range(uint64(rows * n_out)):
            z[uint64(z0) + i] = w[b0]
    else:
        beta = 0.0
    a0 = facts[A_AT] + first * n_in
    gemm(shape.facts[GEMM], _N, _N, n_out, rows, n_in, w, facts[W_AT], n_out, a, a0, n_in, beta, z, z0, n_out)
    call_activation(
        facts[ACTIVATION], z, z0, a, shape.layers[layer + 1, A_AT] + first * n_out, scratch, 0, rows, n_out
    )


@compiled_loop
def _backward(shape: Any, space: Any, w: Any, first: Any, rows: Any, layer: Any) -> None:
    """Compute delta of the layer before ``layer``: (delta W^T) · slope."""
    facts = shape.layers[layer]
    n_in, n_out = facts[N_IN], facts[N_OUT]
    delta, z = space.delta, space.z
    d0, p0 = facts[Z_AT] + first * n_out, shape.layers[layer - 1, Z_AT] + first * n_in
    gemm(
        shape.facts[GEMM],
        _T,
        _N,
        n_in,
        rows,
        n_out,
        w,
        facts[W_AT],
        n_out,
        delta,
        d0,
        n_out,
        0.0,
        delta,
        p0,
        n_in,
    )
    at = uint64(p0)
    for i in range(uint64(rows * n_in)):
        delta[at + i] *= z[at + i]


@compiled_loop
def _gradient(shape: Any, space: Any, g: Any, first: Any, rows: Any, layer: Any) -> None:
    """Compute a block's part of dC/dW = h^T delta and dC/db of one layer."""
    facts = shape.layers[layer]
    n_in, n_out = facts[N_IN], facts[N_OUT]
    delta, d0, a0 = space.delta, facts[Z_AT] + first * n_out, facts[A_AT] + first * n_in
    gemm(
        shape.facts[GEMM],
        _N,
        _T,
        n_out,
        n_in,
        rows,
        delta,
        d0,
        n_out,
        space.a,
        a0,
        n_in,
        0.0,
        g,
        facts[W_AT],
        n_out,
    )
    if facts[B_SIZE] == 1:
        total = g.dtype.type(0.0)
        for i in range(rows * n_out):
            total += delta[d0 + i]
        g[facts[B_AT]] = total
    elif facts[B_SIZE]:
        b0 = uint64(facts[B_AT])
        for j in range(uint64(n_out)):
            g[b0 + j] = delta[uint64(d0) + j]
        for i in range(1, rows):
            row = uint64(d0 + i * n_out)
            for j in range(uint64(n_out)):
                g[b0 + j] += delta[row + j]


@compiled_loop
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
    thread: Any,
) -> float:
    """Forward, loss and backward for one block of a batch's rows; return its part of the cost."""
    n_layers = len(shape.layers) - 1
    n_out = shape.layers[n_layers - 1, N_OUT]
    scratch = space.scratch[thread]
    for i in range(first, first + rows):
        source = table.train[table.order[at + i]]
        load(table.x, source, space.a, i)
        load(table.y, source, space.targets, i)
    for layer in range(n_layers):
        _forward(shape, space, w, first, rows, layer, scratch)
        if shape.layers[layer, THRESHOLD]:
            _drop(shape, space, layer, first, rows, step, member, space.words[thread])
    _loss(shape, space, first, rows, scratch)
    z0 = uint64(shape.layers[n_layers - 1, Z_AT] + first * n_out)
    cost = 0.0
    if shape.facts[WEIGHTED]:
        for i in range(rows):
            of_row = share * table.weights[table.train[table.order[at + first + i]]]
            cost += space.values[first + i] * of_row
            for j in range(n_out):
                space.delta[z0 + uint64(i * n_out + j)] *= space.delta.dtype.type(of_row)
    else:
        for i in range(rows):
            cost += space.values[first + i]
        cost *= share
        factor = space.delta.dtype.type(share)
        for i in range(uint64(rows * n_out)):
            space.delta[z0 + i] *= factor
    for layer in range(n_layers - 1, -1, -1):
        _gradient(shape, space, g, first, rows, layer)
        if layer:
            _backward(shape, space, w, first, rows, layer)
    return cost


@compiled_loop
def _loss(shape: Any, space: Any, first: Any, rows: Any, scratch: Any) -> None:
    """Compute the loss of each row and delta of the last layer."""
    last = len(shape.layers) - 2
    n_out = shape.layers[last, N_OUT]
    z0, a0 = shape.layers[last, Z_AT] + first * n_out, shape.layers[last + 1, A_AT] + first * n_out
    call_loss(
        shape.facts[LOSS],
        space.z,
        z0,
        space.a,
        a0,
        space.targets,
        first * n_out,
        space.values,
        first,
        space.delta,
        z0,
        scratch,
        0,
        rows,
        n_out,
    )


@compiled_loop
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
    meeting: Any,
    progress: Any,
    most: Any,
    bounds: Any,
    shape: Any,
    table: Any,
    state: Any,
    space: Any,
    numbers: Any,
    rates: Any,
    epoch: Any,
    costs: Any,
    diverged: Any,
    steepest: Any,
) -> None:
    """Make up to ``most`` steps for the members of one crew, as its thread ``thread`` of ``size``.

    ``progress`` says which member and step come next and is moved on by thread 0; ``costs`` (k,) gathers cost
    times weight of rows, ``diverged`` (k,) has the step, from 1, whose cost or update was not finite, and
    ``steepest`` (k,) the largest absolute gradient of the last step that had an update, as bits.
    """
    facts = shape.facts
    batch, n = facts[BATCH], len(table.train)
    per_epoch = (n + batch - 1) // batch
    low, high = bounds[thread], bounds[thread + 1]
    mine = numbers[thread]
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
            barrier(meeting, size)
        at = step * batch
        rows = min(batch, n - at)
        made = epoch * per_epoch + step
        share = total = 1.0
        if facts[MEAN]:
            total = float(rows)
            if facts[WEIGHTED]:
                total = 0.0
                for i in range(rows):
                    total += table.weights[table.train[table.order[at + i]]]
            share = 1.0 / total if total > 0.0 else 0.0
        blocks = (rows + facts[BLOCK] - 1) // facts[BLOCK]
        for b in range(thread, blocks, size):
            first = b * facts[BLOCK]
            many = min(facts[BLOCK], rows - first)
            space.parts[b] = _block(
                shape, table, space, state.w[member], state.g[b], at, first, many, share, made, member, thread
            )
        barrier(meeting, size)
        cost = 0.0
        for b in range(blocks):
            cost += space.parts[b]
        if not np.isfinite(cost):
            if thread == 0:
                diverged[member] = step + 1
            index, step = index + 1, 0
            barrier(meeting, size)
            continue
        mine[ETA] = rates[step]
        mine[T] = made + 1.0
        for p in range(low, high):
            add_blocks(state.g, blocks, shape.slices[p, START], shape.slices[p, STOP])
        if facts[CLIPS]:
            for p in range(low, high):
                _update(facts[PREPARE], state, member, shape.slices[p], mine)
                measure(state.g[0], shape.slices[p, START], shape.slices[p, STOP], space.squares[p])
            barrier(meeting, size)
            mine[NORM] = max(norm(space.squares), mine[LIMIT])
        for p in range(low, high):
            start, stop = shape.slices[p, START], shape.slices[p, STOP]
            space.largest[p, 0] = largest(state.g_bits[0], start, stop, facts[SIZE_BITS])
            _update(facts[UPDATE], state, member, shape.slices[p], mine)
            space.largest[p, 1] = largest(state.w_bits[member], start, stop, facts[SIZE_BITS])
        barrier(meeting, size)
        if thread == 0:
            costs[member] += cost * total
            steepest[member] = 0
        finite = True
        for p in range(len(shape.slices)):
            if thread == 0:
                steepest[member] = max(steepest[member], space.largest[p, 0])
            finite = finite and space.largest[p, 1] < facts[INFINITE]
        step += 1
        if not finite:
            if thread == 0:
                diverged[member] = step
            index, step = index + 1, 0
        elif step == per_epoch:
            index, step = index + 1, 0
    barrier(meeting, size)
    if thread == 0:
        progress[MEMBER], progress[STEP] = index, step


@compiled_loop
def outputs_of_rows(
    thread: Any, size: Any, shape: Any, space: Any, w: Any, x: Any, rows_of: Any, block: Any, out: Any
) -> None:
    """Write every member's outputs to ``out`` (k, n, n_out), block by block of rows, as one thread of ``size``.

    An empty ``rows_of`` stands for all rows of ``x``, in order.
    """
    n_layers = len(shape.layers) - 1
    n, n_out = out.shape[1], out.shape[2]
    blocks = (n + block - 1) // block
    for task in range(thread, blocks * len(w), size):
        member, start = task // blocks, (task % blocks) * block
        rows = min(block, n - start)
        for i in range(rows):
            load(x, rows_of[start + i] if len(rows_of) else start + i, space.a, i)
        for layer in range(n_layers):
            _forward(shape, space, w[member], 0, rows, layer, space.scratch[0])
        a0 = shape.layers[n_layers, A_AT]
        for i in range(rows):
            for j in range(n_out):
                out[member, start + i, j] = space.a[a0 + i * n_out + j]


@compiled_loop
def losses_of_rows(
    thread: Any, size: Any, shape: Any, table: Any, space: Any, w: Any, rows_of: Any, block: Any, totals: Any
) -> None:
    """Write every member's sum of weighted losses of each block of rows to ``totals`` (k, blocks), as one thread of ``size``."""
    n_layers = len(shape.layers) - 1
    n = len(rows_of)
    blocks = (n + block - 1) // block
    for task in range(thread, blocks * len(w), size):
        member, start = task // blocks, (task % blocks) * block
        rows = min(block, n - start)
        for i in range(rows):
            load(table.x, rows_of[start + i], space.a, i)
            load(table.y, rows_of[start + i], space.targets, i)
        for layer in range(n_layers):
            _forward(shape, space, w[member], 0, rows, layer, space.scratch[0])
        _loss(shape, space, 0, rows, space.scratch[0])
        total = 0.0
        for i in range(rows):
            weight = table.weights[rows_of[start + i]] if shape.facts[WEIGHTED] else 1.0
            total += space.values[i] * weight
        totals[member, task % blocks] = total


@compiled_loop
def mean_output(shape: Any, space: Any, w: Any, x: Any, out: Any) -> None:
    """Write the members' mean output for one row ``x`` (d,) to ``out`` (n_out,): the short way, for one row at a time."""
    n_layers = len(shape.layers) - 1
    a0 = shape.layers[n_layers, A_AT]
    for member in range(len(w)):
        for j in range(len(x)):
            space.a[j] = x[j]
        for layer in range(n_layers):
            _forward(shape, space, w[member], 0, 1, layer, space.scratch[0])
        for j in range(len(out)):
            out[j] = (out[j] if member else out.dtype.type(0.0)) + space.a[a0 + j]
    for j in range(len(out)):
        out[j] /= len(w)


@compiled_loop
def whole_gradient(
    shape: Any, table: Any, space: Any, w: Any, g: Any, piece: Any, total: Any, block: Any
) -> float:
    """Return the cost over all training rows, and add its gradient to ``g``, block by block of rows (for L-BFGS)."""
    n = len(table.train)
    share = 1.0 / total if shape.facts[MEAN] else 1.0
    cost = 0.0
    for at in range(0, n, block):
        rows = min(block, n - at)
        cost += _block(shape, table, space, w, piece, at, 0, rows, share, 0, 0, 0)
        for i in range(len(g)):
            g[i] += piece[i]
    return cost
