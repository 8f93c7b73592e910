"""The compiled loops of the feature stage: from the inputs to a[0], and from dC/da[0] to the stage's gradients.

The inner loops of a number run over the rows of a block, one cosine at a time, so that they become vector
instructions; cosines are worked out again on the way back, which is faster than fetching them from memory.
`kernels` calls these for networks that have a stage; `equations.features` has the formulas.
"""

from __future__ import annotations

import math
from typing import Any

from numba import extending, types, uint64

from chainrule.engines.cpu.kernels import columns as col
from chainrule.engines.cpu.kernels.compiling import inner_loop
from chainrule.engines.cpu.kernels.loops import load_shared, sum_of, sum_of_products
from chainrule.engines.cpu.kernels.native import gemm
from chainrule.engines.cpu.pieces import math32, math64

_NUMBER, _CATEGORY = col.GROUP_KINDS.index("number"), col.GROUP_KINDS.index("category")
_TURN = 2 * math.pi
_N, _T = ord("N"), ord("T")


def _turn(t):
    """Return cos(2πt) and sin(2πt) in the number's own dtype."""


@extending.overload(_turn, jit_options={"error_model": "numpy", "fastmath": {"contract"}})
def _turn_of(t):
    made = math32.turn if t == types.float32 else math64.turn
    return lambda t: made(t)


@inner_loop
def _scale_of(constants: Any, w: Any, output: Any) -> Any:
    """Return an output's factor in the scaling layer, 1 without one."""
    return w[constants[col.S_AT] + output] if constants[col.S_AT] >= 0 else w.dtype.type(1.0)


@inner_loop
def _add_to_scale(constants: Any, g: Any, output: Any, part: Any) -> None:
    """Add to dC/ds of an output, where there is a scaling layer."""
    if constants[col.S_AT] >= 0:
        g[constants[col.S_AT] + output] += part


@inner_loop
def _column(buffer: Any, to: Any, source: Any, step: Any, rows: Any) -> None:
    """Copy a column of a matrix in the buffer, whose rows are ``step`` numbers, to one place."""
    for i in range(rows):
        buffer[to + i] = buffer[source + i * step]


@inner_loop
def _waves(constants: Any, group: Any, buffer: Any, w: Any, k: Any, rows: Any) -> None:
    """Work out the k-th cosine and the negative sine of a number's rows, side by side in the buffer."""
    size = constants[col.ROWS]
    x0 = uint64(constants[col.COLUMNS_AT])
    u0, v0 = uint64(constants[col.COLUMNS_AT] + size), uint64(constants[col.COLUMNS_AT] + 2 * size)
    f = w[group[col.G_F] + k]
    phase = w.dtype.type(w[group[col.G_PHI] + k] * (1 / _TURN))
    for i in range(uint64(rows)):
        cosine, sine = _turn(f * buffer[x0 + i] + phase)
        buffer[u0 + i] = cosine
        buffer[v0 + i] = -sine


@inner_loop
def _embed(constants: Any, group: Any, space: Any, w: Any, rows: Any) -> None:
    """Write a number and its embedding to a[0]."""
    buffer, a = space.stage, space.a
    size, width, to = constants[col.ROWS], group[col.G_WIDTH], group[col.G_TO]
    columns, u0 = constants[col.COLUMNS_AT], uint64(constants[col.COLUMNS_AT] + size)
    _column(buffer, columns, group[col.G_FROM], constants[col.INPUTS], rows)
    for q in range(width):
        e0 = uint64(columns + (4 + q) * size)
        bias = w[group[col.G_C] + q]
        for i in range(uint64(rows)):
            buffer[e0 + i] = bias
    for k in range(constants[col.WAVES]):
        _waves(constants, group, buffer, w, k, rows)
        for q in range(width):
            e0 = uint64(columns + (4 + q) * size)
            v = w[group[col.G_V] + k * width + q]
            for i in range(uint64(rows)):
                buffer[e0 + i] += v * buffer[u0 + i]
    for q in range(width + 1):
        # The number itself is the first column of all, the embedding begins with the fifth.
        e0 = columns + (3 + q) * size if q else columns
        s = _scale_of(constants, w, to + q)
        for i in range(rows):
            a[i * constants[col.OUTPUTS] + to + q] = s * buffer[e0 + i]


