"""The cpu engine: fused loops compiled for this processor, float32 or float64, all members in one call.

It lays the network out as tables of numbers for `kernels`, and decides who does what: members are shared out
to the threads where there are enough of them; else the rows of a batch are, if a step is long enough
(`SMALL_STEP`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from chainrule import _random as random
from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import (
    Data,
    Divergence,
    EpochReport,
    RunState,
    StepSettings,
    check_lines,
    check_rates,
    check_resumable,
)
from chainrule.engines.cpu.crew import Crew
from chainrule.engines.cpu.evaluate import Evaluator
from chainrule.engines.cpu.kernels import columns as at
from chainrule.engines.cpu.kernels import steps as k
from chainrule.engines.cpu.kernels.tabm_steps import train_tabm_steps
from chainrule.engines.cpu.packed import packed, spread_out
from chainrule.engines.cpu.pieces.machine_code import (
    compiled,
    loss_source,
    prepare_source,
    step_numbers,
    update_source,
)
from chainrule.engines.cpu.slices import cut_into_slices, rows_of_a_block
from chainrule.engines.cpu.tables import (
    FLOPS_PER_SECOND,
    SECONDS_AWAY,
    SMALL_STEP,
    Tables,
    contiguous,
    indices,
    members_of,
    n_weights,
)
from chainrule.engines.member_rows import OneRow, member_rows
from chainrule.engines.step import GroupStep, batches, take_group_step, where_not_finite
from chainrule.engines.threads import on_threads
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OptimizerState
from chainrule.equations.regularizers import penalty
from chainrule.equations.update import chain, measures, numbers, ready_gradient


class CpuRun:
    """One training in progress: of members each by itself, or of all that are made of one row together."""

    def __init__(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        dtype: Any,
        threads: int,
        resume: RunState | None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.bits: Any = np.dtype(np.int32 if self.dtype == np.float32 else np.int64)
        self.settings = settings
        start = parameters if resume is None else resume.parameters
        self.made_of = member_rows(network, settings.sharing, start)
        self.layout = self.made_of.ordinary
        self.threads = threads
        # A line for each member, or one for all.
        self.train = np.atleast_2d(indices(data.train, len(data.x)))
        self.n_train: int = self.train.shape[1]
        self.in_blocks = settings.shuffle and random.in_blocks(self.n_train, network.n_inputs)
        if self.in_blocks:
            self.train = np.array([random.table_order(line, settings.seed) for line in self.train])
        # L-BFGS sees the whole table in a step.
        most = self.n_train if settings.optimizer.searches else settings.batch_size
        self.rows = max(1, min(most, self.n_train))
        self.flops = 6 * self.rows * n_weights(network)
        self.splits = self.flops >= SMALL_STEP
        self.packed = packed(network, data.x, self.dtype)
        self.x = self.packed.x
        block = rows_of_a_block(self.rows, split=self.splits)
        self.tables = Tables(network, dtype, block, training=True, codes=self.packed.codes)
        self.weighted = data.weights is not None
        n = len(data.x)
        self.y = contiguous(data.y, self.dtype, (n, network.output.n_out), "targets")
        self.smooth_y = (
            contiguous(network.loss.smooth(self.y), self.dtype, self.y.shape, "targets")
            if network.loss.smoothed
            else self.y
        )
        self.weights = (
            np.zeros(1, self.dtype)
            if data.weights is None
            else contiguous(data.weights, self.dtype, (n,), "weights")
        )
        self.updated: FloatArray = members_of(start, self.dtype, self.made_of.layout)
        # Where members are rows, these are the same array.
        self.parameters = contiguous(
            made := self.made_of.expand(self.updated), self.dtype, (len(made), self.layout.size), "parameters"
        )
        check_lines(data, len(self.parameters))
        size = self.made_of.layout.size
        self.states = np.zeros((len(self.updated), max(1, len(settings.optimizer.state)) * size), self.dtype)
        self.made = np.zeros(len(self.updated), np.int64)
        if resume is not None:
            check_resumable(resume, self.made_of.layout, settings.optimizer)
            self.made[:] = resume.steps
            for name, array in self._arrays().items():
                array[:] = resume.arrays[name]
        self.frozen = bool((self.layout.free == 0).any())
        self.free = self.layout.free.astype(self.dtype) if self.frozen else np.zeros(1, self.dtype)
        layout = self.made_of.layout
        separate = bool(settings.weight_decay or settings.l1 or settings.l2)
        # Members that are made of one row meet in every step, so its slices are dealt out.
        split = self.splits or self.together
        self.slices = cut_into_slices(layout, split=split, separate=separate or layout.rated)
        self.rates = layout.rates[self.slices[:, at.START]]
        self.chain = chain(settings, freezes=self.frozen)
        self.constants = self._constants(network, settings)
        self.shape = self.tables.shape(self.slices, self.rates, self.constants)
        self.numbers = self._numbers(settings)
        self.steepest = np.zeros(len(self.updated), np.int64)
        self.strength = 1.0
        self.crews: dict[int, list[Crew]] = {}
        self._whole: Crew | None = None
        # Before the first step nobody knows how long one takes; so it is made alone.
        flops = self.flops * len(self.parameters) / self._threads_of_all() if self.together else self.flops
        self.step_seconds = max(SECONDS_AWAY, flops / FLOPS_PER_SECOND)
        self._evaluator: Evaluator | None = None
        self._summer: Evaluator | None = None

    @property
    def together(self) -> bool:
        """Whether all members are made of one row, and so make each step together."""
        return isinstance(self.made_of, OneRow)

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches that cover the training rows, the last one perhaps smaller."""
        return -(-self.n_train // self.settings.batch_size)

    def state(self) -> RunState:
        """Return copies of what is updated and the optimizer's state, to go on from."""
        arrays = {name: array.copy() for name, array in self._arrays().items()}
        return RunState(self.updated.copy(), arrays, self.made.copy())

    def _arrays(self) -> dict[str, FloatArray]:
        """Return views of the optimizer's state, of the shape of what is updated, by name."""
        size = self.made_of.layout.size
        return {
            name: self.states[:, place * size : (place + 1) * size]
            for place, name in enumerate(self.settings.optimizer.state)
        }

    def working(self) -> AbstractContextManager[None]:
        """Keep BLAS to one thread meanwhile, which takes microseconds to say and to take back."""
        return one_blas_thread()

    def train_epoch(
        self, epoch: int, learning_rates: FloatArray, active: Sequence[int], strength: float = 1.0
    ) -> EpochReport:
        """Move the active members through one epoch, or its first steps; one that is not finite ends those made with it."""
        if not active:
            return EpochReport(np.full(len(self.parameters), np.nan), {})
        self.made_of.check(active)
        rates = np.ascontiguousarray(learning_rates, np.float64)
        check_rates(rates, self.steps_per_epoch)
        if strength != self.strength:
            self._regularize(strength)
        if self.together:
            active, count, per_crew = range(1), 1, self._threads_of_all()
        else:
            per_crew = self.threads if self.splits and len(active) < self.threads else 1
            count = min(self.threads, len(active)) if per_crew == 1 else 1
        crews = self._crews(count, per_crew)
        trained = [np.array(active[number::count], np.int64) for number in range(count)]
        costs = np.zeros((len(self.parameters), 2))
        stopped = np.zeros(len(self.updated), np.int64)
        for crew in crews:
            crew.exchange.progress[:] = 0

        loop = train_tabm_steps if self.together else k.train_steps

        def work(most: int, number: int) -> None:
            mine, thread = (0, number) if self.together or per_crew > 1 else (number, 0)
            crew = crews[mine]
            # The loop is the same for all; members that are made of one row have their expansion instead.
            whom = trained[mine] if crew.expansion is None else crew.expansion
            given = (whom, thread, per_crew, most, crew, rates, epoch, costs, stopped)
            loop(*self.arguments(*given))

        def stop() -> None:
            for crew in crews:
                crew.stop()

        self._make_steps(len(trained[0]) * len(rates), max(count, per_crew), work, stop, stopped)
        return self._report(epoch, rates, active, costs, stopped)

    def arguments(
        self,
        whom: Any,
        thread: int,
        size: int,
        most: int,
        crew: Crew,
        rates: FloatArray,
        epoch: int,
        costs: FloatArray,
        stopped: IntArray,
    ) -> tuple[Any, ...]:
        """Return what the loop of steps takes, in its order."""
        own = (crew.bounds, self.shape, crew.table, crew.state, crew.spaces[thread], crew.exchange)
        told = (crew.numbers[thread], rates, epoch, self.made, costs, stopped, self.steepest)
        return whom, thread, size, most, *own, *told

    def _threads_of_all(self) -> int:
        """Return how many threads all members are dealt out to in a step that they make together."""
        # Threads meet in every step, so a short one is left to one of them.
        members = len(self.parameters)
        return min(self.threads, members) if self.flops * members >= SMALL_STEP else 1

    def _make_steps(
        self,
        left: int,
        threads: int,
        work: Callable[[int, int], None],
        stop: Callable[[], None],
        stopped: IntArray,
    ) -> None:
        """Call ``work(most, thread)`` on all threads for ``left`` steps, no more at once than Ctrl-C can wait for."""
        with one_blas_thread():
            while left > 0:
                most = max(1, min(left, int(SECONDS_AWAY / self.step_seconds)))
                begun = time.perf_counter()
                may_stop = stop if self.step_seconds >= SECONDS_AWAY else None
                on_threads(threads, partial(work, most), may_stop)
                if not stopped.any():
                    # A member that diverged had fewer steps to make.
                    self.step_seconds = max(1e-7, (time.perf_counter() - begun) / most)
                left -= most

    def _regularize(self, strength: float) -> None:
        """Let ``strength`` multiply dropout's probabilities and the weight decay."""
        self.strength = strength
        self.tables.drop(strength)
        of_crews = (own for crews in self.crews.values() for crew in crews for own in crew.numbers)
        scaled = self._numbers(self.settings, strength)
        for own in (self.numbers, *of_crews):
            own[:] = scaled

    def losses(self, rows: IntArray) -> FloatArray:
        """Return each member's loss on the given rows, without dropout, penalties and label smoothing."""
        return self._evaluation().losses(self.parameters, rows)

    def outputs(self, rows: IntArray) -> FloatArray:
        """Return each member's outputs on the given rows."""
        return self._evaluation().outputs(self.parameters, self.x, indices(rows, len(self.x)))

    def weighted_sums(self, rows: IntArray) -> FloatArray:
        """Return each member's z of the output layer on the given rows."""
        if self._summer is None:
            network = self.layout.network.without_output_activation()
            self._summer = Evaluator(network, self.dtype, self.threads, codes=self.packed.codes)
        return self._summer.outputs(self.parameters, self.x, indices(rows, len(self.x)))

    def loss_and_gradient(self, member: int, flat: FloatArray) -> tuple[float, FloatArray]:
        """Return the cost with penalties on all training rows and its gradient."""
        n = self.n_train
        threads = self.threads if self.flops * n >= SMALL_STEP * self.rows else 1
        if self._whole is None:
            self._whole = Crew(self, threads, n)
        crew = self._whole
        crew.table.order[:] = self._rows(member)
        w = contiguous(flat, self.dtype, (self.layout.size,), "parameters")
        # Every row counts as it is: nothing is dropped out.
        layers = self.tables.layers.copy()
        layers[:, at.THRESHOLD] = 0
        shape = self.shape._replace(layers=layers)

        def work(thread: int) -> None:
            space = crew.spaces[thread]
            k.whole_gradient(
                thread, threads, crew.bounds, shape, crew.table, space, crew.exchange, w, crew.state.g
            )

        with one_blas_thread():
            seconds = self.flops * n / self.rows / FLOPS_PER_SECOND
            on_threads(threads, work, crew.stop if seconds >= SECONDS_AWAY else None)
        cost, g = float(crew.exchange.parts[0]), crew.state.g[0].astype(np.float64)
        s, free = self.settings, self.layout.free
        if s.l1 or s.l2:
            cost += float(penalty(flat, self.layout.decayed * free, s.l1, s.l2, np))
        return cost, ready_gradient(self.layout, flat, g, s)

    def _evaluation(self) -> Evaluator:
        if self._evaluator is None:
            self._evaluator = Evaluator(self.layout.network, self.dtype, self.threads, self)
        return self._evaluator

    def _crews(self, count: int, per_crew: int) -> list[Crew]:
        crews = self.crews.setdefault(per_crew, [])
        while len(crews) < count:
            crews.append(Crew(self, per_crew, self.rows))
        return crews[:count]

    def _constants(self, network: Network, settings: StepSettings) -> IntArray:
        update = (
            0 if settings.optimizer.searches else compiled(update_source(self.chain, self.dtype), self.dtype)
        )
        clips = measures(self.chain)
        prepare = compiled(prepare_source(self.chain, self.dtype), self.dtype) if clips else 0
        low, high = random.split_seed(settings.seed)
        values = {
            at.BATCH: settings.batch_size,
            at.BLOCK: self.tables.rows,
            # A member's batch is the work of one thread where all make a step together, so its gradient is in one piece.
            at.MOST_LEAVES: 1 if self.together else at.LEAVES,
            at.MEAN: network.reduction == "mean",
            at.SHUFFLE: settings.shuffle,
            at.SEED_LOW: low,
            at.SEED_HIGH: high,
            at.LOSS: compiled(loss_source(network.loss, network.output.activation, self.dtype), self.dtype),
            at.UPDATE: update,
            at.PREPARE: prepare,
            at.GEMM: self.tables.gemm,
            at.CLIPS: clips,
            at.WEIGHTED: self.weighted,
            at.INFINITE: int(np.array(np.inf, self.dtype).view(self.bits)),
            at.SIZE_BITS: int(np.iinfo(self.bits).max),
            at.ORDER_BLOCK: random.ROWS_OF_A_BLOCK if self.in_blocks else 0,
            at.ORDER_MIXED: random.MIXED_BLOCKS,
        }
        return np.array([values[place] for place in range(len(values))], np.int64)

    def _numbers(self, settings: StepSettings, strength: float = 1.0) -> FloatArray:
        named = {**numbers(settings, strength), **settings.optimizer.parameters}
        return np.array([named.get(name, 0.0) for name in step_numbers(self.chain)])

    def _report(
        self, epoch: int, rates: FloatArray, trained: Sequence[int], costs: FloatArray, stopped: IntArray
    ) -> EpochReport:
        losses, steepest = np.full((2, len(self.parameters)), np.nan)
        diverged: dict[int, Divergence] = {}
        largest = self.steepest.astype(self.bits).view(self.dtype)
        is_mean = self.layout.network.reduction == "mean"
        for row in trained:
            members = self.made_of.groups[row]
            if stopped[row]:
                where = self._divergence(epoch, int(stopped[row]), row, rates)
                diverged.update(dict.fromkeys(members, where))
                continue
            for member in members:
                losses[member] = costs[member, 0] / (costs[member, 1] if is_mean else 1.0)
                steepest[member] = largest[row]
            self.made[row] += len(rates)
        return EpochReport(losses, diverged, steepest)

    def _rows(self, member: int) -> IntArray:
        rows: IntArray = self.train[member if len(self.train) > 1 else 0]
        return rows

    def _divergence(self, epoch: int, stopped: int, row: int, rates: FloatArray) -> Divergence:
        """Say which layer is not finite after step ``stopped`` of the epoch, from 1, and what its gradient was."""
        count, rate = int(self.made[row]) + stopped, float(rates[stopped - 1])
        largest = float(self.steepest[row : row + 1].astype(self.bits).view(self.dtype)[0])
        layer = self.made_of.layout.layer_not_finite(self.updated[row])
        if layer is not None:
            return Divergence(count, layer, largest, rate)
        # The cost was not finite, so there was no update: its own gradient counts, as far as it is finite.
        step = self._step_again(epoch, stopped, row, rate)
        with np.errstate(over="ignore"):
            after = step.updated.parameters.astype(self.dtype)
        found = where_not_finite(step.passes, self.made_of.layout, after)
        layer = len(self.layout.network.layers) if found is None else found
        return Divergence(count, layer, step.steepest(largest), rate)

    def _step_again(self, epoch: int, number: int, row: int, rate: float) -> GroupStep:
        """Return a step of the epoch (from 1) by the equations in NumPy, from the parameters and the state of now."""
        settings, members = self.settings, self.made_of.groups[row]
        weights = self.weights if self.weighted else None
        train = self.train[0] if len(self.train) == 1 else self.train
        data = Data(self.x, self.y, train, np.arange(0), weights)
        batch = [batches(data, settings, epoch, member)[number - 1] for member in members]
        # Of rows that are held as codes only those of the step are written out.
        rows, places = np.unique(np.concatenate(batch), return_inverse=True)
        batch = np.split(places, np.cumsum([len(each) for each in batch])[:-1])
        x = spread_out(self.layout.network, self.packed._replace(x=self.x[rows]))
        data = replace(data, x=x, y=self.y[rows], weights=None if weights is None else weights[rows])
        arrays = {name: array[row] for name, array in self._arrays().items()}
        state = OptimizerState(int(self.made[row]) + number - 1, arrays)
        return take_group_step(
            self.made_of,
            row,
            self.updated[row],
            self.parameters,
            state,
            data,
            batch,
            settings,
            rate,
            self.strength,
        )
