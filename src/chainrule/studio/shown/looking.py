"""What there is to see at a place of a training: a member's state, the batch of its next update, and the row that is picked.

All of it is read from traces, which the reference engine makes from the run's own parameters. What the run made itself, the new
parameters and the optimizer's memory, is the run's to the last bit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._kept import cached_property
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import of_member
from chainrule.engines.step import batches, masks_of_step
from chainrule.equations.optimizers import OptimizerState
from chainrule.explain.diagnose.neurons import neuron_flags
from chainrule.explain.trace.records import StepTrace, Update
from chainrule.explain.trace.sources import trace_update, with_answers
from chainrule.explain.trace.steps import trace_step
from chainrule.explain.trace.trace import Trace
from chainrule.studio.training.course import Course
from chainrule.studio.training.tape import MemberState, Tape
from chainrule.tables.encoding.encode import InputValue

MOST_FLAG_ROWS, FEWEST_FLAG_ROWS = 512, 32
"""The most rows on which neurons are looked at for being dead, and the fewest of a large table."""

MOST_FLAG_WORK = 4_000_000
"""The most products that this takes."""

MOST_LOOKS = 12
"""The places that are kept as they were seen."""


@dataclass(frozen=True, eq=False)
class Look:
    """A member (from 0) after ``t`` updates, on its way into the next one.

    ``batch`` traces the whole batch of that update, with the update itself where it is one member's; None where no update
    follows. ``picked`` traces the row that is looked at, of that batch where it is among its rows, else by itself; ``row`` is
    its number, and ``index`` its place in that trace.
    """

    course: Course
    tape: Tape
    t: int
    member: int
    state: MemberState
    batch: Trace | None
    rows: IntArray
    picked: Trace
    row: int
    index: int
    eta: float

    @property
    def epoch(self) -> int:
        """The epoch (from 0) of the next update."""
        return self.t // self.tape.steps_per_epoch

    @property
    def in_batch(self) -> bool:
        """Whether the row is one of the batch."""
        return self.batch is self.picked

    @property
    def step(self) -> StepTrace:
        """The numbers of the row's trace."""
        return self.picked.steps[0]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the batch's rows."""
        return tuple(int(number) for number in self.course.numbers[self.rows])

    @property
    def knows_last(self) -> bool:
        """Whether the last change is known without a replay."""
        return self.t == 0 or self.tape.is_near(self.t - 1, self.member)

    @cached_property
    def last_change(self) -> FloatArray | None:
        """What the update before added to the parameters (p,); None at the start."""
        if self.t == 0:
            return None
        before = self.tape.state(self.t - 1, self.member)
        return np.asarray(self.state.parameters, np.float64) - np.asarray(before.parameters, np.float64)

    @cached_property
    def whole_gradient(self) -> FloatArray | None:
        """The batch's gradient (p,); the row's where no update follows."""
        gradients = (self.batch or self.picked).steps[0].gradients
        return None if gradients is None else self.course.layout.flatten(gradients.parameters)

    @cached_property
    def row_gradient(self) -> FloatArray | None:
        """The picked row's part in the gradient (p,)."""
        step, network, layout = self.step, self.course.network, self.course.layout
        if step.gradients is None:
            return None
        if len(step.rows) == 1:
            return layout.flatten(step.gradients.parameters)
        p = layout.unflatten(step.parameters)
        rows = slice(self.index, self.index + 1)
        parts = {
            number: network.gradients_of_rows(p, step.record, step.gradients, number, rows, np)
            for number in network.shapes()
        }
        return layout.flatten(parts)

    @cached_property
    def flags(self) -> dict[str, str]:
        """Which hidden neurons are dead or saturated on the rows that are trained on, by address; of many rows so many."""
        course = self.course
        rows = of_member(course.data.train, self.member)
        most = min(MOST_FLAG_ROWS, MOST_FLAG_WORK // max(1, course.layout.size))
        if most < min(len(rows), FEWEST_FLAG_ROWS):
            return {}
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64))]
        p = course.layout.unflatten(np.asarray(self.state.parameters, np.float64))
        with np.errstate(all="ignore"):
            found = neuron_flags(course.network, p, course.network.forward(p, course.data.x[rows], np))
        return {
            f"a[{layer}][{j}]": flag
            for layer, flags in found.items()
            for j, flag in enumerate(flags, 1)
            if flag
        }

    @cached_property
    def together(self) -> Trace | None:
        """The row alone as all members answer it, without dropout; None where there is one, or an output isn't read."""
        course, model = self.course, self.course.reads
        if course.members < 2 or model is None:
            return None
        at = course.places[self.row]
        x, y = course.data.x[at : at + 1], course.data.y[at : at + 1]
        flats = [np.asarray(self.tape.state(self.t, k).parameters, np.float64) for k in range(course.members)]
        with np.errstate(all="ignore"):
            outputs = np.stack(
                [course.network.forward(course.layout.unflatten(flat), x, np).a for flat in flats]
            )
        step = trace_step(course.layout, flats[self.member], x, y, rows=[self.row])
        inputs: Any = Inputs(course, np.array([at])) if course.encoded else None
        step = with_answers(replace(step, inputs=inputs, members=outputs), model, outputs.mean(axis=0))
        return Trace(course.network, (step,), self.member + 1, model.target)

    @cached_property
    def new(self) -> FloatArray | None:
        """The parameters (p,) that the run had after the next update; None where that isn't made, or is the last."""
        if self.state.stays or self.t + 1 > self.tape.frontier:
            return None
        return np.asarray(self.tape.state(self.t + 1, self.member).parameters, np.float64)


