"""A course with all that is made for it: its tape, walk, drawing, lookout, framer and the worker that trains it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chainrule._kept import cached_property
from chainrule.engines.step import masks_of_step, take_passes
from chainrule.explain.check.result import Check
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation
from chainrule.studio.shown.checks import check_of
from chainrule.studio.shown.drawing import Drawing, drawing
from chainrule.studio.shown.frames import Framer
from chainrule.studio.shown.known import Known, known_from
from chainrule.studio.shown.looking import Look, Lookout
from chainrule.studio.training.course import Course
from chainrule.studio.training.session import SessionState
from chainrule.studio.training.tape import Tape
from chainrule.studio.training.walk import UpdateWalk
from chainrule.studio.training.worker import Worker
from chainrule.tables.encoding.encode import InputValue

if TYPE_CHECKING:
    from chainrule.studio.shown.pictures import Pictures
    from chainrule.studio.views.mountain import Mountain
    from chainrule.studio.views.planes import Planes

MOST_PARAMETERS = 3000
"""The parameters of the largest network whose gradient is held against differences wherever one stops."""


class Made:
    """A course with all that is made for it: its tape, walk, drawing, lookout and the worker that trains it.

    ``like`` is a course's whose network is drawn alike, so that a page draws on.
    """

    def __init__(self, course: Course, told: Callable[[Made, str], None], like: Made | None = None) -> None:
        self.course = course
        self.tape: Tape = Tape(course, like=None if like is None else like.tape)
        self.walk = UpdateWalk(
            course.network,
            encoded=course.encoded,
            answers=course.reads is not None,
            updates=not course.shares,
        )
        self.lookout = Lookout(course, self.tape)
        self.worker = Worker(course, self.tape, lambda what: told(self, what))
        self._checked: tuple[tuple[int, int], Check | None] | None = None
        self.ends: dict[str, tuple[float, float]] = {} if like is None else like.ends
        self._cells: dict[int, tuple[InputValue, ...]] = {}
        if like is not None:
            self.drawn, self.known = like.drawn, like.known
            # The arithmetic of a row's cells takes longest where there are many: it stays, unless the row was changed.
            before, now = like.course.own_rows, course.own_rows

            def stays(place: int) -> bool:
                return before.get(place) is now.get(place)

            self._cells = {place: own for place, own in like.framer.cells.items() if stays(place)}
            course.truths.update((place, own) for place, own in like.course.truths.items() if stays(place))

    @cached_property
    def drawn(self) -> Drawing:
        """The draw list."""
        begin, course = self.tape.state(0, 0), self.course
        told = None if course.notation == "ours" else Naming(notation(course.notation), course.network)
        return drawing(course.network, begin.parameters, course.inputs, course.outputs, told)

    @cached_property
    def pictures(self) -> Pictures:
        """What draws curves, scores and mistakes."""
        from chainrule.studio.shown.pictures import Pictures

        return Pictures(self.course)

    @cached_property
    def planes(self) -> Planes:
        """What draws planes of two columns."""
        from chainrule.studio.views.planes import Planes

        return Planes(self.course, self.drawn, self.ends)

    @cached_property
    def known(self) -> Known:
        """From which place on each number is known."""
        return known_from(self.walk, self.drawn)

    @cached_property
    def mountain(self) -> Mountain:
        """What draws the cost over weights."""
        from chainrule.studio.views.mountain import Mountain

        return Mountain(self.course, self.tape)

    @cached_property
    def framer(self) -> Framer:
        """What makes frames."""
        return Framer(self.course, self.drawn, self.known, self._cells)

    def begin(self, kept: SessionState | None = None) -> SessionState:
        """Return the state that a session on the course begins with; who steers, and how fast, stays."""
        course = self.course
        numbers = frozenset(int(number) for number in course.numbers)
        made = SessionState(
            self.walk, self.tape.steps_per_epoch, course.members, numbers, notation=course.notation
        )
        if kept is None:
            return made
        row = kept.row if kept.row in numbers else None
        named = made.notation if course.kind == "lesson" else kept.notation
        return replace(made, row=row, grain=kept.grain, speed=kept.speed, notation=named, driver=kept.driver)

    def checked(self, look: Look) -> Check | None:
        """Return the derivatives of a look's step held against central differences; None for a large network."""
        if look.batch is None or self.course.layout.size > MOST_PARAMETERS:
            return None
        key = (look.t, look.member)
        if self._checked is None or self._checked[0] != key:
            self._checked = (key, check_of(look.batch))
        return self._checked[1]

    def gradient_norm(self, epoch: int) -> float:
        """Return the length of the gradient of the first member in the first update after so many epochs."""
        course, t = self.course, epoch * self.tape.steps_per_epoch
        state, data = self.tape.state(t, 0), course.data
        rows, whole = self.lookout.batch(t, 0), epoch
        masks = masks_of_step(
            course.network, len(rows), course.settings.seed, t, 0, course.plan.strength(whole)
        )
        weights = None if data.weights is None else data.weights[rows]
        flat = np.asarray(state.parameters, np.float64)
        raw = take_passes(course.layout, flat, data.x[rows], data.y[rows], weights, masks).raw
        return float(np.linalg.norm(raw))
