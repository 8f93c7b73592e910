"""The compiled loops: a whole epoch of steps without returning to Python; docs/engine.md has a picture of the buffers.

One compiled function serves every architecture: sizes, offsets and the addresses of activations, loss and update are numbers in arrays.
A *crew* of threads trains one member at a time. The rows of a batch are divided into blocks, the weights into slices, both by the sizes of the
network alone, and each block and slice is the work of one thread; so the results don't depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, njit, types, uint64

from chainrule._random import MULTIPLIERS, ROUNDS, WEYL, Purpose
from chainrule.engines.native import atomic_add, atomic_load, call_activation, call_loss, call_update, gemm

# Columns of the layers' table.
N_IN, N_OUT, W_AT, B_AT, B_SIZE, ACTIVATION, THRESHOLD, A_AT, Z_AT = range(9)
# Columns of the slices' table: layer, first and last input neuron, whether the bias belongs to it.
LAYER, FIRST, STOP, HAS_BIAS = range(4)
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
    SEPARATE,
    STATES,
    WEIGHTED,
) = range(14)
# Places in an update's numbers; pieces.STEP_NUMBERS names them.
ETA, T, DECAYED, NORM = 0, 1, 7, 4
# Places in a crew's progress.
MEMBER, STEP = 0, 1

_N, _T = ord("N"), ord("T")
_M0, _M1 = np.uint64(MULTIPLIERS[0]), np.uint64(MULTIPLIERS[1])
_W0, _W1 = np.uint64(WEYL[0]), np.uint64(WEYL[1])
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)
_ORDER, _DROPOUT = int(Purpose.ORDER), int(Purpose.DROPOUT)
_SPINS = 2000
_yield_to_others = types.ExternalFunction("sched_yield", types.int32())

_compiled = njit(nogil=True, error_model="numpy", fastmath={"contract"}, cache=True)


@_compiled
def _barrier(state: Any, size: Any) -> None:
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


@_compiled
def _philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Return the four words of a counter; the same function as in `chainrule._random`."""
    for _ in range(ROUNDS):
        first = c0 * _M0
        second = c2 * _M1
        c0, c1, c2, c3 = (
            (second >> _SHIFT) ^ c1 ^ k0,
            second & _LOW,
            (first >> _SHIFT) ^ c3 ^ k1,
            first & _LOW,
        )
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@_compiled
def _shuffle(order: Any, facts: Any, epoch: Any, member: Any) -> None:
    """Fill ``order`` with 0 … n-1, shuffled as `chainrule._random.row_order` shuffles."""
    n = len(order)
    for i in range(n):
        order[i] = i
    k0, k1 = uint64(facts[SEED_LOW]), uint64(facts[SEED_HIGH])
    words = np.empty(4, np.uint64)
    block = (n + 3) // 4
    for i in range(n - 1, 0, -1):
        if i // 4 != block:
            block = i // 4
            words[0], words[1], words[2], words[3] = _philox(
                uint64(block), uint64(_ORDER), uint64(epoch), uint64(member), k0, k1
            )
        j = int64((words[i % 4] * uint64(i + 1)) >> _SHIFT)
        order[i], order[j] = order[j], order[i]


@_compiled
def _drop(
    a: Any, a0: Any, z: Any, z0: Any, row: Any, cols: Any, words: Any, counter: Any, scale: Any
) -> None:
    """Multiply a row's outputs and slopes by its dropout mask; ``counter``: layer, step, member, seed, threshold."""
    c1, c2, c3, k0, k1, threshold = counter
    blocks = (cols + 3) // 4
    for q in range(blocks):
        w0, w1, w2, w3 = _philox(uint64(row * blocks + q), c1, c2, c3, k0, k1)
        words[4 * q] = w0
        words[4 * q + 1] = w1
        words[4 * q + 2] = w2
        words[4 * q + 3] = w3
    for j in range(cols):
        r = scale if words[j] >= threshold else a.dtype.type(0.0)
        a[a0 + j] *= r
        z[z0 + j] *= r


