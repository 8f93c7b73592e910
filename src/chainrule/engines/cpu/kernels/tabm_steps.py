"""The compiled loop of members that share their hidden layers: steps of all members at once, one update for all.

It is `kernels.train_steps` with the members dealt out to the threads inside each step. A member's cost and gradient are
those of an ordinary network, computed by one thread; what is summed over the members is summed by the tree whose leaves
they are, slice by slice: so the results don't depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from chainrule.engines.cpu.kernels import columns as col
from chainrule.engines.cpu.kernels.compiling import compiled_loop, inner_loop
from chainrule.engines.cpu.kernels.loops import add_tree, barrier
from chainrule.engines.cpu.kernels.native import atomic_load, copy
from chainrule.engines.cpu.kernels.steps import _deal, _gradients, _share_of, _update_slices, _weight_of


@inner_loop
def _expand(expansion: Any, theta: Any, member: Any) -> None:
    """Write a member's parameters: W_k = diag(r_k) W diag(s_k), and what is its own."""
    w = expansion.w[member]
    for layer in range(len(expansion.layers)):
        constants = expansion.layers[layer]
        n_in, n_out = constants[col.SHARED_IN], constants[col.SHARED_OUT]
        s0 = uint64(constants[col.S_OF_ALL] + member * n_out)
        for i in range(n_in):
            r = theta[constants[col.R_OF_ALL] + member * n_in + i]
            to = uint64(constants[col.W_OF_MEMBER] + i * n_out)
            source = uint64(constants[col.W_OF_ALL] + i * n_out)
            for j in range(uint64(n_out)):
                w[to + j] = r * theta[source + j] * theta[s0 + j]
    for array in range(len(expansion.own)):
        constants = expansion.own[array]
        size = constants[col.OWN_SIZE]
        copy(w, constants[col.OWN_OF_MEMBER], theta, constants[col.OWN_AT] + member * size, size)
    for array in range(len(expansion.common)):
        constants = expansion.common[array]
        copy(w, constants[col.OWN_OF_MEMBER], theta, constants[col.OWN_AT], constants[col.OWN_SIZE])


@inner_loop
def _fold(expansion: Any, theta: Any, gradient: Any, member: Any) -> None:
    """Write the gradients of a member's scalings and own arrays, and make of dC_k/dW_k its part of dC/dW, in place."""
    g = expansion.g[member, 0]
    share = g.dtype.type(1.0 / len(expansion.w))
    none = g.dtype.type(0.0)
    for layer in range(len(expansion.layers)):
        constants = expansion.layers[layer]
        n_in, n_out = constants[col.SHARED_IN], constants[col.SHARED_OUT]
        r0, s0 = constants[col.R_OF_ALL] + member * n_in, uint64(constants[col.S_OF_ALL] + member * n_out)
        for j in range(uint64(n_out)):
            gradient[s0 + j] = none
        for i in range(n_in):
            at = uint64(constants[col.W_OF_MEMBER] + i * n_out)
            w0 = uint64(constants[col.W_OF_ALL] + i * n_out)
            gradient[r0 + i] = _folded_row(g, at, theta, w0, s0, n_out) * share
            r = theta[r0 + i] * share
            for j in range(uint64(n_out)):
                part = r * g[at + j]
                gradient[s0 + j] += part * theta[w0 + j]
                g[at + j] = part * theta[s0 + j]
    for array in range(len(expansion.own)):
        constants = expansion.own[array]
        at = uint64(constants[col.OWN_OF_MEMBER])
        to = uint64(constants[col.OWN_AT] + member * constants[col.OWN_SIZE])
        for i in range(uint64(constants[col.OWN_SIZE])):
            gradient[to + i] = g[at + i] * share
    for array in range(len(expansion.common)):
        constants = expansion.common[array]
        at = uint64(constants[col.OWN_OF_MEMBER])
        for i in range(uint64(constants[col.OWN_SIZE])):
            g[at + i] *= share


