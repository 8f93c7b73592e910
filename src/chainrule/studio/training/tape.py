"""The tape: a training's states at the starts of epochs, in the engine's own dtype, and any state between by exact replay.

An epoch is trained again from its start with as many learning rates as updates are wanted; its batches, masks and rates are
drawn by seed, epoch and member, so the numbers have the bits of the run.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import RunState
from chainrule.engines.member_rows import MemberRows, member_rows
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.studio.training.course import Course

MOST_BYTES = 128 * 2**20
"""The most bytes of states that are kept; of more every second one is dropped, and replays are longer."""

MOST_NEAR = 16 * 2**20
"""The most bytes of states that are kept where somebody looks, so that to go back and forth there takes no replay."""


class MemberState(NamedTuple):
    """One member right after ``t`` updates: parameters (p,), and the optimizer's arrays by name, none of members that share.

    ``stays``: no update of it follows.
    """

    t: int
    parameters: FloatArray
    arrays: dict[str, FloatArray]
    stays: bool = False


@dataclass(frozen=True)
class EpochNote:
    """What it takes to train an epoch (from 0) again: who took part, and how often the rate's schedule had met a plateau."""

    active: tuple[int, ...]
    plateaus: int


class Tape:
    """The states of a training as far as it has come; `record` is called by whoever trains, `state` by whoever looks.

    ``like`` is another one's; where the two trainings differ in nothing but numbers, no engine is needed to begin.
    """

    def __init__(self, course: Course, most_bytes: int = MOST_BYTES, like: Tape | None = None) -> None:
        self.course = course
        self.most_bytes = most_bytes
        self.steps_per_epoch: int
        self.made_of: MemberRows
        self._first: RunState
        if like is not None and _alike(course, like.course):
            self._first = _from_the_start(course, like._first)
            self.steps_per_epoch, self.made_of = like.steps_per_epoch, like.made_of
        else:
            run = course.engine.start(course.network, course.start, course.data, course.settings)
            self._first, self.steps_per_epoch = run.state(), run.steps_per_epoch
            self.made_of = member_rows(course.network, course.settings.sharing, course.start)
        self._lock = threading.Lock()
        self._kept: dict[int, RunState] = {0: self._first}
        self._every = 1
        members = tuple(range(course.members))
        self._notes: list[EpochNote] = [EpochNote(members, 0)]
        self._near: OrderedDict[tuple[int, int], MemberState] = OrderedDict()
        self._near_bytes = 0
        self._diverged: dict[int, int] = {}
        self.last: int | None = None
        """The updates of the whole training; None while it goes on."""

    @property
    def shares(self) -> bool:
        """Whether members share."""
        return self.course.settings.sharing != "none"

    @property
    def active(self) -> tuple[int, ...]:
        """The members (from 0) that go on."""
        return self._notes[-1].active

    @property
    def epochs(self) -> int:
        """The epochs that are made."""
        return len(self._notes) - 1

    @property
    def frontier(self) -> int:
        """The updates that are made."""
        made = self.epochs * self.steps_per_epoch
        return made if self.last is None else min(made, self.last)

    @property
    def bytes(self) -> int:
        """The bytes of the states that are kept at epochs' starts."""
        return sum(_bytes_of(state) for state in self._kept.values())

    def record(self, state: RunState, note: EpochNote) -> None:
        """Take the state after the next epoch; ``note`` is about the epoch that follows."""
        with self._lock:
            self._notes.append(note)
            epoch = len(self._notes) - 1
            if epoch % self._every == 0:
                self._kept[epoch] = state
            while len(self._kept) > 2 and len(self._kept) * _bytes_of(state) > self.most_bytes:
                self._every *= 2
                self._kept = {at: kept for at, kept in self._kept.items() if at % self._every == 0}

    def ends(self, updates: int) -> None:
        """Note that the training ended after so many updates."""
        self.last = min(updates, self.epochs * self.steps_per_epoch)

    def diverges(self, member: int, updates: int) -> None:
        """Note that a member (from 0) has numbers after so many updates, and none after the next."""
        self._diverged[member] = updates

    def rates(self, epoch: int) -> FloatArray:
        """Return the learning rate of each update of an epoch (from 0)."""
        plan, steps = self.course.plan, self.steps_per_epoch
        return plan.rates(epoch * steps, steps, epoch, self._notes[epoch].plateaus)

    def plateaus(self, epoch: int) -> int:
        """Return how often the rate's schedule had met a plateau before an epoch."""
        return self._notes[epoch].plateaus

    def last_of(self, member: int) -> int | None:
        """Return the updates that a member (from 0) has in all; None while it goes on."""
        ended = next((e for e, note in enumerate(self._notes) if member not in note.active), None)
        made = None if ended is None else ended * self.steps_per_epoch
        ends = [end for end in (made, self.last, self._diverged.get(member)) if end is not None]
        return min(ends, default=None)

    def state(self, t: int, member: int = 0) -> MemberState:
        """Return a member's state after ``t`` updates, to the bits of the run; raises SettingsError past the frontier."""
        if not 0 <= t <= self.frontier:
            raise SettingsError(f"there is no update {t} yet: the training has made {self.frontier}")
        whole = self.last_of(member)
        stays = whole is not None and t >= whole
        found = self._near.get((member, t if not stays or whole is None else whole))
        if found is None:
            found = self._replayed(t if not stays or whole is None else whole, member)
            self._keep_near(member, found)
        return found._replace(t=t, stays=stays)

    def is_near(self, t: int, member: int) -> bool:
        """Tell whether a state is had without a replay."""
        return (member, t) in self._near or (
            t % self.steps_per_epoch == 0 and t // self.steps_per_epoch in self._kept
        )

    def rows(self, t: int) -> FloatArray:
        """Return what the optimizer updates, as it is after ``t`` updates: all members (k, p), or (1, q) of those that share."""
        if self.shares:
            whole = self.last_of(0)
            at = t if whole is None else min(t, whole)
            return np.asarray(self._run_state(at, 0).parameters)
        members = range(self.course.members)
        self._bring_near(t, [member for member in members if not self.is_near(t, member)])
        return np.stack([self.state(t, member).parameters for member in members])

    def _bring_near(self, t: int, members: list[int]) -> None:
        """Make in one replay what is to be asked of several members, those that go on."""
        going = [one for one in members if (last := self.last_of(one)) is None or t < last]
        if len(going) > 1:
            made = self._run_state(t, *going)
            for member in going:
                self._keep_near(member, self._of_member(made, member, t))

    def _replayed(self, t: int, member: int) -> MemberState:
        return self._of_member(self._run_state(t, member), member, t)

    def _run_state(self, t: int, *members: int) -> RunState:
        """Return a state in which some members are after ``t`` updates; those that share are all."""
        course, steps = self.course, self.steps_per_epoch
        epoch, made = divmod(t, steps)
        with self._lock:
            begin = max(at for at in self._kept if at <= epoch)
            state = self._kept[begin]
        if begin == epoch and not made:
            return state
        run = course.engine.start(course.network, course.start, course.data, course.settings, state)
        with run.working():
            for number in range(begin, epoch + bool(made)):
                rates = self.rates(number)
                rates = rates[:made] if number == epoch else rates
                active = self._notes[number].active if self.shares else members
                report = run.train_epoch(number, rates, active, course.plan.strength(number))
                if report.diverged:
                    raise SettingsError(str(next(iter(report.diverged.values()))))
        return run.state()

    def _of_member(self, state: RunState, member: int, t: int) -> MemberState:
        if self.shares:
            return MemberState(t, np.array(self.made_of.expand(state.parameters)[member]), {})
        arrays = {name: array[member].copy() for name, array in state.arrays.items()}
        return MemberState(t, state.parameters[member].copy(), arrays)

    def _keep_near(self, member: int, state: MemberState) -> None:
        own = state.parameters.nbytes * (1 + len(state.arrays))
        self._near[member, state.t] = state
        self._near_bytes += own
        while self._near_bytes > MOST_NEAR and len(self._near) > 2:
            self._near.popitem(last=False)
            self._near_bytes -= own


def _alike(course: Course, other: Course) -> bool:
    """Tell whether two trainings differ in nothing but the numbers that they begin with, and those of their rows."""
    return (
        course.network is other.network
        and course.settings is other.settings
        and course.engine is other.engine
        and course.start.shape == other.start.shape
        and course.data.train.shape == other.data.train.shape
    )


def _from_the_start(course: Course, first: RunState) -> RunState:
    """Return the state that a training begins in, of the same shapes and kinds as the first of one that is alike."""
    arrays = {name: np.zeros_like(array) for name, array in first.arrays.items()}
    return RunState(np.array(course.start, first.parameters.dtype), arrays, np.zeros_like(first.steps))


def _bytes_of(state: RunState) -> int:
    return state.parameters.nbytes * (1 + len(state.arrays))
