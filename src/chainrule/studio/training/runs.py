"""The runs of a studio: the training that it was opened on, others that were built beside it, and branches that edits made.

Each has a course, a tape and a worker of its own, so a branch leaves what it comes from as it is; to undo it is to go back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chainrule.errors import SettingsError
from chainrule.studio.shown.looking import Look
from chainrule.studio.training.course import MOST_GROUPS, Course
from chainrule.studio.training.edits import Edited, as_one_edit, changeable_settings, edited
from chainrule.studio.training.made import Made
from chainrule.studio.training.session import SessionState
from chainrule.studio.training.walk import WalkPlace
from chainrule.studio.training.was import was_there

MOST_RUNS = MOST_GROUPS
"""The most runs that are kept beside each other."""

MOST_UNDONE = 50
"""The most edits of one branch that can be undone one after the other."""

Told = Callable[[Made, str], None]


@dataclass(eq=False)
class StudioRun:
    """A run: its number, what was made for it, and where it was looked at last.

    Of a branch: the run that it ``comes_from``, after how many updates (``at``), by which ``edits``; ``before`` is the same
    branch before its last edit. ``said`` is what another run was built with.
    """

    number: int
    made: Made
    state: SessionState
    comes_from: StudioRun | None = None
    at: int = 0
    edits: tuple[Edited, ...] = ()
    before: StudioRun | None = None
    said: str = ""

    @property
    def is_branch(self) -> bool:
        """Whether edits made it."""
        return self.comes_from is not None

    def line(self) -> dict[str, Any]:
        """Return the run's line in the list of them."""
        tape = self.made.tape
        return {
            "number": self.number,
            "from": None if self.comes_from is None else self.comes_from.number,
            "at": self.at,
            "words": self.words,
            "epochs": tape.epochs,
            "ended": tape.last is not None,
        }

    @property
    def words(self) -> str:
        """What it is, in a few words."""
        if self.comes_from is None:
            return self.said or self.made.course.title
        edits = as_one_edit(self.edits)
        first, more = edits[0].words, len(edits) - 1
        return first + (f" and {more} more" if more else "")

    def told(self) -> dict[str, Any] | None:
        """Return what a page is told of a branch; None of another run."""
        if self.comes_from is None:
            return None
        return {
            "number": self.number,
            "from": self.comes_from.number,
            "at": self.at,
            "edits": [
                {"words": one.words, "address": one.address, "old": one.old, "new": one.new}
                for one in as_one_edit(self.edits)
            ],
        }


