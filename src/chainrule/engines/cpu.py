"""The cpu engine: fused loops compiled for this processor, float32 or float64, all members in one call.

It lays the network out as tables of numbers for `kernels`, and decides who does what: members are shared out
to the threads where there are enough of them; else the rows of a batch are, if a step is long enough
(`SMALL_STEP`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numba.core import event

from chainrule._random import row_order, split_seed
from chainrule._types import FloatArray, IntArray
from chainrule.engines import kernels as k
from chainrule.engines.base import Data, Divergence, EpochReport, Layout, StepSettings
from chainrule.engines.codegen import MOST_SHARED, TILE
from chainrule.engines.native import gemm_addresses
from chainrule.engines.pieces import (
    STEP_NUMBERS,
    activation_source,
    compiled,
    loss_source,
    output_source,
    prepare_source,
    update_source,
)
from chainrule.engines.reference import Step, masks_of_step, not_finite, take_step
from chainrule.engines.threads import on_threads, one_blas_thread, thread_count
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.regularizers import penalized, penalty
from chainrule.errors import SettingsError

SMALL_STEP = 4_000_000
"""A step of fewer floating-point operations stays on one thread: meeting twice would cost more than it saves (docs/engine.md)."""

SLICE = 32_768
"""Parameters in a slice, about: a quarter of a megabyte with gradient and optimizer state."""

MOST_ROWS = 1024
"""Rows whose gradient is added up at once where a step takes the whole table."""

MOST_BLOCKS = 16
"""Blocks of a batch: each keeps a gradient of its own, so a batch of the whole table must not have thousands."""

BLOCK = 256
"""Rows that are evaluated at once."""

SECONDS_AWAY = 0.2
"""The longest the compiled loops run before Python is asked for Ctrl-C and callbacks."""


class Tables:
    """A network as the tables that `kernels` reads, for batches of up to ``rows`` rows."""

    def __init__(self, network: Network, dtype: Any, rows: int, *, training: bool) -> None:
        self.layout = Layout(network)
        self.dtype = np.dtype(dtype)
        self.gemm = gemm_addresses()[self.dtype == np.float64]
        n_layers = len(network.layers)
        self.layers = np.zeros((n_layers + 1, 9), np.int64)
        self.scales = np.ones(n_layers)
        a_at = z_at = 0
        for index, layer in enumerate(network.layers):
            n_in, n_out = network.sizes[index], layer.n_out
            bias = self.layout.slot(index + 1, "b") if layer.bias != "none" else None
            weights = self.layout.slot(index + 1, "W")
            source = activation_source if training and index < n_layers - 1 else output_source
            self.layers[index] = (
                n_in,
                n_out,
                weights.start,
                weights.stop if bias is None else bias.start,
                0 if bias is None else bias.shape[0],
                compiled(source(layer.activation, self.dtype), self.dtype),
                int(np.ceil(layer.dropout * 2.0**32)) if training else 0,
                a_at,
                z_at,
            )
            self.scales[index] = 1 / (1 - layer.dropout)
            a_at += rows * n_in
            z_at += rows * n_out
        self.layers[n_layers, k.A_AT] = a_at
        self.a_size, self.z_size = a_at + rows * network.output.n_out, z_at

        self.rows = rows
        self.widest = max(layer.n_out for layer in network.layers)

    def shape(self, slices: IntArray, facts: IntArray) -> k.Shape:
        """Return the tables as the kernels take them."""
        return k.Shape(self.layers, slices, self.scales, facts)

    def space(self, *, threads: int = 1, blocks: int = 1, slices: int = 1) -> k.Space:
        """Return buffers for ``rows`` rows, shared by ``threads`` threads."""
        return k.Space(
            a=np.zeros(self.a_size, self.dtype),
            z=np.zeros(self.z_size, self.dtype),
            delta=np.zeros(self.z_size, self.dtype),
            targets=np.zeros(self.rows * int(self.layers[-2, k.N_OUT]), self.dtype),
            values=np.zeros(self.rows, self.dtype),
            parts=np.zeros(blocks),
            squares=np.zeros((slices, 2)),
            largest=np.zeros((slices, 2), np.int64),
            words=np.zeros((threads, self.widest + 4), np.uint64),
            scratch=np.zeros((threads, MOST_SHARED * TILE), self.dtype),
        )


class _Crew:
    """The buffers of the threads that train one member at a time."""

    def __init__(self, run: CpuRun, threads: int) -> None:
        blocks = -(-run.rows // int(run.facts[k.BLOCK]))
        self.space = run.tables.space(threads=threads, blocks=blocks, slices=len(run.slices))
        self.numbers = np.tile(run.numbers, (threads, 1))
        self.table = k.Rows(run.x, run.smooth_y, run.weights, run.train, np.zeros(len(run.train), np.int32))
        g = np.zeros((blocks, run.layout.size), run.dtype)
        bits = run.bits
        self.state = k.State(run.parameters, g, run.states, run.free, run.parameters.view(bits), g.view(bits))
        self.meeting = np.zeros(16, np.int64)
        self.progress = np.zeros(2, np.int64)
        self.bounds = _shared_out(run.slices, threads)


class CpuRun:
    """One training in progress."""

    def __init__(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        dtype: Any,
        threads: int,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.bits: Any = np.dtype(np.int32 if self.dtype == np.float32 else np.int64)
        self.settings = settings
        self.layout = Layout(network)
        self.threads = threads
        self.train = _indices(data.train, len(data.x))
        # L-BFGS sees the whole table in a step, but adds up its gradient block by block.
        most = settings.batch_size if settings.optimizer.lines else MOST_ROWS
        self.rows = max(1, min(most, len(self.train)))
        self.tables = Tables(network, dtype, self.rows, training=True)
        self.weighted = data.weights is not None
        n = len(data.x)
        self.x = _plain(data.x, self.dtype, (n, network.n_inputs), "inputs")
        self.y = _plain(data.y, self.dtype, (n, network.output.n_out), "targets")
        self.smooth_y = (
            _plain(network.loss.smooth(self.y), self.dtype, self.y.shape, "targets")
            if network.loss.smoothed
            else self.y
        )
        self.weights = (
            np.zeros(1, self.dtype)
            if data.weights is None
            else _plain(data.weights, self.dtype, (n,), "weights")
        )
        self.parameters: FloatArray = _members(parameters, self.dtype, self.layout)
        self.states = np.zeros(
            (len(self.parameters), max(1, len(settings.optimizer.state)) * self.layout.size), self.dtype
        )
        self.frozen = bool((self.layout.free == 0).any())
        self.free = self.layout.free.astype(self.dtype) if self.frozen else np.zeros(1, self.dtype)
        self.flops = 6 * self.rows * _n_weights(network)
        self.splits = self.flops >= SMALL_STEP
        separate = bool(settings.weight_decay or settings.l1 or settings.l2)
        self.slices = _slices(self.layout, split=self.splits, separate=separate)
        self.facts = self._facts(network, settings)
        self.shape = self.tables.shape(self.slices, self.facts)
        self.numbers = self._numbers(settings)
        self.steepest = np.zeros(len(self.parameters), np.int64)
        self.crews: dict[int, list[_Crew]] = {}
        # Before the first step nobody knows how long one takes; so it is made alone.
        self.step_seconds = SECONDS_AWAY
        self._evaluator: _Evaluator | None = None

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches that cover the training rows, the last one perhaps smaller."""
        return -(-len(self.train) // self.settings.batch_size)

    def train_epoch(self, epoch: int, learning_rates: FloatArray, active: Sequence[int]) -> EpochReport:
        """Move the active members through one epoch."""
        if not active:
            return EpochReport(np.full(len(self.parameters), np.nan), {})
        shared = self.threads if self.splits and len(active) < self.threads else 1
        count = min(self.threads, len(active)) if shared == 1 else 1
        crews = self._crews(count, shared)
        members = [np.array(active[number::count], np.int64) for number in range(count)]
        rates = np.ascontiguousarray(learning_rates, np.float64)
        costs = np.zeros(len(self.parameters))
        stopped = np.zeros(len(self.parameters), np.int64)
        for crew in crews:
            crew.progress[:] = 0

        def work(number: int) -> None:
            crew = crews[number if shared == 1 else 0]
            thread = 0 if shared == 1 else number
            k.train_steps(
                members[number if shared == 1 else 0],
                thread,
                shared,
                crew.meeting,
                crew.progress,
                most,
                crew.bounds,
                self.shape,
                crew.table,
                crew.state,
                crew.space,
                crew.numbers,
                rates,
                epoch,
                costs,
                stopped,
                self.steepest,
            )

        with one_blas_thread():
            left = len(members[0]) * len(rates)
            while left > 0:
                most = max(1, min(left, int(SECONDS_AWAY / self.step_seconds)))
                begun = time.perf_counter()
                on_threads(max(count, shared), work)
                if not stopped.any():
                    # A member that diverged had fewer steps to make.
                    self.step_seconds = max(1e-7, (time.perf_counter() - begun) / most)
                left -= most
        return self._report(epoch, learning_rates, active, costs, stopped)

    def losses(self, rows: IntArray) -> FloatArray:
        """Return each member's loss on the given rows, without dropout, penalties and label smoothing."""
        return self._evaluation().losses(self.parameters, rows)

    def outputs(self, rows: IntArray) -> FloatArray:
        """Return each member's outputs on the given rows."""
        return self._evaluation().outputs(self.parameters, self.x, _indices(rows, len(self.x)))

    def loss_and_gradient(self, member: int, flat: FloatArray) -> tuple[float, FloatArray]:
        """Return the cost with penalties on all training rows and its gradient."""
        crew = self._crews(1, 1)[0]
        crew.table.order[:] = np.arange(len(self.train))
        g, piece = np.zeros(self.layout.size, self.dtype), np.zeros(self.layout.size, self.dtype)
        w = _plain(flat, self.dtype, (self.layout.size,), "parameters")
        # Every row counts as it is: nothing is dropped out.
        layers = self.tables.layers.copy()
        layers[:, k.THRESHOLD] = 0
        total = float(self.weights[self.train].sum()) if self.weighted else float(len(self.train))
        with one_blas_thread():
            cost = k.whole_gradient(
                self.shape._replace(layers=layers), crew.table, crew.space, w, g, piece, total, self.rows
            )
        s, free = self.settings, self.layout.free
        gradient = penalized(np.asarray(g, np.float64), flat, self.layout.decayed, s.l1, s.l2, np) * free
        return float(cost) + float(penalty(flat, self.layout.decayed * free, s.l1, s.l2, np)), gradient

    def _evaluation(self) -> _Evaluator:
        if self._evaluator is None:
            self._evaluator = _Evaluator(self.layout.network, self.dtype, self.threads, self)
        return self._evaluator

    def _crews(self, count: int, shared: int) -> list[_Crew]:
        crews = self.crews.setdefault(shared, [])
        while len(crews) < count:
            crews.append(_Crew(self, shared))
        return crews[:count]

    def _facts(self, network: Network, settings: StepSettings) -> IntArray:
        penalizes, clips = bool(settings.l1 or settings.l2), settings.clip_norm is not None
        decays = bool(settings.weight_decay)
        update = prepare = 0
        if settings.optimizer.lines:
            source = update_source(
                settings.optimizer,
                self.dtype,
                decays=decays,
                clips=clips,
                penalizes=penalizes,
                freezes=self.frozen,
            )
            update = compiled(source, self.dtype)
        if clips:
            prepare = compiled(
                prepare_source(self.dtype, penalizes=penalizes, freezes=self.frozen), self.dtype
            )
        low, high = split_seed(settings.seed)
        values = {
            k.BATCH: settings.batch_size,
            k.BLOCK: _rows_of_a_block(self.rows, split=self.splits),
            k.MEAN: network.reduction == "mean",
            k.SHUFFLE: settings.shuffle,
            k.SEED_LOW: low,
            k.SEED_HIGH: high,
            k.LOSS: compiled(loss_source(network.loss, network.output.activation, self.dtype), self.dtype),
            k.UPDATE: update,
            k.PREPARE: prepare,
            k.GEMM: self.tables.gemm,
            k.CLIPS: clips,
            k.WEIGHTED: self.weighted,
            k.INFINITE: int(np.array(np.inf, self.dtype).view(self.bits)),
            k.SIZE_BITS: int(np.iinfo(self.bits).max),
        }
        return np.array([values[place] for place in range(len(values))], np.int64)

    def _numbers(self, settings: StepSettings) -> FloatArray:
        named = {
            "decay": settings.weight_decay,
            "limit": settings.clip_norm or 0.0,
            "l1": settings.l1,
            "l2": settings.l2,
        }
        return np.array(
            [named.get(name, 0.0) for name in STEP_NUMBERS] + list(settings.optimizer.parameters.values())
        )

    def _report(
        self, epoch: int, rates: FloatArray, active: Sequence[int], costs: FloatArray, stopped: IntArray
    ) -> EpochReport:
        losses = np.full(len(self.parameters), np.nan)
        losses[list(active)] = costs[list(active)] / self._weight_of_rows()
        diverged: dict[int, Divergence] = {}
        for member in active:
            if stopped[member]:
                diverged[member] = self._divergence(epoch, int(stopped[member]), member, rates)
                losses[member] = np.nan
        return EpochReport(losses, diverged)

    def _weight_of_rows(self) -> float:
        """Return what an epoch's costs are divided by: the rows' weights for a mean, 1 for a sum."""
        if self.layout.network.reduction == "sum":
            return 1.0
        return (
            float(self.weights[self.train].sum(dtype=np.float64)) if self.weighted else float(len(self.train))
        )

    def _divergence(self, epoch: int, stopped: int, member: int, rates: FloatArray) -> Divergence:
        """Say which layer is not finite after step ``stopped`` of the epoch, from 1, and what its gradient was."""
        count, rate = epoch * self.steps_per_epoch + stopped, float(rates[stopped - 1])
        largest = float(self.steepest[member : member + 1].astype(self.bits).view(self.dtype)[0])
        for slot in self.layout.slots:
            if not np.isfinite(self.parameters[member, slot.start : slot.stop]).all():
                return Divergence(count, slot.layer, largest, rate)
        # The cost was not finite, so there was no update: its own gradient counts, as far as it is finite.
        step = self._step_again(epoch, stopped, member, rate)
        finite = np.abs(step.raw[np.isfinite(step.raw)])
        layer = not_finite(step, self.layout) or len(self.layout.network.layers)
        return Divergence(count, layer, float(finite.max()) if finite.size else largest, rate)

    def _step_again(self, epoch: int, number: int, member: int, rate: float) -> Step:
        """Return a step of the epoch (from 1) as reference makes it, from the parameters and the state of now."""
        settings, network = self.settings, self.layout.network
        order: IntArray = np.arange(len(self.train))
        if settings.shuffle:
            order = row_order(len(self.train), settings.seed, epoch, member)
        rows = self.train[order][(number - 1) * settings.batch_size : number * settings.batch_size]
        t = epoch * self.steps_per_epoch + number - 1
        arrays = self.states[member].reshape(-1, self.layout.size)
        step = take_step(
            self.layout,
            self.parameters[member],
            OptimizerState(t, dict(zip(settings.optimizer.state, arrays, strict=False))),
            self.x[rows],
            self.y[rows],
            settings,
            rate,
            self.weights[rows] if self.weighted else None,
            masks_of_step(network, len(rows), settings.seed, t, member),
        )
        with np.errstate(over="ignore"):
            return step._replace(parameters=step.parameters.astype(self.dtype))


class _Evaluator:
    """Runs networks forward over many rows, on all threads, in blocks that bound the memory."""

    def __init__(self, network: Network, dtype: Any, threads: int, run: CpuRun | None = None) -> None:
        self.network = network
        self.tables = Tables(network, dtype, BLOCK, training=False)
        self.threads = threads
        self.run = run
        self.shape = _bare_shape(self.tables) if run is None else self.tables.shape(run.slices, run.facts)
        self.spaces: list[k.Space] = []
        self.flops_per_row = 2 * _n_weights(network)

    def outputs(self, parameters: FloatArray, x: FloatArray, rows: IntArray | None = None) -> FloatArray:
        """Return each member's outputs (k, n, n_out) for the given rows of x, or all."""
        n = len(x) if rows is None else len(rows)
        out = np.empty((len(parameters), n, self.network.output.n_out), self.tables.dtype)
        chosen = np.zeros(0, np.int64) if rows is None else rows
        threads = self._threads(n * len(parameters))

        def work(thread: int) -> None:
            k.outputs_of_rows(
                thread, threads, self.shape, self.spaces[thread], parameters, x, chosen, BLOCK, out
            )

        with one_blas_thread():
            on_threads(threads, work)
        return out

    def losses(self, parameters: FloatArray, rows: IntArray) -> FloatArray:
        """Return each member's cost (k,) on rows of the run's table."""
        run = self.run
        if run is None:
            raise SettingsError("losses need a run's targets")
        chosen = _indices(rows, len(run.x))
        totals = np.zeros((len(parameters), -(-len(chosen) // BLOCK)))
        threads = self._threads(len(chosen) * len(parameters))
        table = k.Rows(run.x, run.y, run.weights, run.train, _NO_ORDER)

        def work(thread: int) -> None:
            k.losses_of_rows(
                thread, threads, self.shape, table, self.spaces[thread], parameters, chosen, BLOCK, totals
            )

        with one_blas_thread():
            on_threads(threads, work)
        total: FloatArray = np.sum(totals, axis=1)
        if self.network.reduction == "mean":
            total /= (
                float(np.sum(run.weights[chosen], dtype=np.float64)) if run.weighted else max(1, len(chosen))
            )
        return total

    def _threads(self, rows: int) -> int:
        threads = self.threads if rows * self.flops_per_row >= SMALL_STEP else 1
        while len(self.spaces) < threads:
            self.spaces.append(self.tables.space())
        return threads


class RowPredictor:
    """A network bound to its buffers: the members' mean output for one encoded row, in microseconds.

    Called with a row (d,) of the engine's dtype, it returns a new array (n_out,); another shape or dtype
    raises SettingsError. Not for use by several threads at once.
    """

    def __init__(self, network: Network, parameters: FloatArray, dtype: Any = np.float32) -> None:
        tables = Tables(network, dtype, 1, training=False)
        self._w = _members(parameters, tables.dtype, tables.layout)
        self._bound = (_bare_shape(tables), tables.space(), self._w)
        self._n_out = network.output.n_out
        self._dtype = tables.dtype
        self._shape = (network.n_inputs,)
        self._predict: Callable[..., None] = k.mean_output

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the mean output (n_out,) for the row ``x`` (d,)."""
        if type(x) is not np.ndarray or x.shape != self._shape or x.dtype != self._dtype:
            raise SettingsError(
                f"a row of {self._shape[0]} numbers in {self._dtype} is needed, not {_described(x)}"
            )
        if not x.flags.carray:
            x = x.copy()
        out = np.empty(self._n_out, self._dtype)
        self._predict(*self._bound, x, out)
        return out


class CpuEngine:
    """Compiled loops on this machine's processors."""

    name = "cpu"

    def __init__(self, dtype: Any = np.float32, threads: int | None = None) -> None:
        self.dtype: Any = np.dtype(dtype)
        if self.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise SettingsError(f"dtype {dtype!r} must be float32 or float64")
        self.threads = thread_count(threads)

    def start(self, network: Network, parameters: FloatArray, data: Data, settings: StepSettings) -> CpuRun:
        """Begin a training of ``parameters`` (k, p); L-BFGS runs in float64, since its line search compares costs."""
        dtype = np.float64 if settings.optimizer.name == "lbfgs" else self.dtype
        return CpuRun(network, parameters, data, settings, dtype, self.threads)

    def predict(self, network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return each member's outputs (k, n, n_out) for rows ``x`` (n, d)."""
        evaluator = _Evaluator(network, self.dtype, self.threads)
        w = _members(parameters, self.dtype, evaluator.tables.layout)
        return evaluator.outputs(w, _plain(x, self.dtype, (len(x), network.n_inputs), "inputs"))


def _plain(array: Any, dtype: Any, shape: tuple[int, ...], what: str) -> FloatArray:
    """Return an array as the kernels take it, copied only where needed.

    Another kind would make Numba compile them anew.

    Raises SettingsError for another shape: compiled code doesn't look where it reads.
    """
    if np.shape(array) != shape:
        raise SettingsError(f"{what} of shape {np.shape(array)} don't fit: the network needs {shape}")
    return np.require(array, dtype, ["C", "ALIGNED", "WRITEABLE"])


def _members(parameters: FloatArray, dtype: Any, layout: Layout) -> FloatArray:
    """Return a copy of the parameters, (k, p)."""
    made = np.array(parameters, dtype, ndmin=2, order="C")
    return _plain(made, dtype, (len(made), layout.size), "parameters")


def _indices(rows: Any, n: int) -> IntArray:
    """Return indices of rows as the kernels take them; raises SettingsError for one that the table doesn't have."""
    made: IntArray = np.require(rows, np.int64, ["C", "ALIGNED", "WRITEABLE"])
    if made.size and not (made.min() >= 0 and made.max() < n):
        raise SettingsError(f"rows {made.min()} to {made.max()} are not all rows of a table of {n}")
    return made


def _described(value: Any) -> str:
    return f"{value.shape} in {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


_NO_ORDER = np.zeros(0, np.int32)


def _bare_shape(tables: Tables) -> k.Shape:
    """Return the tables of a network that is only run forward."""
    facts = np.zeros(k.SIZE_BITS + 1, np.int64)
    facts[k.GEMM] = tables.gemm
    return tables.shape(np.zeros((0, 3), np.int64), facts)


def _n_weights(network: Network) -> int:
    return sum(n_in * n_out for n_in, n_out in zip(network.sizes[:-1], network.sizes[1:], strict=True))


def _rows_of_a_block(rows: int, *, split: bool) -> int:
    """Return the rows of a block: all where a step stays on one thread, else half the batch, at most 128.

    Batches of more than `MOST_BLOCKS` such blocks have larger ones.
    """
    return max(1, min(-(-rows // 2), 128), -(-rows // MOST_BLOCKS)) if split else rows


def _slices(layout: Layout, *, split: bool, separate: bool) -> IntArray:
    """Return the slices of the parameters that are updated in one go: first, last, and whether they decay.

    ``separate``: weights and biases are treated differently, so they are slices of their own.
    """
    ranges = [(0, layout.size, 1)]
    if separate:
        ranges = [(slot.start, slot.stop, int(slot.name == "W")) for slot in layout.slots]
    size = min(SLICE, max(1024, layout.size // 8)) if split else layout.size
    found = []
    for start, stop, decays in ranges:
        count = max(1, round((stop - start) / size))
        edges = [start + (stop - start) * part // count for part in range(count + 1)]
        found += [(first, last, decays) for first, last in pairwise(edges)]
    return np.array(found, np.int64)


def _shared_out(slices: IntArray, threads: int) -> IntArray:
    """Return where each thread's slices begin: neighbors, and about the same number of parameters each."""
    sizes = slices[:, k.STOP] - slices[:, k.START]
    middles = (np.cumsum(sizes) - sizes / 2) / sizes.sum()
    return np.array([np.searchsorted(middles, part / threads) for part in range(threads + 1)], np.int64)


class _Announcer(event.Listener):
    """Says on standard error that the kernels are being compiled, once."""

    def __init__(self) -> None:
        self.said = False

    def on_start(self, event: Any) -> None:
        """Say it before the first compilation."""
        function = getattr(event.data.get("dispatcher"), "py_func", None)
        if not self.said and getattr(function, "__module__", "") == k.__name__:
            self.said = True
            print("compiling the engine for this processor; this happens once …", file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """Say nothing."""


_register: Any = event.register
_register("numba:compile", _Announcer())
