"""The few things compiled code needs that Numba has no word for: BLAS, calls by address, atomics, bit casts, pointers.

Matrix products go to SciPy's BLAS by the address of its Cython interface, because ``np.dot`` knows no leading
dimension; activations, losses and updates are called by the addresses of their own compiled functions, so
that a new one recompiles nothing else.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

_INT32, _BYTE = ir.IntType(32), ir.IntType(8)

# Who calls an intrinsic doesn't give the typing context that its definition takes first.
intrinsic: Any = extending.intrinsic


def gemm_addresses() -> tuple[int, int]:
    """Return the addresses of BLAS's sgemm and dgemm."""
    return (
        int(extending.get_cython_function_address("scipy.linalg.cython_blas", "sgemm")),
        int(extending.get_cython_function_address("scipy.linalg.cython_blas", "dgemm")),
    )


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    """Return the address of ``array[offset]``, with offset in elements."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [offset])


@intrinsic
def gemm(typingctx, address, ta, tb, m, n, k, alpha, a, a0, lda, b, b0, ldb, beta, c, c0, ldc):
    """C[c0:] = alpha op(A[a0:]) op(B[b0:]) + beta C[c0:] in BLAS's column-major terms; ta, tb: ord("N") or ord("T")."""
    signature = types.void(address, ta, tb, m, n, k, alpha, a, a0, lda, b, b0, ldb, beta, c, c0, ldc)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        real = context.get_value_type(sig.args[7].dtype)

        def by_address(value: Any, kind: Any) -> Any:
            # A slot in the entry block: one in the loop would grow the stack with every product.
            with builder.goto_entry_block():
                slot = builder.alloca(kind)
            builder.store(value, slot)
            return slot

        def whole(value: Any, kind: Any = _INT32) -> Any:
            return by_address(builder.trunc(value, kind), kind)

        def factor(value: Any) -> Any:
            return by_address(builder.fptrunc(value, real) if real != value.type else value, real)

        def matrix(place: int) -> tuple[Any, Any]:
            array, offset, rows = args[place : place + 3]
            return _pointer(context, builder, sig.args[place], array, offset), whole(rows)

        letters, sizes = args[1:3], args[3:6]
        given = [whole(letter, _BYTE) for letter in letters] + [whole(size) for size in sizes]
        given += [factor(args[6]), *matrix(7), *matrix(10), factor(args[13]), *matrix(14)]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), given)
        return context.get_dummy_value()

    return signature, codegen


def _caller(n_arrays: int) -> Any:
    """Return the code of an intrinsic (address, array, offset, …, integer, …) that calls a C function."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        given = [
            _pointer(context, builder, sig.args[1 + 2 * i], args[1 + 2 * i], args[2 + 2 * i])
            for i in range(n_arrays)
        ]
        given += list(args[1 + 2 * n_arrays :])
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), given)
        return context.get_dummy_value()

    return codegen


@intrinsic
def call_activation(typingctx, address, z, z0, a, a0, scratch, s0, rows, cols):
    """Call an activation: a[a0:] becomes the outputs, z[z0:] the slopes unless it is an output's, for rows × cols."""
    return types.void(address, z, z0, a, a0, scratch, s0, rows, cols), _caller(3)


@intrinsic
def call_loss(typingctx, address, z, z0, a, a0, y, y0, value, v0, delta, d0, scratch, s0, rows, cols):
    """Call a loss: value[v0:] becomes the loss of each row, delta[d0:] its derivative with respect to z."""
    return types.void(address, z, z0, a, a0, y, y0, value, v0, delta, d0, scratch, s0, rows, cols), _caller(6)


@intrinsic
def call_update(typingctx, address, w, w0, g, g0, s, s0, free, f0, numbers, n0, size, stride):
    """Call an update of w[w0:w0+size] by g[g0:], state arrays s[s0:], s[s0+stride:], and the step's numbers."""
    return types.void(address, w, w0, g, g0, s, s0, free, f0, numbers, n0, size, stride), _caller(5)


@intrinsic
def copy(typingctx, target, t0, source, s0, count):
    """target[t0 : t0 + count] = source[s0 : s0 + count] by C's memcpy, offsets in elements of contiguous arrays."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        to = _pointer(context, builder, sig.args[0], args[0], args[1])
        start = _pointer(context, builder, sig.args[2], args[2], args[3])
        size = context.get_abi_sizeof(to.type.pointee)
        cgutils.raw_memcpy(builder, to, start, args[4], size)
        return context.get_dummy_value()

    return types.void(target, t0, source, s0, count), codegen


@intrinsic
def atomic_add(typingctx, array, index, value):
    """Add to an int64 array's item in one step that no other thread can divide; return the old value."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.atomic_rmw(
            "add", _pointer(context, builder, sig.args[0], args[0], args[1]), args[2], "seq_cst"
        )

    return types.int64(array, index, value), codegen


@intrinsic
def atomic_load(typingctx, array, index):
    """Return an int64 array's item as the last thread left it."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, sig.args[0], args[0], args[1]), "seq_cst", 8)

    return types.int64(array, index), codegen


@intrinsic
def pointer(typingctx, address, like):
    """Return an address as a pointer to numbers of an array's dtype, for ``numba.carray``."""
    result = types.CPointer(like.dtype)

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(result))

    return result(address, like), codegen


def _bit_cast(source: Any, result: Any, kind: Any) -> Any:
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.bitcast(args[0], kind)

    return result(source), codegen


@intrinsic
def float_of_bits(typingctx, bits):
    """Return the float32 that 32 bits mean."""
    return _bit_cast(types.int32, types.float32, ir.FloatType())


@intrinsic
def double_of_bits(typingctx, bits):
    """Return the float64 that 64 bits mean."""
    return _bit_cast(types.int64, types.float64, ir.DoubleType())


@intrinsic
def bits_of_float(typingctx, number):
    """Return the 32 bits of a float32."""
    return _bit_cast(types.float32, types.int32, _INT32)