class Runs:
    """The runs of a studio by number, and which of them is shown."""

    def __init__(self, first: Made, told: Told) -> None:
        self._told = told
        self.current = StudioRun(1, first, first.begin())
        self.all: dict[int, StudioRun] = {1: self.current}
        self._last = 1

    def branch(
        self, state: SessionState, edits: list[dict[str, Any]], *, again: bool = False, anew: bool = False
    ) -> StudioRun:
        """Return the branch that edits make where a session stands; one that hasn't moved yet gets them, too.

        ``again``: they take the place of the last edit, as those of something that is dragged do; ``anew``: the branch begins
        where the first run does.
        """
        shown = self.current
        goes_on = shown.is_branch and state.t == 0 and not anew
        begin, at = (shown.comes_from, shown.at) if goes_on else (shown, state.t)
        if anew:
            begin, at = lineage(shown)[-1], 0
        assert begin is not None
        # What the edits are made in: the branch as it is, or as it was before the last one.
        now = (shown.before if again else shown) if goes_on else None
        done = () if now is None else now.edits
        if not goes_on and len(self.all) >= MOST_RUNS:
            raise SettingsError(f"there are {MOST_RUNS} runs already: close one of them first")
        course = _branched(begin.made, at, state.member - 1) if now is None else now.made.course
        course, more = edited(course, edits, state.member - 1)
        like = None if any(one.structural for one in more) else (begin if now is None else now).made
        made = Made(course, self._told, like)
        rows = [one.row for one in more if one.row is not None]
        begun = replace(made.begin(state), member=state.member, begun=True)
        begun = replace(begun, row=rows[-1]) if rows else begun
        number = shown.number if goes_on else self._last + 1
        run = StudioRun(number, made, begun, begin, at, (*done, *more), now)
        if now is not None and _depth(run) > MOST_UNDONE:
            _forget(run)
        self._put(run, leaving=None if goes_on else state)
        return run

    def built(self, made: Made, state: SessionState, *, beside: bool, said: str = "") -> list[Made]:
        """Show a run that was built, and return what ends: the run that it takes the place of, unless it stands ``beside``."""
        if beside and len(self.all) >= MOST_RUNS:
            raise SettingsError(f"there are {MOST_RUNS} runs already: close one of them first")
        gone = [] if beside else self._drop(lineage(self.current)[-1])
        run = StudioRun(self._last + 1, made, made.begin(state), said=said if beside else "")
        self._put(run, leaving=state)
        return gone

    def open_beside(self, made: Made) -> None:
        """Keep another training as a run that isn't shown; raises SettingsError where there are too many."""
        if len(self.all) >= MOST_RUNS:
            raise SettingsError(f"there are more than {MOST_RUNS} trainings: too many to be runs of one page")
        self._last += 1
        self.all[self._last] = StudioRun(self._last, made, made.begin(), said=made.course.title)

    def _put(self, run: StudioRun, leaving: SessionState | None) -> None:
        if leaving is not None:
            self.current.state = _resting(leaving)
        self.all[run.number] = self.current = run
        self._last = max(self._last, run.number)

    def undo(self) -> list[Made]:
        """Go back to where the last edit was made, and return what ends by that."""
        gone = self.current
        back = gone.before or gone.comes_from
        if back is None:
            raise SettingsError("there is nothing to undo: nothing was changed in this run")
        if gone.before is None:
            del self.all[gone.number]
        self.all[back.number] = self.current = back
        return [gone.made]

    def show(self, number: int, state: SessionState) -> int | None:
        """Show another run, and return the update of it that ends the same epoch; None where what is shown comes from it.

        Then it is where it was left. Raises SettingsError where there is no run of that number.
        """
        if number not in self.all:
            raise SettingsError(
                f"there is no run {number}; there are {', '.join(map(str, sorted(self.all)))}"
            )
        left, self.current = self.current, self.all[number]
        left.state = _resting(state)
        if self.current in lineage(left):
            return None
        return update_at(self.current, begins_at(left) + state.epoch)

    def close(self, number: int) -> list[Made]:
        """Drop a run that isn't shown, with the branches from it, and return what ends."""
        run = self.all.get(number)
        if run is None:
            raise SettingsError(
                f"there is no run {number}; there are {', '.join(map(str, sorted(self.all)))}"
            )
        if run is self.current or run in lineage(self.current):
            raise SettingsError(
                f"run {number} is shown, or what is shown comes from it: show another one first"
            )
        return self._drop(run)

    def _drop(self, run: StudioRun) -> list[Made]:
        gone = []
        for one in [one for one in self.all.values() if run in lineage(one)]:
            del self.all[one.number]
            gone += [each.made for each in _with_before(one)]
        return gone

    def key(self) -> tuple[Any, ...]:
        """Return what changes where something is told of the runs that isn't of the one that is shown."""
        return (self.current, *((run.number, run.made.tape.epochs) for run in self.all.values()))

    def told(self, made: Made, state: SessionState, look: Look, place: WalkPlace) -> dict[str, Any]:
        """Return what a frame has of the runs: which there are, and of a branch what was there before its edits."""
        told: dict[str, Any] = {"run": self.current.number, "branch": self.current.told()}
        if self.current.is_branch:
            told["settings"] = self.settings_of_shown()
        if len(self.all) > 1:
            told["runs"] = [run.line() for _, run in sorted(self.all.items())]
        if self.current.comes_from is not None and self.current.made is made and state.t == 0:
            told["was"] = was_there(self.current.comes_from.made, self.current.at, made, look, place)
        return told

    def settings_of_shown(self) -> dict[str, Any]:
        """Return the settings of the run that is shown that edits made others than those it was built with."""
        now, built = self.current.made.course, lineage(self.current)[-1].made.course
        both = ((name, own(now), own(built)) for name, own in changeable_settings().items())
        return {name: value for name, value, first in both if value != first}

    def every(self) -> list[Made]:
        """Return all that was made for runs."""
        return [each.made for run in self.all.values() for each in _with_before(run)]


def _branched(made: Made, at: int, member: int) -> Course:
    """Return the course of a run, beginning where it stands after so many updates."""
    made.tape.state(at, member)  # refuses what isn't there yet
    return replace(made.course, start=made.tape.rows(at), plan=replace(made.course.plan, met=None))


def said_of_build(command: Mapping[str, Any]) -> str:
    """Return in a few words what a run is built with, from the command that asks for it."""
    asked = {name: command[name] for name in ("recipe", "target", "inputs") if command.get(name) is not None}
    return ", ".join(
        f"{name.replace('_', ' ')} {_brief(value)}"
        for name, value in {**asked, **(command.get("settings") or {})}.items()
    )


def _brief(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return (
        "as chosen" if value is None else "yes" if value is True else "no" if value is False else str(value)
    )


def begins_at(run: StudioRun) -> int:
    """Return the epoch that a run begins at: of a branch where it leaves what it comes from."""
    before = run.comes_from
    return 0 if before is None else begins_at(before) + run.at // before.made.tape.steps_per_epoch


def update_at(run: StudioRun, epoch: int) -> int:
    """Return after how many updates of a run so many epochs are made, counted as in all runs; before its start it is 0."""
    return max(0, epoch - begins_at(run)) * run.made.tape.steps_per_epoch


def lineage(run: StudioRun) -> list[StudioRun]:
    """Return a run and those that it comes from."""
    found = [run]
    while found[-1].comes_from is not None:
        found.append(found[-1].comes_from)
    return found


def _with_before(run: StudioRun) -> list[StudioRun]:
    found = [run]
    while found[-1].before is not None:
        found.append(found[-1].before)
    return found


def _depth(run: StudioRun) -> int:
    return len(_with_before(run)) - 1


def _forget(run: StudioRun) -> None:
    """Let go of the first of the edits that can be undone."""
    *_, last, first = _with_before(run)
    first.made.worker.close(0.0)
    last.before = None


def _resting(state: SessionState) -> SessionState:
    return replace(state, playing=False, follows=False, wanted=None)