@inner_loop
def _embed_back(constants: Any, group: Any, space: Any, w: Any, g: Any, rows: Any) -> None:
    """Add a number's part to the gradients of f, phi, V, c and s."""
    buffer = space.stage
    size, width, to = constants[col.ROWS], group[col.G_WIDTH], group[col.G_TO]
    x0 = constants[col.COLUMNS_AT]
    u0, v0, du0, e0 = x0 + size, x0 + 2 * size, x0 + 3 * size, x0 + 4 * size
    _column(buffer, x0, group[col.G_FROM], constants[col.INPUTS], rows)
    _column(buffer, u0, constants[col.DA_AT] + to, constants[col.OUTPUTS], rows)
    _add_to_scale(constants, g, to, sum_of_products(buffer, x0, u0, rows))
    for q in range(width):
        _column(buffer, e0 + q * size, constants[col.DA_AT] + to + 1 + q, constants[col.OUTPUTS], rows)
        total = sum_of(buffer, e0 + q * size, rows)
        g[group[col.G_C] + q] += _scale_of(constants, w, to + 1 + q) * total
        _add_to_scale(constants, g, to + 1 + q, w[group[col.G_C] + q] * total)
    for k in range(constants[col.WAVES]):
        _waves(constants, group, buffer, w, k, rows)
        for i in range(uint64(rows)):
            buffer[uint64(du0) + i] = 0.0
        for q in range(width):
            # dC/da, not dC/de, is in the buffer: the scale is put in here, and 1/s is never needed.
            at, da0 = group[col.G_V] + k * width + q, uint64(e0 + q * size)
            s = _scale_of(constants, w, to + 1 + q)
            total = sum_of_products(buffer, u0, e0 + q * size, rows)
            g[at] += s * total
            _add_to_scale(constants, g, to + 1 + q, w[at] * total)
            v = s * w[at]
            for i in range(uint64(rows)):
                buffer[uint64(du0) + i] += v * buffer[da0 + i]
        for i in range(uint64(rows)):
            buffer[uint64(v0) + i] *= buffer[uint64(du0) + i]
        g[group[col.G_PHI] + k] += sum_of(buffer, v0, rows)
        g[group[col.G_F] + k] += g.dtype.type(_TURN) * sum_of_products(buffer, v0, x0, rows)


@inner_loop
def _look_up(constants: Any, group: Any, space: Any, w: Any, rows: Any) -> None:
    """Write a category's embedding to a[0]: the rows of E whose column is not 0."""
    buffer, a = space.stage, space.a
    width, to = group[col.G_WIDTH], group[col.G_TO]
    for i in range(rows):
        a0 = uint64(i * constants[col.OUTPUTS] + to)
        for q in range(uint64(width)):
            a[a0 + q] = 0.0
        x0 = i * constants[col.INPUTS] + group[col.G_FROM]
        if group[col.G_CODED]:
            e0 = uint64(group[col.G_E] + int(buffer[x0]) * width)
            for q in range(uint64(width)):
                a[a0 + q] = w[e0 + q]
        else:
            for level in range(group[col.G_SIZE]):
                x = buffer[x0 + level]
                if x != 0:
                    e0 = uint64(group[col.G_E] + level * width)
                    for q in range(uint64(width)):
                        a[a0 + q] += x * w[e0 + q]
        if constants[col.S_AT] >= 0:
            s0 = uint64(constants[col.S_AT] + to)
            for q in range(uint64(width)):
                a[a0 + q] *= w[s0 + q]


@inner_loop
def _look_up_back(constants: Any, group: Any, space: Any, w: Any, g: Any, rows: Any) -> None:
    """Add a category's part to the gradients of E and s."""
    buffer = space.stage
    width, to = group[col.G_WIDTH], group[col.G_TO]
    scaled = constants[col.S_AT] >= 0
    s0 = uint64(constants[col.S_AT] + to) if scaled else uint64(0)
    for i in range(rows):
        da0 = uint64(constants[col.DA_AT] + i * constants[col.OUTPUTS] + to)
        x0, levels, first = i * constants[col.INPUTS] + group[col.G_FROM], group[col.G_SIZE], 0
        if group[col.G_CODED]:
            first, levels = int(buffer[x0]), int(buffer[x0]) + 1
        for level in range(first, levels):
            x = w.dtype.type(1.0) if group[col.G_CODED] else buffer[x0 + level]
            if x != 0:
                e0 = uint64(group[col.G_E] + level * width)
                if scaled:
                    for q in range(uint64(width)):
                        g[e0 + q] += x * buffer[da0 + q] * w[s0 + q]
                        g[s0 + q] += x * buffer[da0 + q] * w[e0 + q]
                else:
                    for q in range(uint64(width)):
                        g[e0 + q] += x * buffer[da0 + q]


@inner_loop
def path_forward(shape: Any, space: Any, w: Any, s0: Any, n_out: Any, z0: Any, rows: Any) -> None:
    """Add x S to z of the output layer, where groups are held as codes: a code's part is the row of S that it names."""
    at_gemm, x, z, width = shape.constants[col.GEMM], space.stage, space.z, shape.stage[col.INPUTS]
    begin, place, groups = s0, 0, shape.groups
    while place < len(groups):
        source, count = groups[place, col.G_FROM], 0
        if groups[place, col.G_CODED]:
            for i in range(rows):
                row, to = begin + int(x[i * width + source]) * n_out, z0 + i * n_out
                for j in range(n_out):
                    z[to + j] += w[row + j]
            count, place = groups[place, col.G_SIZE], place + 1
        else:
            while place < len(groups) and not groups[place, col.G_CODED]:
                count, place = count + groups[place, col.G_SIZE], place + 1
            gemm(
                at_gemm, _N, _N, n_out, rows, count, 1.0, w, begin, n_out, x, source, width, 1.0, z, z0, n_out
            )
        begin += count * n_out