@_compiled
def _forward(
    layers: Any, gemm_at: Any, w: Any, w0: Any, a: Any, z: Any, first: Any, rows: Any, layer: Any
) -> None:
    """Compute z and a of one layer for ``rows`` rows from row ``first`` of the buffers, by the activation's own code."""
    facts = layers[layer]
    n_in, n_out = facts[N_IN], facts[N_OUT]
    z0 = facts[Z_AT] + first * n_out
    b0, b_size = w0 + facts[B_AT], facts[B_SIZE]
    if b_size == n_out:
        for i in range(rows):
            for j in range(n_out):
                z[z0 + i * n_out + j] = w[b0 + j]
    elif b_size == 1:
        for i in range(rows * n_out):
            z[z0 + i] = w[b0]
    beta = 0.0 if b_size == 0 else 1.0
    a0 = facts[A_AT] + first * n_in
    gemm(gemm_at, _N, _N, n_out, rows, n_in, w, w0 + facts[W_AT], n_out, a, a0, n_in, beta, z, z0, n_out)
    call_activation(facts[ACTIVATION], z, z0, a, layers[layer + 1, A_AT] + first * n_out, rows, n_out)


@_compiled
def _backward(
    layers: Any, gemm_at: Any, w: Any, w0: Any, z: Any, delta: Any, first: Any, rows: Any, layer: Any
) -> None:
    """Compute delta of the layer before ``layer``: (delta W^T) · slope."""
    facts = layers[layer]
    n_in, n_out = facts[N_IN], facts[N_OUT]
    d0 = facts[Z_AT] + first * n_out
    p0 = layers[layer - 1, Z_AT] + first * n_in
    w_at = w0 + facts[W_AT]
    gemm(gemm_at, _T, _N, n_in, rows, n_out, w, w_at, n_out, delta, d0, n_out, 0.0, delta, p0, n_in)
    for i in range(rows * n_in):
        delta[p0 + i] *= z[p0 + i]


@_compiled
def _gradient(layers: Any, gemm_at: Any, a: Any, delta: Any, g: Any, rows: Any, piece: Any) -> None:
    """Compute one slice of dC/dW = h^T delta, and dC/db where the bias belongs to the slice."""
    facts = layers[piece[LAYER]]
    n_in, n_out = facts[N_IN], facts[N_OUT]
    first, width = piece[FIRST], piece[STOP] - piece[FIRST]
    d0, a0 = facts[Z_AT], facts[A_AT] + first
    g0 = facts[W_AT] + first * n_out
    gemm(gemm_at, _N, _T, n_out, width, rows, delta, d0, n_out, a, a0, n_in, 0.0, g, g0, n_out)
    if piece[HAS_BIAS]:
        b0 = facts[B_AT]
        if facts[B_SIZE] == 1:
            total = g.dtype.type(0.0)
            for i in range(rows * n_out):
                total += delta[d0 + i]
            g[b0] = total
        else:
            for j in range(n_out):
                g[b0 + j] = delta[d0 + j]
            for i in range(1, rows):
                for j in range(n_out):
                    g[b0 + j] += delta[d0 + i * n_out + j]


