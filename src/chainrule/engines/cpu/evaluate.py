"""Networks run forward: over many rows on all threads, and one row in microseconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray
from chainrule.engines.cpu.kernels import columns as at
from chainrule.engines.cpu.kernels import rows as k
from chainrule.engines.cpu.tables import (
    BLOCK,
    FLOPS_PER_SECOND,
    SECONDS_AWAY,
    SMALL_STEP,
    LaidOut,
    Tables,
    bare_shape,
    indices,
    members_of,
    n_weights,
)
from chainrule.engines.threads import on_threads
from chainrule.equations.network import Network
from chainrule.errors import SettingsError

_NO_ORDER = np.zeros(0, np.int32)

NEVER_SPLIT = 4096
"""Weights of the largest matrix whose product with one row no BLAS shares out to threads (OpenBLAS: 9,216)."""


def _lines(rows: IntArray, members: int) -> IntArray:
    """Return rows (n,) or (k, n) as lines; raises SettingsError unless there is one for all members, or one for each."""
    lines = np.atleast_2d(rows)
    if len(lines) not in (1, members):
        raise SettingsError(
            f"rows of {len(lines)} members don't fit {members}: give one line for all, or one for each"
        )
    return lines


class Evaluator:
    """Runs networks forward over many rows, on all threads, in blocks that bound the memory; ``codes``: of `Packed` rows."""

    def __init__(
        self,
        network: Network,
        dtype: Any,
        threads: int,
        run: LaidOut | None = None,
        codes: Sequence[int] = (),
    ) -> None:
        self.network = network
        codes = codes if run is None else run.tables.codes
        self.tables = Tables(network, dtype, BLOCK, training=False, codes=codes)
        self.threads = threads
        self.run = run
        self.shape = (
            bare_shape(self.tables)
            if run is None
            else self.tables.shape(run.slices, run.rates, run.constants)
        )
        self.spaces: list[at.Space] = []
        self.flops_per_row = 2 * n_weights(network)

    def outputs(self, parameters: FloatArray, x: FloatArray, rows: IntArray | None = None) -> FloatArray:
        """Return each member's outputs (k, n, n_out) for the given rows of x, (n,) or (k, n), or all."""
        n = len(x) if rows is None else rows.shape[-1]
        out = np.empty((len(parameters), n, self.network.output.n_out), self.tables.dtype)
        chosen = np.zeros((0, 0), np.int64) if rows is None else _lines(rows, len(parameters))
        none = np.zeros(1, self.tables.dtype)
        table = at.RowTable(x, none.reshape(1, 1), none, np.zeros((1, 0), np.int64), _NO_ORDER)
        self._run_rows(n, table, parameters, chosen, out, np.zeros((0, 0)))
        return out

    def losses(self, parameters: FloatArray, rows: IntArray) -> FloatArray:
        """Return each member's cost (k,) on rows of the run's table, (n,) or (k, n)."""
        run = self.run
        if run is None:
            raise SettingsError("losses need a run's targets")
        chosen = _lines(indices(rows, len(run.x)), len(parameters))
        n = chosen.shape[1]
        totals = np.zeros((len(parameters), -(-n // BLOCK)))
        table = at.RowTable(run.x, run.y, run.weights, run.train, _NO_ORDER)
        self._run_rows(n, table, parameters, chosen, np.empty((0, 0, 0), self.tables.dtype), totals)
        total: FloatArray = np.sum(totals, axis=1)
        if self.network.reduction == "mean":
            total /= (
                [float(np.sum(run.weights[line], dtype=np.float64)) for line in chosen]
                if run.weighted
                else max(1, n)
            )
        return total

    def _run_rows(
        self,
        n: int,
        table: at.RowTable,
        parameters: FloatArray,
        chosen: IntArray,
        out: FloatArray,
        totals: FloatArray,
    ) -> None:
        """Call `k.run_rows` on as many threads as so many rows are worth."""
        flops = n * len(parameters) * self.flops_per_row
        threads = self.threads if flops >= SMALL_STEP else 1
        while len(self.spaces) < threads:
            self.spaces.append(self.tables.space())
        flag = np.zeros(1, np.int64)

        def work(thread: int) -> None:
            space = self.spaces[thread]
            k.run_rows(
                thread, threads, flag, self.shape, table, space, parameters, chosen, BLOCK, out, totals
            )

        def stop() -> None:
            flag[0] = 1

        with one_blas_thread():
            on_threads(threads, work, stop if flops >= SECONDS_AWAY * FLOPS_PER_SECOND else None)


class CpuRowPredictor:
    """A network bound to its buffers: the members' mean output for one encoded row, in microseconds.

    Called with a row (d,) of the engine's dtype, it returns a new array (n_out,); another shape or dtype
    raises SettingsError. Not for use by several threads at once.
    """

    def __init__(self, network: Network, parameters: FloatArray, dtype: Any = np.float32) -> None:
        tables = Tables(network, dtype, 1, training=False)
        w = members_of(parameters, tables.dtype, tables.layout)
        shape, space = bare_shape(tables), tables.space()
        # By their lines in the table; kept here because compiled code only knows where they are.
        self._arrays = {
            at.AT_LAYERS: shape.layers,
            at.AT_SCALES: shape.scales,
            at.AT_CONSTANTS: shape.constants,
            at.AT_A: space.a,
            at.AT_Z: space.z,
            at.AT_WORDS: space.words,
            at.AT_SCRATCH: space.scratch,
            at.AT_W: w,
            at.AT_GROUPS: shape.groups,
            at.AT_STAGE: shape.stage,
            at.AT_STAGE_BUFFER: space.stage,
        }
        self._made_of = (network, w, tables.dtype)
        self._bound = np.zeros((len(self._arrays), 3), np.int64)
        for line, array in self._arrays.items():
            self._bound[line, : 1 + array.ndim] = (array.ctypes.data, *array.shape)
        self._n_out = network.output.n_out
        self._dtype = tables.dtype
        self._shape = (network.n_inputs,)
        self._predict: Callable[..., None] = k.mean_output
        if any(np.prod(slot.shape) > NEVER_SPLIT for slot in tables.layout.slots):
            self._predict = one_blas_thread()(k.mean_output)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles have buffers of their own."""
        return type(self), self._made_of

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the mean output (n_out,) for the row ``x`` (d,)."""
        if type(x) is not np.ndarray or x.shape != self._shape or x.dtype != self._dtype:
            raise SettingsError(
                f"a row of {self._shape[0]} numbers in {self._dtype} is needed, not {_described(x)}"
            )
        if not x.flags.carray:
            x = x.copy()
        out = np.empty(self._n_out, self._dtype)
        self._predict(self._bound, x, out)
        return out


def _described(value: Any) -> str:
    return f"{value.shape} in {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
