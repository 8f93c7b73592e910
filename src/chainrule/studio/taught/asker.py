"""Ask me first: outside of lessons, a question at each update that one stops at, until one has had enough of it.

What is asked goes round: the sign of a derivative, which weight moves most, the cost after the update. The numbers are those of
the update that comes; what was seen before isn't asked.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._numbers import number_text
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation
from chainrule.studio.shown.looking import Look
from chainrule.studio.taught.replies import Reply, question_told
from chainrule.studio.taught.withheld import place_after
from chainrule.studio.training.made import Made
from chainrule.studio.training.session import SessionState

if TYPE_CHECKING:  # a table needs no lessons, which take a while to be loaded
    from chainrule.lessons.asking import LessonQuestion

OPTIONS = 4
"""The weights of which one is chosen."""

STRIDE = 7919
"""By so many parameters the question goes on from update to update, so that it goes through all of them."""


class Asker:
    """Whether one is asked first, what is asked now, and which updates were seen."""

    def __init__(self) -> None:
        self.on = False
        self.question: LessonQuestion | None = None
        self.reply: Reply | None = None
        self.opened = False
        self._at: tuple[Made, int] | None = None
        self._seen: weakref.WeakKeyDictionary[Made, int] = weakref.WeakKeyDictionary()

    def has_seen(self, made: Made, t: int) -> None:
        """Note that all of an update was shown."""
        self._seen[made] = max(t, self._seen.get(made, -1))

    def begin_again(self, made: Made) -> None:
        """Ask about each update of a training that was made already, as if none was seen."""
        self._seen.pop(made, None)

    def asks(self, made: Made, state: SessionState) -> bool:
        """Tell whether what lies in the update ahead is asked for before it is shown."""
        if not self.on or state.follows or made.course.shares:
            return False
        if state.last is not None and state.t >= state.last:
            return False
        return state.t > self._seen.get(made, 0 if made.course.by_hand else -1)

    def kind(self, t: int, told: int, per_epoch: int) -> str:
        """Return what is asked after ``t`` updates; of the cost only where no epoch behind was told of."""
        kind = ("sign", "moves", "number")[t % 3]
        return "sign" if kind == "number" and told * per_epoch > t else kind

    def limit(self, made: Made, state: SessionState) -> int | None:
        """Return the first place of the update that is withheld; None where all may be seen."""
        return place_after(made.walk, "loss") if self.asks(made, state) else None

    def pose(self, made: Made, look: Look, told: int) -> None:
        """Ask about the update that a look is before, unless that is asked already."""
        if self._at == (made, look.t):
            return
        self._at, self.reply, self.opened = (made, look.t), None, False
        self.question = _question(look, self.kind(look.t, told, look.tape.steps_per_epoch))
        if self.question is None:
            self.has_seen(made, look.t)

    def forget(self) -> None:
        """Ask nothing any more."""
        self.question, self._at, self.reply, self.opened = None, None, None, False

    def waits(self, made: Made, t: int) -> bool:
        """Tell whether the question about an update is open."""
        return self.question is not None and self._at == (made, t) and not self.opened

    def answer(self, given: str, made: Made) -> None:
        """Take an answer in, and show what is right; raises SettingsError for one that is none."""
        assert self.question is not None
        value = self.question.read(given)
        right = self.question.is_right(value)
        self.reply = Reply(given, value, right, "" if right else self.question.slip(value), 1)
        self.open(made)

    def open(self, made: Made) -> None:
        """Show what is right."""
        self.opened = True
        assert self._at is not None
        self.has_seen(made, self._at[1])

    def told(self, made: Made, look: Look, name: str) -> dict[str, Any] | None:
        """Return what a page is told of the question; None where there is none about this update."""
        if self.question is None or self._at != (made, look.t):
            return None
        naming = Naming(notation(name), look.course.network)
        return question_told(
            self.question, f"update-{look.t}", self.reply, opened=self.opened, may_reveal=True, naming=naming
        )  # fmt: skip


def _question(look: Look, kind: str) -> LessonQuestion | None:
    """Return the question of a kind about the update that a look is before; None where there is nothing to ask."""
    from chainrule.lessons.asking import LessonQuestion, sign_place, signs_told

    step = None if look.batch is None else look.batch.steps[0]
    if step is None or step.gradients is None:
        return None
    layout, t = look.course.layout, look.t
    free = np.flatnonzero(layout.free)
    # The parameters of the feature stage have no place in the drawing.
    free = (
        free[[not layout.address(int(i)).startswith(("f", "phi", "E")) for i in free]]
        if len(free) < 5000
        else free
    )
    if not len(free):
        return None
    if kind == "number" and step.update is not None:
        words = f"The cost is {number_text(float(step.gradients.cost), 4)}. What is it for the same rows after this update?"
        value = float(step.update.cost)
        return (
            LessonQuestion("number", words, ("C_new",), (value,), digits=2, enough="guess")
            if np.isfinite(value)
            else None
        )
    if kind == "moves" and step.update is not None and len(free) > 1:
        return _which_moves(look, free)
    at = int(free[(t * STRIDE) % len(free)])
    name = f"dC/d{layout.address(at)}"
    gradient = look.whole_gradient
    assert gradient is not None
    value = float(gradient[at])
    if not np.isfinite(value):
        return None
    words = f"If `{layout.address(at)}` grows a little, what does the cost of the batch do?"
    return LessonQuestion(
        "sign", words, (name,), (value,), signs_told(name), sign_place(value), enough="guess"
    )


def _which_moves(look: Look, free: Any) -> LessonQuestion | None:
    from chainrule.lessons.asking import LessonQuestion

    layout, t = look.course.layout, look.t
    update = look.batch.steps[0].update if look.batch is not None else None
    assert update is not None
    change = np.asarray(update.parameters, np.float64) - np.asarray(look.state.parameters, np.float64)
    count = min(OPTIONS, len(free))
    chosen = sorted({int(free[(t * STRIDE + k * len(free) // count) % len(free)]) for k in range(count)})
    values = tuple(float(change[i]) for i in chosen)
    if not np.isfinite(values).all() or len(chosen) < 2:
        return None
    names = tuple(layout.address(i) for i in chosen)
    place = int(np.argmax(np.abs(values)))
    told = tuple(f"`{name}`" for name in names)
    return LessonQuestion(
        "moves", "Which of these does the update move most?", names, values, told, place, enough="guess"
    )
