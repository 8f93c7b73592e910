"""Compiled loops of one layer: dropout, forward, backward, the gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

from numba import uint64

from chainrule._random import Purpose
from chainrule.engines.cpu.kernels import columns as col
from chainrule.engines.cpu.kernels.compiling import inner_loop
from chainrule.engines.cpu.kernels.loops import philox
from chainrule.engines.cpu.kernels.mixing import gradient_of_mix, mix
from chainrule.engines.cpu.kernels.native import call_activation, copy, gemm
from chainrule.engines.cpu.kernels.stage import path_forward, path_gradient

_N, _T = ord("N"), ord("T")
_DROPOUT = int(Purpose.DROPOUT)


# Measured: where nothing is counted the words are no vector instructions, and a step with dropout takes a third more.
@partial(inner_loop, counts=True)
def _drop(shape: Any, space: Any, layer: Any, first: Any, rows: Any, step: Any, member: Any) -> None:
    """Multiply a layer's outputs and slopes by its dropout mask; ``first``: the block's first row in the batch."""
    cols = shape.layers[layer, col.N_OUT]
    threshold = uint64(shape.layers[layer, col.THRESHOLD])
    c1, c2, c3 = uint64(_DROPOUT + 16 * (layer + 1)), uint64(step), uint64(member)
    k0, k1 = uint64(shape.constants[col.SEED_LOW]), uint64(shape.constants[col.SEED_HIGH])
    one, none = space.a.dtype.type(shape.scales[layer, col.OF_DROPOUT]), space.a.dtype.type(0.0)
    words = space.words
    keeps = shape.layers[layer, col.MIXES] == col.KEPT
    blocks = (cols + 3) // 4
    for row in range(rows):
        for q in range(blocks):
            at = uint64(4 * q)
            w0, w1, w2, w3 = philox(uint64((first + row) * blocks + q), c1, c2, c3, k0, k1)
            words[at] = w0
            words[at + uint64(1)] = w1
            words[at + uint64(2)] = w2
            words[at + uint64(3)] = w3
        a0 = uint64(shape.layers[layer + 1, col.A_AT] + row * cols)
        z0 = uint64(shape.layers[layer, col.Z_AT] + row * cols)
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
    constants = shape.layers[layer]
    n_in, n_out = constants[col.N_IN], constants[col.N_OUT]
    a, z = space.a, space.z
    z0, b0 = constants[col.Z_AT], constants[col.B_AT]
    beta = 1.0
    if constants[col.B_SIZE] == n_out:
        for i in range(rows):
            copy(z, z0 + i * n_out, w, b0, n_out)
    elif constants[col.B_SIZE] == 1:
        for i in range(uint64(rows * n_out)):
            z[uint64(z0) + i] = w[b0]
    else:
        beta = 0.0
    a0, w0, scale = constants[col.A_AT], constants[col.W_AT], shape.scales[layer, col.OF_PRODUCTS]
    at_gemm, to = shape.constants[col.GEMM], shape.layers[layer + 1, col.A_AT]
    gemm(at_gemm, _N, _N, n_out, rows, n_in, scale, w, w0, n_out, a, a0, n_in, beta, z, z0, n_out)
    n_path, s0 = constants[col.PATHS], constants[col.S_OF_PATH]
    if n_path and shape.stage[col.CODES]:
        path_forward(shape, space, w, s0, n_out, z0, rows)
    elif n_path:
        x = space.stage if len(shape.groups) else a
        gemm(at_gemm, _N, _N, n_out, rows, n_path, 1.0, w, s0, n_out, x, 0, n_path, 1.0, z, z0, n_out)
    if constants[col.MIXES] == col.KEPT:
        copy(space.mixed, z0, z, z0, rows * n_out)
    call_activation(constants[col.ACTIVATION], z, z0, a, to, space.scratch, 0, rows, n_out)
    if constants[col.MIXES]:
        mix(shape, space, w, rows, layer)


@inner_loop
def _backward(shape: Any, space: Any, w: Any, g: Any, rows: Any, layer: Any, adds: Any) -> None:
    """Compute delta of the layer before ``layer``, (delta W^T) · slope, and its dC/dalpha; ``adds`` as in `_gradient`."""
    constants = shape.layers[layer]
    n_in, n_out = constants[col.N_IN], constants[col.N_OUT]
    delta, z = space.delta, space.z
    d0, p0 = constants[col.Z_AT], shape.layers[layer - 1, col.Z_AT]
    w0, scale = constants[col.W_AT], shape.scales[layer, col.OF_PRODUCTS]
    at_gemm = shape.constants[col.GEMM]
    gemm(at_gemm, _T, _N, n_in, rows, n_out, scale, w, w0, n_out, delta, d0, n_out, 0.0, delta, p0, n_in)
    at = uint64(p0)
    if shape.layers[layer - 1, col.MIXES]:
        gradient_of_mix(shape, space, g, rows, layer - 1, adds)
    for i in range(uint64(rows * n_in)):
        delta[at + i] *= z[at + i]


@inner_loop
def _gradient(shape: Any, space: Any, g: Any, rows: Any, layer: Any, adds: Any) -> None:
    """Compute a block's part of dC/dW = h^T delta, dC/dS = x^T delta and dC/db of one layer; ``adds``: to what is in ``g``."""
    constants = shape.layers[layer]
    n_in, n_out = constants[col.N_IN], constants[col.N_OUT]
    delta, d0, a0 = space.delta, constants[col.Z_AT], constants[col.A_AT]
    w0, scale = constants[col.W_AT], shape.scales[layer, col.OF_PRODUCTS]
    beta = 1.0 if adds else 0.0
    at_gemm = shape.constants[col.GEMM]
    gemm(at_gemm, _N, _T, n_out, n_in, rows, scale, delta, d0, n_out, space.a, a0, n_in, beta, g, w0, n_out)
    n_path, s0 = constants[col.PATHS], constants[col.S_OF_PATH]
    if n_path and shape.stage[col.CODES]:
        path_gradient(shape, space, g, s0, n_out, d0, rows, adds)
    elif n_path:
        x = space.stage if len(shape.groups) else space.a
        gemm(at_gemm, _N, _T, n_out, n_path, rows, 1.0, delta, d0, n_out, x, 0, n_path, beta, g, s0, n_out)
    if constants[col.B_SIZE] == 1:
        total = g.dtype.type(0.0)
        for i in range(rows * n_out):
            total += delta[d0 + i]
        g[constants[col.B_AT]] = g[constants[col.B_AT]] + total if adds else total
    elif constants[col.B_SIZE]:
        b0 = uint64(constants[col.B_AT])
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