class Lookout:
    """Makes looks, and keeps the latest."""

    def __init__(self, course: Course, tape: Tape) -> None:
        self.course, self.tape = course, tape
        self._looks: OrderedDict[tuple[int, int, int, bool], Look] = OrderedDict()
        self._batches: OrderedDict[tuple[int, int], list[IntArray]] = OrderedDict()
        self._same: tuple[tuple[Look, int, int | None], Look] | None = None

    def look(self, t: int, member: int, row: int | None) -> Look:
        """Return what there is to see after ``t`` updates of a member (from 0), on a row by its number or the batch's first."""
        made = t + 1 <= self.tape.frontier
        row = self._first_of(t, member) if row is None else row
        key = (t, member, row, made)
        if key not in self._looks:
            self._looks[key] = self._made(t, member, row)
            while len(self._looks) > MOST_LOOKS:
                self._looks.popitem(last=False)
        self._looks.move_to_end(key)
        return self._looks[key]

    def alone(self, t: int, member: int, row: int) -> Look:
        """Return a row by itself after ``t`` updates of a member (from 0), as the model answers it: no output is dropped."""
        state = self.tape.state(t, member)._replace(stays=True)
        with one_blas_thread():
            return self._on_row(state, None, np.arange(0), float("nan"), row, member)

    def batch(self, t: int, member: int) -> IntArray:
        """Return the rows (places in the data) of the update after ``t`` of a member."""
        epoch, index = divmod(t, self.tape.steps_per_epoch)
        key = (epoch, member)
        if key not in self._batches:
            self._batches[key] = batches(self.course.data, self.course.settings, epoch, member)
            while len(self._batches) > 2:
                self._batches.popitem(last=False)
        return self._batches[key][index]

    def on_rows_of(self, other: Look, at: int, row: int | None) -> Look:
        """Return this training after ``at`` updates on the rows of another's look: what the same batch was before an edit.

        The same numbers are drawn for dropout as there, which drop by this network's own probabilities; rows that are none of
        this training are left out. No update follows.
        """
        key = (other, at, row)
        if self._same is None or self._same[0] != key:
            self._same = (key, self._made_on(other, at, row))
        return self._same[1]

    @one_blas_thread()
    def _made_on(self, other: Look, at: int, row: int | None) -> Look:
        state = self.tape.state(at, other.member)._replace(stays=True)
        rows = other.rows[other.rows < len(self.course.data.x)]
        batch = None
        if len(rows):
            kept = np.flatnonzero(other.rows < len(self.course.data.x))
            drawn = self._masks_as(other)
            masks = drawn and [None if mask is None else mask[kept] for mask in drawn]
            batch = self._trace(self._step_with(state, rows, other.eta, masks, other.t), rows)
        return self._on_row(
            state, batch, rows, other.eta, int(self.course.numbers[0]) if row is None else row, other.member
        )

    def _masks_as(self, other: Look) -> list[FloatArray | None] | None:
        """Return the masks that this training has where it draws the numbers of another's look."""
        course, strength = self.course, self.course.plan.strength(other.t // other.tape.steps_per_epoch)
        return masks_of_step(
            course.network, len(other.rows), other.course.settings.seed, other.t, other.member, strength
        )

    def _first_of(self, t: int, member: int) -> int:
        """Return the number of the row that is looked at where none is picked: the batch's first, or the first of all."""
        stays = self.tape.state(t, member).stays
        return int(self.course.numbers[0 if stays else self.batch(t, member)[0]])

    @one_blas_thread()
    def _made(self, t: int, member: int, row: int) -> Look:
        tape = self.tape
        state = tape.state(t, member)
        rows: IntArray = np.arange(0)
        batch, eta = None, float("nan")
        if not state.stays:
            rows = self.batch(t, member)
            epoch, index = divmod(t, tape.steps_per_epoch)
            eta = float(tape.rates(epoch)[index])
            batch = self._trace(self._step(state, member, rows, eta), rows)
        return self._on_row(state, batch, rows, eta, row, member)

    def _on_row(
        self, state: MemberState, batch: Trace | None, rows: IntArray, eta: float, row: int, member: int
    ) -> Look:
        """Return the look at a row by its number, in the batch where it is among its rows, else by itself."""
        course, data = self.course, self.course.data
        place = course.places[row]
        number, among = int(course.numbers[place]), np.flatnonzero(rows == place)
        picked, index = batch, int(among[0]) if len(among) else 0
        if picked is None or not len(among):
            flat, alone = np.asarray(state.parameters, np.float64), np.array([place])
            own = trace_step(course.layout, flat, data.x[alone], data.y[alone], rows=[number])
            picked = self._trace(own, alone)
        return Look(course, self.tape, state.t, member, state, batch, rows, picked, number, index, eta)

    def _trace(self, step: StepTrace, rows: IntArray) -> Trace:
        course = self.course
        inputs: Any = Inputs(course, rows) if course.encoded else None
        step, model = replace(step, inputs=inputs), course.reads
        if model is None:
            return Trace(course.network, (step,))
        # The answer is that of the one member that is looked at.
        mean = step.record.a
        step = with_answers(step, model, mean)
        return Trace(course.network, (replace(step, members=mean[None]),), 1, model.target)

    def _step(self, state: MemberState, member: int, rows: IntArray, eta: float) -> StepTrace:
        """Return the trace of an update, whose results are the run's own where it is made."""
        course, tape, t = self.course, self.tape, state.t
        data, settings = course.data, course.settings
        strength = course.plan.strength(t // tape.steps_per_epoch)
        masks = masks_of_step(course.network, len(rows), settings.seed, t, member, strength)
        step = self._step_with(state, rows, eta, masks, t)
        if step.update is None or t + 1 > tape.frontier:
            return step
        weights = None if data.weights is None else data.weights[rows]
        made = tape.state(t + 1, member)
        return replace(step, update=self._as_run(step, step.update, made, weights))

    def _step_with(self, state: MemberState, rows: IntArray, eta: float, masks: Any, t: int) -> StepTrace:
        """Return the trace of an update of some rows, after ``t`` others."""
        course, tape, data = self.course, self.tape, self.course.data
        epoch = t // tape.steps_per_epoch
        return trace_update(
            course.layout,
            state.parameters,
            state.arrays,
            data,
            rows,
            course.numbers[rows].tolist(),
            made=t,
            epoch=epoch,
            plateaus=tape.plateaus(epoch),
            per_epoch=tape.steps_per_epoch,
            plan=course.plan,
            settings=course.settings,
            eta=eta,
            masks=masks,
            strength=course.plan.strength(epoch),
        )

    def _as_run(
        self, step: StepTrace, update: Update, made: MemberState, weights: FloatArray | None
    ) -> Update:
        """Return an update whose new numbers have the run's bits, with the losses that these give."""
        network, flat, arrays = (
            self.course.network,
            np.asarray(made.parameters, np.float64),
            _wide(made.arrays),
        )
        masks = [layer.mask for layer in step.record.layers]
        with np.errstate(all="ignore"):
            record = network.forward(self.course.layout.unflatten(flat), step.record.x, np, masks)
            losses = network.row_losses(record, step.y, np)
            cost = float(network.cost(record, step.y, np, weights))
        return replace(
            update,
            parameters=flat,
            after=OptimizerState(update.t, arrays),
            lines={**update.lines, **arrays, "w": flat},
            losses=losses,
            cost=cost,
        )


def _wide(arrays: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    return {name: np.asarray(array, np.float64) for name, array in arrays.items()}


class Inputs(Sequence[tuple[InputValue, ...]]):
    """The encoder's arithmetic for each of some rows, worked out where it is asked for."""

    def __init__(self, course: Course, rows: IntArray) -> None:
        self.course, self.rows = course, rows
        self._known: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        place = int(self.rows[index])
        if place not in self._known:
            self._known[place] = self.course.cells(place)
        return self._known[place]
