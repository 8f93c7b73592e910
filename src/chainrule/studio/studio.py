"""The studio behind the page: a course, its training in a thread, a session, and what is published of them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chainrule.errors import ChainruleError, SettingsError
from chainrule.studio.asked import StudioQuestions
from chainrule.studio.shown.between import between_told, kept_epoch
from chainrule.studio.shown.curves import CurveRecord
from chainrule.studio.shown.hello import hello
from chainrule.studio.shown.looking import Look
from chainrule.studio.shown.numbers import naming_of
from chainrule.studio.stages.all import stage_of
from chainrule.studio.training.course import Course
from chainrule.studio.training.made import Made
from chainrule.studio.training.runs import Runs, said_of_build
from chainrule.studio.training.session import SessionState, reduce
from chainrule.studio.training.turns import Turns
from chainrule.studio.training.walk import WalkPlace

Publish = Callable[[str, Mapping[str, Any]], None]

FASTEST = 30.0
"""The most frames a second that are made while something plays as fast as it goes."""

FOLLOWING = 20.0
"""The most frames a second while a training is followed, which needs the processors itself."""

DIAGNOSED = 0.5
"""The seconds between two looks of the doctor while something plays."""

PATIENCE = 0.25
"""The seconds after an edit before the branch is trained on and looked through, so that what is dragged isn't at each place."""

SOON = (None,)
"""What stands for the frame that is shown where checks and findings follow."""


