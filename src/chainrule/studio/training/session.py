"""The session as a pure function: a state and a command give the next state. No clock, no thread, nothing of the web.

Two positions: the frontier, how far the training has come, and the cursor (``t``, ``index``), what is shown: after ``t``
updates, at a place of the next one. The cursor goes where the frontier has been; what lies ahead is ``wanted`` until it is
there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from chainrule.errors import SettingsError
from chainrule.studio.training.walk import GRAINS, Grain, UpdateWalk

Cursor: TypeAlias = tuple[int, int]
Command: TypeAlias = Mapping[str, Any]

MOST_BY = 10_000
"""The most stops that one command moves by."""


@dataclass(frozen=True)
class SessionState:
    """Where a session stands. ``last`` is the number of updates of the whole training, None while that isn't known.

    ``row`` is the picked row's number, None for the first of each batch; ``follows``: the cursor stays at the frontier, wherever
    that goes; ``ahead`` is how far the training was asked to go, whatever the cursor does.
    """

    walk: UpdateWalk = field(repr=False, compare=False)
    steps_per_epoch: int
    members: int = 1
    rows: frozenset[int] = field(default=frozenset(), repr=False, compare=False)
    t: int = 0
    index: int = 0
    frontier: int = 0
    last: int | None = None
    wanted: Cursor | None = None
    playing: bool = False
    follows: bool = False
    direction: int = 1
    speed: float = 4.0
    grain: Grain = "update"
    row: int | None = None
    member: int = 1
    notation: str = "ours"
    opened: bool = False
    begun: bool = False
    driver: str | None = None
    """Who steers: the client whose commands are followed; anybody's where it is None."""

    @property
    def cursor(self) -> Cursor:
        """Update and place."""
        return self.t, self.index

    @property
    def epoch(self) -> int:
        """The epoch (from 0) that the cursor is in."""
        return self.t // self.steps_per_epoch

    @property
    def ticks(self) -> bool:
        """Whether the cursor goes on by the clock: it plays, doesn't follow the training, and waits for nothing."""
        return self.playing and not self.follows and self.wanted is None

    @property
    def needed(self) -> float:
        """How many updates the training should have made: an epoch ahead of the cursor, or as far as it was asked to go."""
        if self.follows:
            return math.inf
        t = max(self.t, self.wanted[0] if self.wanted else 0)
        return (t // self.steps_per_epoch + 1) * self.steps_per_epoch

    def is_there(self, cursor: Cursor) -> bool:
        """Tell whether the training has come so far that a place can be shown."""
        t, index = cursor
        return t + (index > 0) <= self.frontier

    def at(self, cursor: Cursor) -> SessionState:
        """Return the state at a place, or wanting to be there; past the end it is the end."""
        t, index = cursor
        if self.last is not None and t >= self.last:
            t, index = self.last, 0
        if self.is_there((t, index)):
            return replace(self, t=t, index=index, wanted=None)
        return replace(self, wanted=(t, index))


def after(state: SessionState, cursor: Cursor, grain: Grain, by: int) -> Cursor:
    """Return the place ``by`` stops of a grain further on, or back where that is below 0; never before the start."""
    t, index = cursor
    if grain in ("update", "epoch"):
        size = 1 if grain == "update" else state.steps_per_epoch
        whole = t // size * size
        begun = t > whole or index > 0
        if by > 0:
            return whole + size * by, 0
        return max(0, whole + size * (by + begun)), 0
    for _ in range(abs(by)):
        found = state.walk.after(index, grain) if by > 0 else state.walk.before(index, grain)
        if found is not None:
            index = found
        elif by > 0:
            t, index = t + 1, 0
        elif t > 0:
            t, index = t - 1, len(state.walk) - 1
        if state.last is not None and t >= state.last:
            return state.last, 0
    return t, index


def reduce(state: SessionState, command: Command) -> SessionState:
    """Return the state after a command; raises SettingsError, in one line, for one that can't be followed."""
    what = str(command.get("do"))
    if what not in COMMANDS:
        raise SettingsError(f"there is no command {what!r}; there are {', '.join(COMMANDS)}")
    client = command.get("client")
    if what != "take_over" and None not in (client, state.driver) and client != state.driver:
        raise SettingsError("another window steers: take over there first, by the button of that name")
    return COMMANDS[what](state, command)


def _step(state: SessionState, command: Command) -> SessionState:
    grain, by = _grain(command, state.grain), int(command.get("by", 1))
    if not 0 < abs(by) <= MOST_BY:
        raise SettingsError(f"a step goes by 1 to {MOST_BY:,} stops, forward or back, not by {by}")
    begin = state.wanted or state.cursor
    return replace(state, playing=False, follows=False, begun=True, grain=grain).at(
        after(state, begin, grain, by)
    )


def _play(state: SessionState, command: Command) -> SessionState:
    grain = _grain(command, state.grain)
    speed, direction = float(command.get("speed", state.speed)), int(command.get("direction", 1))
    if not (math.isfinite(speed) and speed >= 0):
        raise SettingsError(
            f"the speed is a number of stops a second, or 0 for as fast as it goes, not {speed}"
        )
    if direction not in (1, -1):
        raise SettingsError(f"the direction is 1 or -1, not {direction}")
    follows = speed == 0 and direction > 0 and grain in ("update", "epoch")
    made = replace(
        state,
        playing=True,
        follows=follows,
        grain=grain,
        speed=speed,
        direction=direction,
        wanted=None,
        begun=True,
    )
    return _stopped_at_ends(made.at((made.frontier, 0)) if follows else made)


def _train(state: SessionState, _: Command) -> SessionState:
    made = _play(state, {"grain": "epoch", "speed": 0})
    return replace(
        made, grain=state.grain, speed=state.speed
    )  # which is how it plays when it is asked to again


def _pause(state: SessionState, _: Command) -> SessionState:
    return replace(state, playing=False, follows=False, wanted=None)


def _run_to(state: SessionState, command: Command) -> SessionState:
    t, epoch = command.get("t"), command.get("epoch")
    if (t is None) == (epoch is None):
        raise SettingsError("run to an update (t) or to an epoch: name one of them")
    if t is not None:
        return _seek(state, {"t": int(t)})
    assert epoch is not None
    return _seek(state, {"t": int(epoch) * state.steps_per_epoch})


def _seek(state: SessionState, command: Command) -> SessionState:
    t, index = int(command["t"]), _index(state.walk, command.get("place"))
    if t < 0:
        raise SettingsError(f"updates are counted from 0, so there is none {t}")
    if not 0 <= index < len(state.walk):
        raise SettingsError(f"there is no place {index}: an update has places 0 to {len(state.walk) - 1}")
    return replace(state, playing=False, follows=False, begun=True).at((t, index))


def _index(walk: UpdateWalk, place: Any) -> int:
    """Return a place's index from what a command says of it: the index, or its pass with layer, neuron and term."""
    if place is None or isinstance(place, int):
        return place or 0
    if place.get("index") is not None:
        return int(place["index"])
    wanted = [place.get(name) or 0 for name in ("layer", "neuron", "term")]
    for section in walk.sections:
        if section.phase == place.get("pass") and (not wanted[0] or section.layer == wanted[0]):
            neuron = min(max(wanted[1], 1), section.neurons)
            return (
                section.start
                + (neuron - 1) * section.per_neuron
                + min(max(wanted[2], 1), section.per_neuron)
                - 1
            )
    raise SettingsError(f"there is no pass {place.get('pass')!r} with such a layer")


def _reset(state: SessionState, _: Command) -> SessionState:
    return replace(state, t=0, index=0, wanted=None, playing=False, follows=False, begun=False)


def _row(state: SessionState, command: Command) -> SessionState:
    number = command.get("number")
    if number is not None and number not in state.rows:
        raise SettingsError(
            f"row {number} is none of the {len(state.rows):,} rows that are trained on or watched; those kept for the score "
            "aren't shown"
        )
    return replace(state, row=number)


def _member(state: SessionState, command: Command) -> SessionState:
    number = int(command["number"])
    if not 1 <= number <= state.members:
        raise SettingsError(f"there is no member {number}: there are {state.members}")
    return replace(state, member=number)


def _notation(state: SessionState, command: Command) -> SessionState:
    return replace(state, notation=str(command["name"]))


def _open_test(state: SessionState, _: Command) -> SessionState:
    if state.last is None:
        raise SettingsError("the test rows are for the trained network: train it to its end first")
    return replace(state, opened=True)


def _take_over(state: SessionState, command: Command) -> SessionState:
    return replace(state, driver=command.get("client"))


def _tick(state: SessionState, _: Command) -> SessionState:
    """The clock's: go on by one stop of what is playing."""
    if not state.ticks:
        return state
    return _stopped_at_ends(state.at(after(state, state.cursor, state.grain, state.direction)))


def _progress(state: SessionState, command: Command) -> SessionState:
    """The training's: it has come so far, or to its end."""
    made = replace(state, frontier=int(command["frontier"]), last=command.get("last", state.last))
    if made.follows:
        made = made.at((made.frontier, 0))
    elif made.wanted is not None:
        made = made.at(made.wanted)
    return _stopped_at_ends(made)


def _stopped_at_ends(state: SessionState) -> SessionState:
    """Return a state that no longer plays where there is nothing more to come."""
    at_end = state.last is not None and state.cursor == (state.last, 0) and state.direction > 0
    at_begin = state.cursor == (0, 0) and state.direction < 0
    return replace(state, playing=False, follows=False) if state.playing and (at_end or at_begin) else state


def _grain(command: Command, otherwise: Grain) -> Grain:
    grain: Any = command.get("grain", otherwise)
    if grain not in GRAINS:
        raise SettingsError(f"the grain is one of {', '.join(GRAINS)}, not {grain!r}")
    found: Grain = grain
    return found


COMMANDS: Mapping[str, Callable[[SessionState, Command], SessionState]] = {
    "step": _step,
    "play": _play,
    "pause": _pause,
    "run_to": _run_to,
    "train": _train,
    "seek": _seek,
    "reset": _reset,
    "row": _row,
    "member": _member,
    "notation": _notation,
    "open_test": _open_test,
    "take_over": _take_over,
    "tick": _tick,
    "progress": _progress,
}
"""What each command does to a state; the last two are not the page's."""
