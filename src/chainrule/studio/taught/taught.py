"""A studio that asks: in a lesson that drives it, or at each update that one stops at; what is asked is withheld until then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chainrule.errors import SettingsError
from chainrule.studio.shown.looking import Look
from chainrule.studio.studio import Publish, Studio
from chainrule.studio.taught.asker import Asker
from chainrule.studio.taught.withheld import COMMANDS, EVENTS, FIRST, TAKEN, allows, masked
from chainrule.studio.training.course import Course
from chainrule.studio.training.made import Made
from chainrule.studio.training.opening import asked_of
from chainrule.studio.training.session import SessionState, reduce

if TYPE_CHECKING:  # a table needs no lessons, which take a while to be loaded
    from chainrule.studio.taught.tutor import Tutor

PICTURES = frozenset(("curves", "activation"))
"""The pictures that may be had while something is withheld; curves end where it begins."""

LATER = "the lesson comes to that later; leave it to go about freely"


class TaughtStudio(Studio):
    """A `Studio` that asks first; ``lesson``: it begins with that lesson, by its name or its file."""

    def __init__(
        self, course: Course, publish: Publish = lambda kind, data: None, *, lesson: str | None = None
    ) -> None:
        self._tell = publish
        self.asker = Asker()
        self.tutor: Tutor | None = None
        self._begins = lesson
        self._epochs_told = 0
        self._lesson_told: dict[str, Any] | None = None
        self._posing = False
        if lesson is not None:
            from chainrule.lessons.lesson import read_lesson
            from chainrule.studio.taught.tutor import Tutor

            self.tutor = Tutor(read_lesson(lesson))
            self.tutor.go(1)
            own, _ = self.tutor.course()
            course = own or course
        super().__init__(course, self._passed_on)
        if self.tutor is not None:
            self._stand()
        self._tell_lesson()

    # ---- what is withheld

    def _limit(self, made: Made, state: SessionState) -> int | None:
        """Return the first place that is withheld of the update that a state is before; None where all may be seen."""
        if self.tutor is not None and self.tutor.number:
            return self.tutor.limit(made.walk)
        return self.asker.limit(made, state)

    @property
    def withholds(self) -> bool:
        """Whether something is withheld of what is shown now."""
        return self._limit(self.made, self.state) is not None

    @property
    def _waits(self) -> bool:
        """Whether an answer is waited for."""
        if self.tutor is not None:
            return self.tutor.waits
        return self.asker.waits(self.made, self.state.t)

    def may(self, what: str, query: Mapping[str, Any]) -> None:
        """Raise SettingsError for a question of a page whose answer would tell what is asked."""
        made, state = self.made, self.state
        t = query.get("t")
        at = state if not isinstance(t, int) else replace(state, t=t)
        limit = self._limit(made, at)
        if limit is None:
            limit = self._limit(made, state) if what != "number" else None
        if limit is None:
            return
        words = FIRST if self._waits else LATER
        if at.t > (state.t if self.tutor is None else self.tutor.most_updates):
            raise SettingsError(words)
        if what == "number" and self._knows(made, limit, str(query["address"]), query):
            return
        if what == "take" and query.get("what") in TAKEN:
            return
        if what == "picture" and query.get("kind") in PICTURES:
            return
        raise SettingsError(words)

    def _knows(self, made: Made, limit: int, address: str, query: Mapping[str, Any]) -> bool:
        from chainrule.explain.notation.naming import Naming
        from chainrule.explain.notation.record import notation

        name = str(query.get("notation") or self.state.notation)
        if name != "ours":
            address = str(Naming(notation(name), made.course.network).read(address).plain)
        return allows(made.walk, limit, address)

    def _framed(self, state: SessionState, made: Made, *, soon: bool = False) -> dict[str, Any]:
        frame = super()._framed(state, made, soon=soon)
        limit = self._limit(made, state)
        if limit is None:
            self.asker.has_seen(made, state.t)
            return frame
        look, _, _ = self._seen(state, made)
        index = max(1, min(state.index or limit - 1, limit - 1))
        if state.index >= limit:
            frame = {**frame, "stage": None}
        return masked(frame, limit, made.walk, made.framer.arrays(look, index))

    def _key(self) -> tuple[Any, ...]:
        return (*super()._key(), self._limit(self.made, self.state))

    def _passed_on(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell what may be told of an event."""
        if not hasattr(self, "made"):
            return self._tell(kind, data)  # the first hello
        if kind == "curve":
            return self._tell_epochs(anew=bool(data.get("whole")))
        if kind == "hello":
            self._epochs_told = 0
        if self.withholds:
            if kind not in EVENTS:
                return None
            if kind == "problem" and data.get("words") == self.made.worker.problem:
                return None
        self._tell(kind, data)
        return None

    def _epochs_open(self) -> int | None:
        """Return the last epoch that may be told of; None where all may be."""
        if not self.withholds:
            return None
        return max(0, self.state.t - 1) // self.state.steps_per_epoch

    def curve(self) -> dict[str, Any]:
        """Return the curve as far as it may be told."""
        return _cut(super().curve(), 0, self._epochs_open())

    def _tell_epochs(self, *, anew: bool = False) -> None:
        """Tell of the epochs that may be told of and weren't yet."""
        with self._framing:
            if anew:
                self._epochs_told = 0
            news = _cut(super().curve(), self._epochs_told, self._epochs_open())
            count = len(news["epochs"])
            if not count and not anew:
                return
            self._epochs_told += count
        self._tell("curve", {**news, "whole": True} if anew else news)

    # ---- where one may go

    def _become(self, change: Callable[[SessionState], SessionState]) -> None:
        super()._become(lambda state: self._within(state, change(state)))

    def _within(self, before: SessionState, now: SessionState) -> SessionState:
        """Return a state that stops where something is withheld; raises SettingsError where a command leads behind it."""
        if self._posing:
            return now
        made = self.made
        limit = self._limit(made, before)
        t, index = now.wanted or now.cursor
        lesson = self.tutor if self.tutor is not None and self.tutor.number else None
        if limit is None:
            stops = lesson is None and now.playing and now.t != before.t and self.asker.asks(made, now)
            return replace(now, playing=False) if stops else now
        most = before.t if lesson is None else lesson.most_updates
        behind = index >= limit and (lesson is not None or t == before.t)
        if not (t > most or behind or now.follows):
            return now
        if before.playing:
            return replace(before, playing=False, follows=False, wanted=None)
        raise SettingsError(FIRST if self._waits else LATER)

    def _show(self, *, soon: bool = False) -> dict[str, Any]:
        frame = super()._show(soon=soon)
        self._tell_epochs()
        self._tell_lesson()
        return frame

    # ---- what a page asks to be done

    def _follow(self, command: Mapping[str, Any]) -> dict[str, Any]:
        what = str(command.get("do"))
        if what in OWN:
            reduce(self.state, {"do": "pause", "client": command.get("client")})  # refuses who doesn't steer
            OWN[what](self, command)
            return {"ok": True, "seq": self._show()["seq"]}
        until = None if self.tutor is None else self.tutor.until
        does = (
            until is not None
            and until["changes"] is not None
            and not self._waits
            and what in ("edit", "undo")
        )
        if self.withholds and what not in COMMANDS and not does:
            raise SettingsError(FIRST if self._waits else LATER)
        return super()._follow(command)

    def _lesson(self, command: Mapping[str, Any]) -> None:
        """Begin a lesson, go to one of its steps, or leave it."""
        name, number = command.get("name"), command.get("number")
        if number is not None:
            if self.tutor is None:
                raise SettingsError("there is no lesson: begin one first")
            self.tutor.go(number, int(command.get("passed") or 0))
            return self._stand()
        if name is None:
            self.tutor = None
            return self._tell_epochs()
        if self.made.course.kind != "lesson":
            raise SettingsError(
                "the studio is on a table, and a lesson has rows of its own: end it and start the studio on a lesson"
            )
        from chainrule.lessons.lesson import lesson_names, read_lesson
        from chainrule.studio.taught.tutor import Tutor

        own = asked_of(self.made.course).lesson
        if name not in lesson_names() and (own is None or name != own.name):
            raise SettingsError(f"there is no lesson {name!r}; there are {', '.join(lesson_names())}")
        tutor = Tutor(own if own is not None and name == own.name else read_lesson(str(name)))
        tutor.go(1, int(command.get("passed") or 0))
        self.asker.on = False
        self.tutor = tutor
        self._stand(anew=True)
        return None

    def _stand(self, *, anew: bool = False) -> None:
        """Have the page stand where the lesson's step is about."""
        tutor = self.tutor
        assert tutor is not None
        course, t = tutor.course()
        if course is not None and (anew or course is not self.made.course):
            self._swap(course)
        tutor.begun_at = t
        place = tutor.step.values["page"].get("place")
        asked = {"pass": place} if place not in (None, "rest") and not tutor.waits else None
        row = tutor.row if tutor.row in self.state.rows else None
        self._posing = True
        try:
            self._become(
                lambda state: reduce(replace(state, row=row), {"do": "seek", "t": t, "place": asked})
            )
        finally:
            self._posing = False

    def _answer(self, command: Mapping[str, Any]) -> None:
        given = str(command["given"])
        if self.tutor is not None:
            return self.tutor.answer(given)
        if not self._waits:
            raise SettingsError("nothing is asked here")
        return self.asker.answer(given, self.made)

    def _reveal(self, _: Mapping[str, Any]) -> None:
        if self.tutor is not None:
            return self.tutor.reveal()
        if not self._waits:
            raise SettingsError("nothing is asked here")
        return self.asker.open(self.made)

    def _predict(self, command: Mapping[str, Any]) -> None:
        if self.tutor is not None:
            raise SettingsError("a lesson asks by itself: leave it first")
        self._show()  # what is seen already isn't asked
        self.asker.on = bool(command["on"])
        if self.asker.on and self.made.tape.last is not None:
            self.asker.begin_again(self.made)
        if not self.asker.on:
            self.asker.forget()

    # ---- what is told

    def lesson(self) -> dict[str, Any]:
        """Return what a page is told of the lesson, and of the question."""
        with self._framing:
            state, made = self.state, self.made
            look: Look | None = None
            if self.tutor is not None:
                # At the last place before a pass one has come to it.
                place = made.walk.at(min(state.index + (state.index > 0), len(made.walk) - 1))
                changed = [str(one.address) for one in self.runs.current.edits if one.address]
                self.tutor.sees(state.t, place.phase, changed)
                question = self.tutor.question_told()
            else:
                question = None
                if self.asker.on and not state.playing:
                    look = made.lookout.look(state.t, state.member - 1, state.row)
                    if self.asker.asks(made, state):
                        self.asker.pose(made, look, self._epochs_told)
                    question = self.asker.told(made, look, state.notation)
            offer = self._offered()
            return {
                "lesson": None if self.tutor is None else self.tutor.told(),
                "question": question,
                "asks": self.asker.on,
                "offer": offer,
            }

    def _offered(self) -> dict[str, str] | None:
        """Return the lesson that can be begun; None where one is on, or the studio is on a table."""
        if self.tutor is not None or self.made.course.kind != "lesson" or not self.made.course.words:
            return None
        lesson = asked_of(self.made.course).lesson
        return None if lesson is None else {"name": lesson.name, "title": lesson.title}

    def _tell_lesson(self) -> None:
        told = self.lesson()
        if told != self._lesson_told:
            self._lesson_told = told
            self._tell("lesson", told)


def _cut(curve: Mapping[str, Any], begin: int, last: int | None) -> dict[str, Any]:
    """Return a curve from a place on, up to an epoch."""
    count = len(curve["epochs"]) if last is None else sum(epoch <= last for epoch in curve["epochs"])
    return {
        name: value[begin : max(begin, count)] if isinstance(value, list) else value
        for name, value in curve.items()
    }


OWN: Mapping[str, Callable[[TaughtStudio, Mapping[str, Any]], None]] = {
    "lesson": TaughtStudio._lesson,
    "answer": TaughtStudio._answer,
    "reveal": TaughtStudio._reveal,
    "predict": TaughtStudio._predict,
}
"""What a page can ask for here that a plain studio doesn't know."""