@_compiled
def _block(
    layers: Any,
    scales: Any,
    facts: Any,
    x: Any,
    y: Any,
    weights: Any,
    train: Any,
    order: Any,
    at: Any,
    first: Any,
    rows: Any,
    share: Any,
    w: Any,
    w0: Any,
    a: Any,
    z: Any,
    delta: Any,
    targets: Any,
    values: Any,
    words: Any,
    step: Any,
    member: Any,
) -> float:
    """Forward, loss and backward for one block of a batch's rows; return its part of the cost."""
    n_layers = len(layers) - 1
    n_in, n_out = layers[0, N_IN], layers[n_layers - 1, N_OUT]
    for i in range(first, first + rows):
        source = train[order[at + i]]
        for j in range(n_in):
            a[i * n_in + j] = x[source, j]
        for j in range(n_out):
            targets[i * n_out + j] = y[source, j]
    for layer in range(n_layers):
        _forward(layers, facts[GEMM], w, w0, a, z, first, rows, layer)
        threshold = layers[layer, THRESHOLD]
        if threshold:
            cols = layers[layer, N_OUT]
            c1 = uint64(_DROPOUT + 16 * (layer + 1))
            counter = (
                c1,
                uint64(step),
                uint64(member),
                uint64(facts[SEED_LOW]),
                uint64(facts[SEED_HIGH]),
                uint64(threshold),
            )
            for i in range(first, first + rows):
                a0, z0 = layers[layer + 1, A_AT] + i * cols, layers[layer, Z_AT] + i * cols
                _drop(a, a0, z, z0, i, cols, words, counter, a.dtype.type(scales[layer]))
    z0 = layers[n_layers - 1, Z_AT] + first * n_out
    a0 = layers[n_layers, A_AT] + first * n_out
    call_loss(facts[LOSS], z, z0, a, a0, targets, first * n_out, values, first, delta, z0, rows, n_out)
    cost = 0.0
    for i in range(rows):
        of_row = share
        if facts[WEIGHTED]:
            of_row = share * weights[train[order[at + first + i]]]
        cost += values[first + i] * of_row
        for j in range(n_out):
            delta[z0 + i * n_out + j] *= delta.dtype.type(of_row)
    for layer in range(n_layers - 1, 0, -1):
        _backward(layers, facts[GEMM], w, w0, z, delta, first, rows, layer)
    return cost


@_compiled
def _ranges(layers: Any, piece: Any, separate: Any, part: Any) -> Any:
    """Return start, stop and whether it decays, of part 0 (weights) or 1 (bias) of a slice's parameters."""
    facts = layers[piece[LAYER]]
    start = facts[W_AT] + piece[FIRST] * facts[N_OUT]
    stop = facts[W_AT] + piece[STOP] * facts[N_OUT]
    bias = facts[B_SIZE] if piece[HAS_BIAS] else 0
    if not separate:
        # The bias lies behind the last weights, and nothing treats the two differently.
        return (start, stop + bias, 1.0) if part == 0 else (stop, stop, 0.0)
    return (start, stop, 1.0) if part == 0 else (facts[B_AT], facts[B_AT] + bias, 0.0)


