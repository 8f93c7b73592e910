"""The learned mix of an activation with its z, forward and back: loops over the buffers that `kernels` fills."""

from __future__ import annotations

from typing import Any

from numba import uint64

from chainrule.engines.cpu.kernels import columns as col
from chainrule.engines.cpu.kernels.compiling import inner_loop


@inner_loop
def mix(shape: Any, space: Any, w: Any, rows: Any, layer: Any) -> None:
    """Make a = z + alpha (f(z) - z) of a layer's f(z).

    Where it is kept for the way back, ``space.mixed`` holds z and then f(z) - z, and ``space.z`` the slope of f and
    then that of the mix, 1 + alpha (f'(z) - 1).
    """
    constants = shape.layers[layer]
    n_out, alpha = constants[col.N_OUT], uint64(constants[col.ALPHA_AT])
    one = w.dtype.type(1.0)
    a, z, mixed = space.a, space.z, space.mixed
    for i in range(rows):
        a0 = uint64(shape.layers[layer + 1, col.A_AT] + i * n_out)
        z0 = uint64(constants[col.Z_AT] + i * n_out)
        if constants[col.MIXES] == col.KEPT:
            for j in range(uint64(n_out)):
                own = mixed[z0 + j]
                part = a[a0 + j] - own
                a[a0 + j] = own + w[alpha + j] * part
                z[z0 + j] = one + w[alpha + j] * (z[z0 + j] - one)
                mixed[z0 + j] = part
        else:
            for j in range(uint64(n_out)):
                a[a0 + j] = z[z0 + j] + w[alpha + j] * (a[a0 + j] - z[z0 + j])


@inner_loop
def gradient_of_mix(shape: Any, space: Any, g: Any, rows: Any, layer: Any, adds: Any) -> None:
    """Compute a block's part of dC/dalpha, the sum over rows of dC/dh r (f(z) - z), from dC/dh in ``space.delta``.

    ``adds``: to what is in ``g`` already.
    """
    constants = shape.layers[layer]
    n_out, alpha = constants[col.N_OUT], uint64(constants[col.ALPHA_AT])
    delta, mixed = space.delta, space.mixed
    if not adds:
        for j in range(uint64(n_out)):
            g[alpha + j] = g.dtype.type(0.0)
    for i in range(rows):
        row = uint64(constants[col.Z_AT] + i * n_out)
        for j in range(uint64(n_out)):
            g[alpha + j] += delta[row + j] * mixed[row + j]