@inner_loop
def path_gradient(shape: Any, space: Any, g: Any, s0: Any, n_out: Any, d0: Any, rows: Any, adds: Any) -> None:
    """Compute a block's part of dC/dS = x^T delta, where groups are held as codes; ``adds``: to what is in ``g``."""
    at_gemm, x, delta, width = shape.constants[col.GEMM], space.stage, space.delta, shape.stage[col.INPUTS]
    begin, place, groups, beta = s0, 0, shape.groups, 1.0 if adds else 0.0
    while place < len(groups):
        source, count = groups[place, col.G_FROM], 0
        if groups[place, col.G_CODED]:
            count, place = groups[place, col.G_SIZE], place + 1
            if not adds:
                for j in range(uint64(count * n_out)):
                    g[uint64(begin) + j] = 0.0
            for i in range(rows):
                row, of = begin + int(x[i * width + source]) * n_out, d0 + i * n_out
                for j in range(n_out):
                    g[row + j] += delta[of + j]
        else:
            while place < len(groups) and not groups[place, col.G_CODED]:
                count, place = count + groups[place, col.G_SIZE], place + 1
            gemm(
                at_gemm,
                _N,
                _T,
                n_out,
                count,
                rows,
                1.0,
                delta,
                d0,
                n_out,
                x,
                source,
                width,
                beta,
                g,
                begin,
                n_out,
            )
        begin += count * n_out


@inner_loop
def enter(shape: Any, space: Any, x: Any, source: Any, place: Any) -> None:
    """Copy a row of the table to where layer 1 reads it, or to where the stage does if there is one."""
    load_shared(x, source, space.stage if len(shape.groups) else space.a, place)


@inner_loop
def stage_forward(shape: Any, space: Any, w: Any, rows: Any) -> None:
    """Compute a[0] of the rows whose inputs are in the stage's buffer."""
    constants = shape.stage
    for p in range(len(shape.groups)):
        group = shape.groups[p]
        if group[col.G_KIND] == _NUMBER:
            _embed(constants, group, space, w, rows)
        elif group[col.G_KIND] == _CATEGORY:
            _look_up(constants, group, space, w, rows)
        else:
            for j in range(group[col.G_SIZE]):
                s = _scale_of(constants, w, group[col.G_TO] + j)
                for i in range(rows):
                    x = space.stage[i * constants[col.INPUTS] + group[col.G_FROM] + j]
                    space.a[i * constants[col.OUTPUTS] + group[col.G_TO] + j] = s * x


@inner_loop
def stage_backward(shape: Any, space: Any, w: Any, g: Any, rows: Any, adds: Any) -> None:
    """Compute a block's part of the stage's gradients from delta of layer 1; ``adds``: to what is in ``g`` already."""
    constants, first = shape.stage, shape.layers[0]
    if not constants[col.STAGE_SIZE]:
        return
    n_in, n_out = first[col.N_IN], first[col.N_OUT]
    delta, d0, to, gemm_at = space.delta, first[col.Z_AT], constants[col.DA_AT], shape.constants[col.GEMM]
    # dC/da[0] = delta W^T of layer 1, scaled as its products are.
    w0, scale, out = first[col.W_AT], shape.scales[0, col.OF_PRODUCTS], space.stage
    gemm(gemm_at, _T, _N, n_in, rows, n_out, scale, w, w0, n_out, delta, d0, n_out, 0.0, out, to, n_in)
    if not adds:
        for i in range(uint64(constants[col.STAGE_SIZE])):
            g[i] = 0.0
    for p in range(len(shape.groups)):
        group = shape.groups[p]
        if group[col.G_KIND] == _NUMBER:
            _embed_back(constants, group, space, w, g, rows)
        elif group[col.G_KIND] == _CATEGORY:
            _look_up_back(constants, group, space, w, g, rows)
        elif constants[col.S_AT] >= 0:
            s0, buffer = uint64(constants[col.S_AT] + group[col.G_TO]), space.stage
            for i in range(rows):
                x0 = uint64(i * constants[col.INPUTS] + group[col.G_FROM])
                da0 = uint64(constants[col.DA_AT] + i * constants[col.OUTPUTS] + group[col.G_TO])
                for j in range(uint64(group[col.G_SIZE])):
                    g[s0 + j] += buffer[x0 + j] * buffer[da0 + j]