@_compiled
def train_steps(
    members: Any,
    thread: Any,
    size: Any,
    state: Any,
    progress: Any,
    most: Any,
    layers: Any,
    scales: Any,
    facts: Any,
    slices: Any,
    bounds: Any,
    x: Any,
    y: Any,
    weights: Any,
    train: Any,
    order: Any,
    w: Any,
    g: Any,
    s: Any,
    free: Any,
    numbers: Any,
    rates: Any,
    epoch: Any,
    a: Any,
    z: Any,
    delta: Any,
    targets: Any,
    values: Any,
    parts: Any,
    squares: Any,
    words: Any,
    costs: Any,
    diverged: Any,
) -> None:
    """Make up to ``most`` steps for the members of one crew, as its thread ``thread`` of ``size``.

    ``progress`` says which member and step come next and is moved on by thread 0; ``costs`` (k,) gathers cost times rows, and
    ``diverged`` (k,) the step in which a cost was not finite, from 1.
    """
    batch, n = facts[BATCH], len(train)
    per_epoch = (n + batch - 1) // batch
    index, step = progress[MEMBER], progress[STEP]
    for _ in range(most):
        if index == len(members):
            break
        member = members[index]
        if step == 0:
            if thread == 0:
                if facts[SHUFFLE]:
                    _shuffle(order, facts, epoch, member)
                else:
                    for i in range(n):
                        order[i] = i
            _barrier(state, size)
        w_row, g_row = w[member], g
        at = step * batch
        rows = min(batch, n - at)
        made = epoch * per_epoch + step
        share = 1.0
        if facts[MEAN]:
            total = 0.0
            if facts[WEIGHTED]:
                for i in range(rows):
                    total += weights[train[order[at + i]]]
            else:
                total = float(rows)
            share = 1.0 / total
        blocks = (rows + facts[BLOCK] - 1) // facts[BLOCK]
        for b in range(thread, blocks, size):
            first = b * facts[BLOCK]
            parts[b] = _block(
                layers,
                scales,
                facts,
                x,
                y,
                weights,
                train,
                order,
                at,
                first,
                min(facts[BLOCK], rows - first),
                share,
                w_row,
                0,
                a,
                z,
                delta,
                targets,
                values,
                words[thread],
                made,
                member,
            )
        _barrier(state, size)
        cost = 0.0
        for b in range(blocks):
            cost += parts[b]
        if not np.isfinite(cost):
            if thread == 0:
                diverged[member] = step + 1
            index, step = index + 1, 0
            _barrier(state, size)
            continue
        mine = numbers[thread]
        mine[ETA] = rates[step]
        mine[T] = made + 1.0
        low, high = bounds[thread], bounds[thread + 1]
        for p in range(low, high):
            _gradient(layers, facts[GEMM], a, delta, g_row, rows, slices[p])
        if facts[CLIPS]:
            _measure(layers, facts, slices, low, high, w_row, g_row, s[member], free, mine, squares)
            _barrier(state, size)
            square = 0.0
            for p in range(len(slices)):
                square += squares[p]
            mine[NORM] = max(np.sqrt(square), mine[3])
        for p in range(low, high):
            for part in range(2):
                start, stop, decayed = _ranges(layers, slices[p], facts[SEPARATE], part)
                if stop > start:
                    mine[DECAYED] = decayed
                    call_update(
                        facts[UPDATE],
                        w_row,
                        start,
                        g_row,
                        start,
                        s[member],
                        start,
                        free,
                        start * (len(free) > 1),
                        mine,
                        0,
                        stop - start,
                        w.shape[1],
                    )
        if thread == 0:
            costs[member] += cost * (rows if facts[MEAN] else 1)
        step += 1
        if step == per_epoch:
            index, step = index + 1, 0
        _barrier(state, size)
    _barrier(state, size)
    if thread == 0:
        progress[MEMBER], progress[STEP] = index, step


@_compiled
def _measure(
    layers: Any,
    facts: Any,
    slices: Any,
    low: Any,
    high: Any,
    w: Any,
    g: Any,
    s: Any,
    free: Any,
    mine: Any,
    squares: Any,
) -> None:
    """Make the gradient ready to be measured (penalties, frozen parameters) and add up its squares slice by slice."""
    for p in range(low, high):
        square = 0.0
        for part in range(2):
            start, stop, decayed = _ranges(layers, slices[p], facts[SEPARATE], part)
            if stop > start:
                mine[DECAYED] = decayed
                call_update(
                    facts[PREPARE],
                    w,
                    start,
                    g,
                    start,
                    s,
                    0,
                    free,
                    start * (len(free) > 1),
                    mine,
                    0,
                    stop - start,
                    0,
                )
                for i in range(start, stop):
                    square += float(g[i]) * float(g[i])
        squares[p] = square


@_compiled
def _load(x: Any, rows_of: Any, start: Any, rows: Any, a: Any) -> None:
    """Copy rows of the table to the first buffer; an empty ``rows_of`` stands for the rows as they lie."""
    n_in = x.shape[1]
    for i in range(rows):
        source = rows_of[start + i] if len(rows_of) else start + i
        for j in range(n_in):
            a[i * n_in + j] = x[source, j]