class Studio(StudioQuestions):
    """A session on a course; ``publish`` is called, from any thread, with the name and the data of each event."""

    def __init__(self, course: Course, publish: Publish = lambda kind, data: None) -> None:
        self._publish = publish
        self._lock = threading.RLock()
        self._framing = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._closed = False
        self._seq = self._sent = 0
        self._done: dict[tuple[str, int], dict[str, Any]] = {}
        self._shown: tuple[Any, ...] = ()
        self._frame: dict[str, Any] | None = None
        self._curves = CurveRecord()
        self._turns = Turns()
        self.generation = 1
        self.made = Made(course, self._hears)
        self.runs = Runs(self.made, self._hears)
        for beside in course.beside:
            self.runs.open_beside(Made(beside, self._hears))
        self.state = self.runs.current.state
        self._since = -math.inf
        self._found: tuple[tuple[Any, ...], list[dict[str, Any]], float] = ((None,), [], -math.inf)
        self._clock = threading.Thread(target=self._ticks, name="studio clock", daemon=True)
        self._publish("hello", self.hello())
        self.made.worker.start()
        self.made.worker.go(self.state.needed)
        self._clock.start()

    # ---- what a page asks

    def hello(self) -> dict[str, Any]:
        """Return what a page is told of the course."""
        from chainrule.studio.taken.taking import command_of
        from chainrule.studio.training.forms import form_fields

        made, course = self.made, self.made.course
        form = form_fields(course) if course.words else []
        command = command_of(course) if course.words and not course.by_hand else None
        return hello(course, made.drawn, made.tape.steps_per_epoch, self.generation, form, command)

    def frame(self) -> dict[str, Any]:
        """Return the frame of what is shown now."""
        with self._framing:
            with self._lock:
                state, made = self.state, self.made
                key = self._key()
            if self._frame is None or key != self._shown:
                self._frame, self._shown = self._framed(state, made), key
            return self._frame

    def command(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Follow a command, once for each client and ``n``; return the frame's number, or a ``problem`` in one line."""
        who = (str(command.get("client")), command["n"]) if isinstance(command.get("n"), int) else None
        with self._lock:
            if who is not None and who in self._done:
                return self._done[who]
        try:
            with self._turns.asked():
                answer = self._follow(command)
        except ChainruleError as error:
            answer = {"problem": str(error)}
        if who is not None:
            with self._lock:
                self._done[who] = answer
                while len(self._done) > 256:
                    del self._done[next(iter(self._done))]
        return answer

    def may(self, what: str, query: Mapping[str, Any]) -> None:
        """Raise SettingsError for a question of a page that isn't answered now; here every one is."""

    def take(self, what: str) -> tuple[str, str, bytes]:
        """Return the name, kind and bytes of what is taken away."""
        from chainrule.studio.taken.taking import taken

        if what in ("page", "tape"):
            from chainrule.studio.taken.onefile import taken_whole

            with self._turns.asked(), self._framing:
                return taken_whole(self, what)
        return taken(
            self.made.course, self.made.worker.result if self.made.tape.last is not None else None, what
        )

    def close(self) -> None:
        """End the training and the clock."""
        with self._lock:
            self._closed = True
            self._wake.notify_all()
        for made in self.runs.every():
            made.worker.close()
        if self._clock.is_alive() and threading.current_thread() is not self._clock:
            self._clock.join(1.0)

    # ---- inside

    @property
    def phase(self) -> str:
        """What is going on, in one word."""
        state, worker = self.state, self.made.worker
        if state.playing or state.wanted is not None:
            return "training"
        if worker.problem:
            return "diverged" if worker.result is not None else "failed"
        if state.last is not None:
            return "ended"
        return "paused" if state.begun else "ready"

    def _follow(self, command: Mapping[str, Any]) -> dict[str, Any]:
        what = command.get("do")
        if what == "build":
            reduce(self.state, {"do": "pause", "client": command.get("client")})  # refuses who doesn't steer
            self._build(command)
        elif what == "end":
            reduce(self.state, {"do": "pause", "client": command.get("client")})
            self._publish("bye", {"words": "The studio has ended."})
            threading.Thread(target=self.close, daemon=True).start()
            return {"ok": True, "seq": self._seq}
        elif what in ("edit", "undo", "run", "close_run"):
            reduce(self.state, {"do": "pause", "client": command.get("client")})
            self._runs(str(what), command)
        elif what in ("tick", "progress"):
            raise SettingsError(f"there is no command {what!r}")
        else:
            if what == "notation":
                from chainrule.explain.notation.record import notation

                notation(str(command["name"]))
            self._become(lambda state: reduce(state, command))
        frame = self._show(soon=what in ("edit", "undo", "run"))
        return {"ok": True, "seq": frame["seq"]}

    def _become(self, change: Callable[[SessionState], SessionState]) -> None:
        with self._lock:
            self.state = change(self.state)
            self._train()
            self._wake.notify_all()

    def _train(self) -> None:
        """Let the training come as far as it is needed."""
        worker = self.made.worker
        if not worker.started and not self._closed:
            worker.start()
        worker.go(self.state.needed)

    def _runs(self, what: str, command: Mapping[str, Any]) -> None:
        """Make a branch, go back from one, show another run, or close one."""
        with self._framing, self._lock:
            before, runs, state, gone = self.made, self.runs, self.state, []
            goes: int | None = None
            if what == "edit":
                runs.branch(
                    state, command["edits"], again=bool(command.get("again")), anew=bool(command.get("anew"))
                )
            elif what == "undo":
                gone = runs.undo()
            elif what == "run":
                goes = runs.show(int(command["number"]), state)
            else:
                gone = runs.close(int(command["number"]))
            if runs.current.made is not before:
                self._switch(before, state)
            if goes is not None:
                self.state = reduce(self.state, {"do": "seek", "t": goes})
                self._train()
        for made in gone:
            made.worker.close(0.0)

    def _switch(self, before: Made, left: SessionState) -> None:
        """Show the current run; a page is told anew where its network is drawn otherwise, or has other rows."""
        self.made = made = self.runs.current.made
        tape = made.tape
        self.state = reduce(
            replace(self.runs.current.state, driver=left.driver, speed=left.speed, grain=left.grain),
            {"do": "progress", "frontier": tape.frontier, "last": tape.last},
        )
        before.worker.go(0)
        self._since = time.monotonic()
        self._curves = CurveRecord()
        if made.drawn is not before.drawn or len(made.course.numbers) != len(before.course.numbers):
            self.generation += 1
            self._publish("hello", self.hello())
        self._publish("curve", {"generation": self.generation, "whole": True, **self._curves.all})
        self._wake.notify_all()

    def _build(self, command: Mapping[str, Any]) -> None:
        """Swap in the course that is asked for."""
        from chainrule.studio.training.forms import built, form_fields

        fields = {one["name"] for group in form_fields(self.made.course) for one in group["fields"]}
        edited = self.runs.settings_of_shown() if self.runs.current.is_branch else {}
        edited = {name: value for name, value in edited.items() if name in fields}
        if edited and not command.get("recipe"):
            command = {**command, "settings": {**edited, **(command.get("settings") or {})}}
        self._swap(
            built(self.made.course, command), beside=bool(command.get("beside")), said=said_of_build(command)
        )

    def _swap(self, course: Course, *, beside: bool = False, said: str = "") -> None:
        """Show the training of another course, which takes the place of this one unless it stands beside it."""
        made = Made(course, self._hears)
        with self._framing, self._lock:
            gone = self.runs.built(made, self.state, beside=beside, said=said)
            self.made.worker.go(0)
            self.made = made
            self.generation += 1
            self.state = self.runs.current.state
            self._curves = CurveRecord()
            self._train()
        for before in gone:
            before.worker.close(5.0)
        self._publish("hello", self.hello())

    def _show(self, *, soon: bool = False) -> dict[str, Any]:
        """Make the frame of now, and publish it where it says something new; ``soon``: what takes long follows in another."""
        with self._framing:
            frame = self._first_part() if soon else self.frame()
            if frame["seq"] != self._sent:
                self._sent = frame["seq"]
                self._publish("frame", frame)
            return frame

    def _first_part(self) -> dict[str, Any]:
        """Return the frame of now without checks and findings, which the clock has follow."""
        with self._lock:
            state, made, self._shown = self.state, self.made, SOON
            self._wake.notify_all()
        self._frame = self._framed(state, made, soon=True)
        return self._frame

    @property
    def _follows(self) -> bool:
        """Whether what was shown is without what takes long."""
        return self._shown is SOON

    def _framed(self, state: SessionState, made: Made, *, soon: bool = False) -> dict[str, Any]:
        look, place, stage = self._seen(state, made)
        self._seq += 1
        more: dict[str, Any] = {"seq": self._seq, "generation": self.generation, "phase": self.phase}
        if soon:
            more["follows"] = True
        else:
            if not state.playing:
                more["checks"] = self._checked(made, look)
            more["findings"] = self._diagnosed(made, state, look)
        more |= self.runs.told(made, state, look, place)
        if place.index == 0 and not state.playing and self.runs.current.made is made:
            more["told"] = between_told(made, self.runs.current, state, look, more.get("was"))
            more["kept"] = kept_epoch(made, look.member)
        return made.framer.frame(state, look, place, stage, more)

    def _seen(self, state: SessionState, made: Made) -> tuple[Look, WalkPlace, Mapping[str, Any] | None]:
        row, before = state.row, self._frame
        if row is None and state.follows and before is not None and before["generation"] == self.generation:
            # While it trains by, nobody reads another row's cells twenty times a second.
            row = before["row"]
        look = made.lookout.look(state.t, state.member - 1, row)
        place = made.walk.at(0 if look.state.stays else state.index)
        return look, place, stage_of(look, place, naming_of(look, state.notation))

    def _diagnosed(self, made: Made, state: SessionState, look: Look) -> list[dict[str, Any]]:
        """Return what the doctor finds; while something plays that is looked for no more than so many times a second."""
        from chainrule.studio.shown.doctor import found_live

        key, found, at = self._found
        now, own = time.monotonic(), (made, look.t, look.member)
        if key != own and not (state.playing and key[0] is made and now - at < DIAGNOSED):
            found = found_live(look)
            self._found = (own, found, now)
        return found

    def _checked(self, made: Made, look: Look) -> dict[str, Any] | None:
        """Return how many of the step's derivatives were held against central differences, and which is the worst."""
        found = made.checked(look)
        if found is None:
            return None
        worst = found.worst.address if found.failed and found.worst else None
        return {"compared": found.compared, "wrong": found.failed, "worst": worst}

    # ---- what the training and the clock do

    def _hears(self, made: Made, what: str) -> None:
        """Take in what the training tells."""
        if self._closed:
            return
        with self._lock:
            if made is not self.made:
                self._wake.notify_all()
                return
            progress = {"do": "progress", "frontier": made.tape.frontier, "last": made.tape.last}
            self._become(lambda state: reduce(state, progress))
            self._wake.notify_all()
        if what == "epoch":
            self._turns.give_way()
        else:
            self._tell_curve()
            self._publish("status", {"phase": self.phase, "words": self._status()})
            if what in ("failed", "ended") and made.worker.problem:
                self._publish("problem", {"words": made.worker.problem})

    def _status(self) -> str:
        """Say how the training ended."""
        worker = self.made.worker
        if worker.problem or worker.result is None:
            return worker.problem
        kept = sorted(set(worker.result.best_epochs))
        told = ", ".join(map(str, kept[:10])) + ", …" * (len(kept) > 10)
        ran = len(worker.result.history)
        return f"The training has ended after {ran:,} epochs; kept: epoch{'s' * (len(kept) > 1)} {told}."

    def _tell_curve(self) -> None:
        """Publish the epochs that nobody was told of yet."""
        with self._framing:
            news = self._curves.news(self.made)
        if news is not None:
            self._publish("curve", {"generation": self.generation, **news})

    def _ticks(self) -> None:
        """Go on with what plays, as fast as was asked, and show how far the training has come."""
        due = 0.0
        while True:
            with self._lock:
                state = self.state
                now = time.monotonic()
                if state.ticks:
                    wait = due - now
                elif self._follows:
                    wait = self._since + PATIENCE - now
                else:
                    wait = 1 / FASTEST if self._news() else math.inf
                if not self.made.worker.started:
                    wait = min(wait, self._since + PATIENCE - now)
                if wait > 0 and not self._closed:
                    self._wake.wait(None if math.isinf(wait) else wait)
                if self._closed:
                    return
                state = self.state
                if not self.made.worker.started and now >= self._since + PATIENCE:
                    self._train()
            try:
                self._tell_curve()
                now = time.monotonic()
                if state.ticks and now >= due:
                    rate = min(state.speed or FASTEST, FASTEST)
                    due = max(due + 1 / rate, now) if due else now + 1 / rate
                    self._become(lambda one: reduce(one, {"do": "tick"}))
                    self._show()
                elif not state.ticks:
                    due = 0.0
                    if self._follows and now < self._since + PATIENCE:
                        continue
                    self._show()
                    time.sleep(1 / FOLLOWING)
            except ChainruleError as error:
                self._become(lambda one: reduce(one, {"do": "pause"}))
                self._publish("problem", {"words": str(error)})

    def _news(self) -> bool:
        """Tell whether something wasn't shown yet."""
        # Who asks for the frame of now makes it, and publishes nothing.
        unsent = self._frame is not None and self._frame["seq"] != self._sent
        return unsent or self._key() != self._shown or self._curves.lacks(self.made)

    def _key(self) -> tuple[Any, ...]:
        """Return what a frame depends on."""
        return (self.generation, self.made, self.state, self.phase, self.made.worker.problem, self.runs.key())
