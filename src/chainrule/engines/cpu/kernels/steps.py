"""The compiled loops: a whole epoch of steps without returning to Python.

docs/engine.md has a picture of the buffers.

One compiled function serves every architecture: sizes, offsets and the addresses of activations, loss and
update are numbers in arrays. A *crew* of threads trains one member at a time. The rows of a batch are divided
into leaves of blocks, the weights into slices, both by the sizes of the network alone, and each leaf and slice
is the work of one thread; so the results don't depend on the number of threads.

Indices are unsigned where a loop should become vector instructions, as in `loops`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from chainrule.engines.cpu.kernels import columns as col
from chainrule.engines.cpu.kernels.compiling import compiled_loop, inner_loop
from chainrule.engines.cpu.kernels.layers import _backward, _drop, _forward, _gradient
from chainrule.engines.cpu.kernels.loops import (
    add_tree,
    barrier,
    largest,
    load_shared,
    measure,
    norm,
    shuffle,
    shuffle_blocks,
)
from chainrule.engines.cpu.kernels.native import atomic_add, atomic_load, call_loss, call_update
from chainrule.engines.cpu.kernels.stage import enter, stage_backward, stage_forward


@inner_loop
def _block(
    shape: Any, table: Any, space: Any, w: Any, g: Any, batch: Any, first: Any, rows: Any, adds: Any
) -> float:
    """Forward, loss and backward for one block of a batch's rows; return its part of the cost."""
    at, share = batch.at, batch.share
    n_layers = len(shape.layers) - 1
    n_out = shape.layers[n_layers - 1, col.N_OUT]
    for i in range(rows):
        source = table.order[at + first + i]
        enter(shape, space, table.x, source, i)
        load_shared(table.y, source, space.targets, i)
    stage_forward(shape, space, w, rows)
    for layer in range(n_layers):
        _forward(shape, space, w, rows, layer)
        if shape.layers[layer, col.THRESHOLD]:
            _drop(shape, space, layer, first, rows, batch.step, batch.member)
    _loss(shape, space, rows)
    z0 = uint64(shape.layers[n_layers - 1, col.Z_AT])
    cost = 0.0
    if shape.constants[col.WEIGHTED]:
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
    thread: Any, size: Any, shape: Any, table: Any, space: Any, exchange: Any, w: Any, g: Any, batch: Any
) -> None:
    """Compute cost and gradient of the leaves of a batch that are this thread's, block by block.

    Where all are to stop, the blocks left are left out, and counted in ``exchange.meeting``.
    """
    block = shape.constants[col.BLOCK]
    leaves = _leaves_of(shape.constants, batch.rows)
    for leaf in range(thread, leaves, size):
        start, stop = _rows_of(shape.constants, batch.rows, leaves, leaf)
        cost = 0.0
        for first in range(start, stop, block):
            if atomic_load(exchange.meeting, col.STOP_WANTED):
                atomic_add(exchange.meeting, col.LEFT_OUT, 1)
                return
            many = min(block, stop - first)
            cost += _block(shape, table, space, w, g[leaf], batch, first, many, first > start)
        exchange.parts[leaf] = cost