@_compiled
def outputs_of_rows(
    thread: Any,
    size: Any,
    layers: Any,
    gemm_at: Any,
    w: Any,
    x: Any,
    rows_of: Any,
    block: Any,
    a: Any,
    z: Any,
    out: Any,
) -> None:
    """Write every member's outputs to ``out`` (k, n, n_out), as thread ``thread`` of ``size``, block by block of rows."""
    n_layers = len(layers) - 1
    n, n_out = out.shape[1], layers[n_layers - 1, N_OUT]
    blocks = (n + block - 1) // block
    for task in range(thread, blocks * len(w), size):
        member, start = task // blocks, (task % blocks) * block
        rows = min(block, n - start)
        _load(x, rows_of, start, rows, a)
        for layer in range(n_layers):
            _forward(layers, gemm_at, w[member], 0, a, z, 0, rows, layer)
        a0 = layers[n_layers, A_AT]
        for i in range(rows):
            for j in range(n_out):
                out[member, start + i, j] = a[a0 + i * n_out + j]


@_compiled
def losses_of_rows(
    thread: Any,
    size: Any,
    layers: Any,
    facts: Any,
    w: Any,
    x: Any,
    y: Any,
    weights: Any,
    rows_of: Any,
    block: Any,
    a: Any,
    z: Any,
    delta: Any,
    targets: Any,
    values: Any,
    totals: Any,
) -> None:
    """Write every member's sum of weighted losses of each block of rows to ``totals`` (k, blocks), as one thread of ``size``."""
    n_layers = len(layers) - 1
    n, n_out = len(rows_of), layers[n_layers - 1, N_OUT]
    blocks = (n + block - 1) // block
    z0, a0 = layers[n_layers - 1, Z_AT], layers[n_layers, A_AT]
    for task in range(thread, blocks * len(w), size):
        member, start = task // blocks, (task % blocks) * block
        rows = min(block, n - start)
        _load(x, rows_of, start, rows, a)
        for i in range(rows):
            for j in range(n_out):
                targets[i * n_out + j] = y[rows_of[start + i], j]
        for layer in range(n_layers):
            _forward(layers, facts[GEMM], w[member], 0, a, z, 0, rows, layer)
        call_loss(facts[LOSS], z, z0, a, a0, targets, 0, values, 0, delta, z0, rows, n_out)
        total = 0.0
        for i in range(rows):
            total += values[i] * (weights[rows_of[start + i]] if facts[WEIGHTED] else 1.0)
        totals[member, task % blocks] = total


@_compiled
def mean_output(layers: Any, gemm_at: Any, w: Any, x: Any, a: Any, z: Any, out: Any) -> None:
    """Write the members' mean output for one row ``x`` (d,) to ``out`` (n_out,): the short way, for one row at a time."""
    n_layers = len(layers) - 1
    out[:] = 0.0
    for member in range(len(w)):
        for j in range(len(x)):
            a[j] = x[j]
        for layer in range(n_layers):
            _forward(layers, gemm_at, w[member], 0, a, z, 0, 1, layer)
        a0 = layers[n_layers, A_AT]
        for j in range(len(out)):
            out[j] += a[a0 + j] / len(w)


@_compiled
def whole_gradient(
    layers: Any,
    scales: Any,
    facts: Any,
    slices: Any,
    x: Any,
    y: Any,
    weights: Any,
    train: Any,
    order: Any,
    total: Any,
    w: Any,
    g: Any,
    a: Any,
    z: Any,
    delta: Any,
    targets: Any,
    values: Any,
    words: Any,
    block: Any,
) -> float:
    """Return the cost over all training rows, and add its gradient to ``g``, block by block of rows (for L-BFGS)."""
    n = len(train)
    share = 1.0 / total if facts[MEAN] else 1.0
    cost = 0.0
    piece = np.empty_like(g)
    for at in range(0, n, block):
        rows = min(block, n - at)
        cost += _block(
            layers,
            scales,
            facts,
            x,
            y,
            weights,
            train,
            order,
            at,
            0,
            rows,
            share,
            w,
            0,
            a,
            z,
            delta,
            targets,
            values,
            words,
            0,
            0,
        )
        for p in range(len(slices)):
            _gradient(layers, facts[GEMM], a, delta, piece, rows, slices[p])
        for i in range(len(g)):
            g[i] += piece[i]
    return cost