@inner_loop
def _folded_row(g: Any, at: Any, theta: Any, w0: Any, s0: Any, n: Any) -> Any:
    """Return sum over j of G[i,j] W[i,j] s[j] for one i: four sums side by side, since one would wait for itself."""
    a = b = c = d = g.dtype.type(0.0)
    g0, t0, whole = uint64(at), uint64(w0), uint64(n // 4 * 4)
    for j in range(uint64(0), whole, uint64(4)):
        a += g[g0 + j] * theta[t0 + j] * theta[s0 + j]
        q = j + uint64(1)
        b += g[g0 + q] * theta[t0 + q] * theta[s0 + q]
        q = j + uint64(2)
        c += g[g0 + q] * theta[t0 + q] * theta[s0 + q]
        q = j + uint64(3)
        d += g[g0 + q] * theta[t0 + q] * theta[s0 + q]
    for j in range(whole, uint64(n)):
        a += g[g0 + j] * theta[t0 + j] * theta[s0 + j]
    return (a + b) + (c + d)


@inner_loop
def _add_members(expansion: Any, gradient: Any, start: Any, stop: Any) -> None:
    """Sum all members' parts of what they share, as far as it lies in a range of theta."""
    for layer in range(len(expansion.layers)):
        constants = expansion.layers[layer]
        size = constants[col.SHARED_IN] * constants[col.SHARED_OUT]
        _add_array(
            expansion, gradient, start, stop, constants[col.W_OF_MEMBER], constants[col.W_OF_ALL], size
        )
    for array in range(len(expansion.common)):
        constants = expansion.common[array]
        at, of_all = constants[col.OWN_OF_MEMBER], constants[col.OWN_AT]
        _add_array(expansion, gradient, start, stop, at, of_all, constants[col.OWN_SIZE])


@inner_loop
def _add_array(
    expansion: Any, gradient: Any, start: Any, stop: Any, of_member: Any, of_all: Any, size: Any
) -> None:
    first = max(start, of_all)
    count = min(stop, of_all + size) - first
    if count > 0:
        at = of_member + first - of_all
        add_tree(expansion.lines, len(expansion.lines), at, at + count)
        copy(gradient, first, expansion.lines, at, count)


@inner_loop
def _member_step(
    shape: Any,
    table: Any,
    expansion: Any,
    state: Any,
    space: Any,
    exchange: Any,
    step: Any,
    before: Any,
    epoch: Any,
    member: Any,
    costs: Any,
) -> None:
    """Compute a member's cost and gradient on its own batch of a step, and fold the gradient."""
    constants = shape.constants
    order = expansion.orders[member]
    n = len(order)
    if step == 0:
        _deal(constants, table, order, epoch, member)
    at = step * constants[col.BATCH]
    rows = min(constants[col.BATCH], n - at)
    total = _weight_of(constants, table, order, at, rows, space.sums)
    share = _share_of(constants, total)
    own = col.RowTable(table.x, table.y, table.weights, table.train, order)
    alone = col.Exchange(
        exchange.parts[member], exchange.squares, exchange.largest, exchange.meeting, exchange.progress
    )
    # Literals would be types of their own, and all that is called compiled once more for them.
    thread, size = int64(0), int64(1)
    w, g = expansion.w[member], expansion.g[member]
    _gradients(thread, size, shape, own, space, alone, w, g, col.StepRows(at, rows, share, before, member))
    costs[member, 0] += exchange.parts[member, 0] * total
    costs[member, 1] += total
    _fold(expansion, state.w[0], state.g[0], member)


@compiled_loop
def train_tabm_steps(
    expansion: Any,
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
    """Make up to ``most`` steps of all members, as thread ``thread`` of ``size``.

    The epoch has as many steps as there are ``rates``; ``made`` (1,) steps were made before it. ``exchange.progress``
    says which step comes next and is moved on by thread 0; ``exchange.parts`` (k, 1) are the members' costs of a step,
    and ``costs`` (k, 2) gathers cost times weight of rows, and that weight. ``diverged`` (1,) is the step, from 1, whose
    cost or update was not finite; ``steepest`` (1,) the largest absolute gradient of the last step that had an update, as
    bits.
    """
    meeting, progress = exchange.meeting, exchange.progress
    low, high = bounds[thread], bounds[thread + 1]
    step = progress[col.STEP]
    for _ in range(most):
        if step == len(rates):
            break
        before = made[0] + step
        for member in range(thread, len(expansion.w), size):
            _member_step(shape, table, expansion, state, space, exchange, step, before, epoch, member, costs)
        barrier(meeting, size)
        if atomic_load(meeting, col.LEFT_OUT):
            # Nothing was changed by this step; a run that was stopped like this is not gone on with.
            break
        finite = True
        for member in range(len(expansion.w)):
            finite = finite and np.isfinite(exchange.parts[member, 0])
        if not finite:
            if thread == 0:
                diverged[0] = step + 1
            step = len(rates)
            break
        numbers[col.T] = before + 1.0
        for p in range(low, high):
            _add_members(expansion, state.g[0], shape.slices[p, col.START], shape.slices[p, col.STOP])
        # A literal 0 would be a type of its own, and all that is called compiled once more for it.
        none = int64(0)
        finite = _update_slices(
            thread, size, low, high, shape, state, exchange, numbers, rates[step], none, steepest
        )
        for member in range(thread, len(expansion.w), size):
            _expand(expansion, state.w[0], member)
        step += 1
        if not finite:
            if thread == 0:
                diverged[0] = step
            step = len(rates)
    barrier(meeting, size)
    if thread == 0:
        progress[col.STEP] = step