@inner_loop
def _leaves_of(constants: Any, rows: Any) -> Any:
    """Return how many leaves a batch has: as many as blocks, up to MOST_LEAVES."""
    if rows <= constants[col.BLOCK]:
        return 1
    return min((rows + constants[col.BLOCK] - 1) // constants[col.BLOCK], constants[col.MOST_LEAVES])


@inner_loop
def _rows_of(constants: Any, rows: Any, leaves: Any, leaf: Any) -> Any:
    """Return the first and the last row of a batch's leaf: of b blocks, i is in leaf floor(i · leaves / b)."""
    if leaves == 1:
        return 0, rows
    block = constants[col.BLOCK]
    blocks = (rows + block - 1) // block
    start, stop = (leaf * blocks + leaves - 1) // leaves, ((leaf + 1) * blocks + leaves - 1) // leaves
    return start * block, min(rows, stop * block)


@inner_loop
def _cost_of(parts: Any, leaves: Any, sums: Any) -> float:
    """Return the sum of the leaves' parts of the cost."""
    for leaf in range(leaves):
        sums[leaf, 0] = parts[leaf]
    add_tree(sums, leaves, int64(0), int64(1))
    return float(sums[0, 0])


@inner_loop
def _loss(shape: Any, space: Any, rows: Any) -> None:
    """Compute the loss of each row and delta of the last layer."""
    last = len(shape.layers) - 2
    n_out = shape.layers[last, col.N_OUT]
    z0, a0 = shape.layers[last, col.Z_AT], shape.layers[last + 1, col.A_AT]
    loss, z, a, y, delta = shape.constants[col.LOSS], space.z, space.a, space.targets, space.delta
    call_loss(loss, z, z0, a, a0, y, 0, space.values, 0, delta, z0, space.scratch, 0, rows, n_out)


@inner_loop
def _update(address: Any, state: Any, member: Any, piece: Any, numbers: Any) -> None:
    """Call an update's code for a slice of a member's parameters."""
    at, count = piece[col.START], piece[col.STOP] - piece[col.START]
    w, g, s, free = state.w[member], state.g[0], state.s[member], state.free
    numbers[col.DECAYED] = float(piece[col.DECAYS])
    call_update(
        address, w, at, g, at, s, at, free, at if len(free) > 1 else 0, numbers, 0, count, state.w.shape[1]
    )


@inner_loop
def _deal(constants: Any, table: Any, order: Any, epoch: Any, member: Any) -> None:
    """Write the rows of a member's epoch to ``order``, as they come."""
    n = len(order)
    k0, k1 = uint64(constants[col.SEED_LOW]), uint64(constants[col.SEED_HIGH])
    if constants[col.ORDER_BLOCK]:
        shuffle_blocks(order, constants[col.ORDER_BLOCK], constants[col.ORDER_MIXED], k0, k1, epoch, member)
    else:
        for i in range(n):
            order[i] = i
        if constants[col.SHUFFLE]:
            # Literals would be types of their own, and the shuffle compiled once more for them.
            none = int64(0)
            shuffle(order, none, n, none, k0, k1, epoch, member)
    line = member if len(table.train) > 1 else 0
    for i in range(n):
        order[i] = table.train[line, order[i]]


@inner_loop
def _weight_of(constants: Any, table: Any, order: Any, at: Any, rows: Any, sums: Any) -> float:
    """Return what a batch's cost is divided by: its rows, their weights (summed as the gradient is), or 1 for a sum."""
    if not constants[col.MEAN]:
        return 1.0
    if not constants[col.WEIGHTED]:
        return float(rows)
    leaves = _leaves_of(constants, rows)
    for leaf in range(leaves):
        start, stop = _rows_of(constants, rows, leaves, leaf)
        total = 0.0
        for i in range(start, stop):
            total += table.weights[order[at + i]]
        sums[leaf, 0] = total
    add_tree(sums, leaves, int64(0), int64(1))
    return float(sums[0, 0])


@inner_loop
def _share_of(constants: Any, total: float) -> float:
    """Return the factor of a row's loss in a batch of so much weight."""
    if not constants[col.MEAN]:
        return 1.0
    return 1.0 / total if total > 0.0 else 0.0


@inner_loop
def _update_slices(
    thread: Any,
    size: Any,
    low: Any,
    high: Any,
    shape: Any,
    state: Any,
    exchange: Any,
    numbers: Any,
    rate: Any,
    row: Any,
    steepest: Any,
) -> bool:
    """Update this thread's slices, ``low`` to ``high``, of a row of parameters; say whether all of it is still finite.

    The gradient is in ``state.g[0]``; ``steepest[row]`` becomes its largest absolute number, as bits.
    """
    constants = shape.constants
    if constants[col.CLIPS]:
        for p in range(low, high):
            _update(constants[col.PREPARE], state, row, shape.slices[p], numbers)
            measure(state.g[0], shape.slices[p, col.START], shape.slices[p, col.STOP], exchange.squares[p])
        barrier(exchange.meeting, size)
        numbers[col.NORM] = max(norm(exchange.squares), numbers[col.LIMIT])
    for p in range(low, high):
        start, stop = shape.slices[p, col.START], shape.slices[p, col.STOP]
        exchange.largest[p, 0] = largest(state.g_bits[0], start, stop, constants[col.SIZE_BITS])
        numbers[col.ETA] = rate * shape.rates[p]
        _update(constants[col.UPDATE], state, row, shape.slices[p], numbers)
        exchange.largest[p, 1] = largest(state.w_bits[row], start, stop, constants[col.SIZE_BITS])
    barrier(exchange.meeting, size)
    if thread == 0:
        steepest[row] = 0
    finite = True
    for p in range(len(shape.slices)):
        if thread == 0:
            steepest[row] = max(steepest[row], exchange.largest[p, 0])
        finite = finite and exchange.largest[p, 1] < constants[col.INFINITE]
    return finite


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
    exchange: Any,
    numbers: Any,
    rates: Any,
    epoch: Any,
    made: Any,
    costs: Any,
    diverged: Any,
    steepest: Any,
) -> None:
    """Make up to ``most`` steps for the members of one crew, as its thread ``thread`` of ``size``.

    The epoch has as many steps as there are ``rates``; ``made`` (k,) steps were made before it. ``exchange.progress``
    says which member and step come next and is moved on by thread 0; ``costs`` (k, 2) gathers cost times weight of
    rows, and that weight; ``diverged`` (k,) has the step, from 1, whose cost or update was not finite, and
    ``steepest`` (k,) the largest absolute gradient of the last step that had an update, as bits.
    """
    constants = shape.constants
    batch, n = constants[col.BATCH], len(table.order)
    meeting, progress = exchange.meeting, exchange.progress
    low, high = bounds[thread], bounds[thread + 1]
    index, step = progress[col.MEMBER], progress[col.STEP]
    for _ in range(most):
        if index == len(members):
            break
        member = members[index]
        if step == 0:
            if thread == 0:
                _deal(constants, table, table.order, epoch, member)
            barrier(meeting, size)
        at = step * batch
        rows = min(batch, n - at)
        before = made[member] + step
        total = _weight_of(constants, table, table.order, at, rows, space.sums)
        own = col.StepRows(at, rows, _share_of(constants, total), before, member)
        _gradients(thread, size, shape, table, space, exchange, state.w[member], state.g, own)
        barrier(meeting, size)
        if atomic_load(meeting, col.LEFT_OUT):
            # Nothing was changed by this step; a run that was stopped like this is not gone on with.
            break
        leaves = _leaves_of(constants, rows)
        cost = _cost_of(exchange.parts, leaves, space.sums)
        if not np.isfinite(cost):
            if thread == 0:
                diverged[member] = step + 1
            index, step = index + 1, 0
            barrier(meeting, size)
            continue
        numbers[col.T] = before + 1.0
        for p in range(low, high):
            add_tree(state.g, leaves, shape.slices[p, col.START], shape.slices[p, col.STOP])
        finite = _update_slices(
            thread, size, low, high, shape, state, exchange, numbers, rates[step], member, steepest
        )
        if thread == 0:
            costs[member, 0] += cost * total
            costs[member, 1] += total
        step += 1
        if not finite:
            if thread == 0:
                diverged[member] = step
            index, step = index + 1, 0
        elif step == len(rates):
            index, step = index + 1, 0
    barrier(meeting, size)
    if thread == 0:
        progress[col.MEMBER], progress[col.STEP] = index, step


@compiled_loop
def whole_gradient(
    thread: Any, size: Any, bounds: Any, shape: Any, table: Any, space: Any, exchange: Any, w: Any, g: Any
) -> None:
    """Compute cost and gradient over all training rows, into ``exchange.parts[0]`` and ``g[0]`` (for L-BFGS)."""
    # A literal 0 would be a type of its own, and all that is called compiled once more for it.
    none, rows, constants = int64(0), len(table.order), shape.constants
    share = _share_of(constants, _weight_of(constants, table, table.order, none, rows, space.sums))
    batch = col.StepRows(none, rows, share, none, none)
    _gradients(thread, size, shape, table, space, exchange, w, g, batch)
    barrier(exchange.meeting, size)
    leaves = _leaves_of(constants, rows)
    for p in range(bounds[thread], bounds[thread + 1]):
        add_tree(g, leaves, shape.slices[p, col.START], shape.slices[p, col.STOP])
    if thread == 0:
        exchange.parts[0] = _cost_of(exchange.parts, leaves, space.sums)
