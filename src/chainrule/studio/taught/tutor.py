"""A lesson that drives the page: where it stands, what it asks, which answers came, and when it may go on.

The steps are made by the lesson's own runner, in their order; what a step shows is kept back until its question is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from chainrule.errors import ChainruleError, SettingsError
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.document import Picture
from chainrule.explain.show.html import environment
from chainrule.explain.show.showing import Showing
from chainrule.lessons.asking import LessonQuestion, ask_of, asked_kind
from chainrule.lessons.lesson import Lesson, LessonStep, lesson_names, read_lesson
from chainrule.lessons.moves.all import MOVES
from chainrule.lessons.runner import Walk, setups_of, told_in
from chainrule.lessons.setup import Setup
from chainrule.lessons.show.document import ShownStep
from chainrule.studio.protocol.nested import Node, nested
from chainrule.studio.taught.replies import Reply, question_told
from chainrule.studio.taught.withheld import AskedAbout, limit_of
from chainrule.studio.training.course import Course, course_of_setup
from chainrule.studio.training.opening import AskedFor
from chainrule.studio.training.walk import UpdateWalk

MOST_BEFORE = 1000
"""The most updates that a lesson's training is played from its begin; after more it begins where the step stands."""

TRIES = 2
"""So many wrong answers, and one may have it shown."""

DRAWN = ("describe", "derive")
"""The moves whose picture is the network, which stands on the page already."""

DO = {
    "updates": "Make {}: the page does one with each step of an update.",
    "place": "Go on, step by step, as far as the {} pass.",
    "changes": "Change `{}`: choose it in the network, and write another number.",
}
"""What is to be done, by the key of `until`."""


@dataclass(frozen=True)
class StepPlan:
    """What is known of a step before it is made: its network, the state that it is about, and what it asks.

    Steps with the same ``about`` are about the same numbers; what lies ``ahead`` of them is the same for the same ``runs``,
    as the rate and the optimizer tell.
    """

    network: str
    about: tuple[Any, ...]
    asked: AskedAbout | None
    ahead: bool
    runs: frozenset[tuple[Any, ...]]


@dataclass
class StepReply:
    """What came to a step's question: how often one tried, the last reply, and whether the answer is shown."""

    tries: int = 0
    reply: Reply | None = None
    opened: bool = False


@dataclass
class Tutor:
    """A lesson on its way. ``passed`` steps were gone through, now or as the browser remembers it."""

    lesson: Lesson
    walk: Walk = field(init=False)
    number: int = 0
    passed: int = 0
    begun_at: int = 0
    """The update that the page stood at when the step began."""
    _replies: dict[int, StepReply] = field(default_factory=dict)
    _before: dict[int, dict[str, Setup]] = field(default_factory=dict)
    _courses: dict[tuple[str, bool, int], Course] = field(default_factory=dict)
    _nodes: dict[int, list[Node]] = field(default_factory=dict)
    _done: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make the walk, and look what its steps will ask."""
        self.walk = Walk(self.lesson)
        self.plans = _plans(self.walk, setups_of(self.lesson))
        self.titles = [self._title(number) for number in range(1, len(self.walk) + 1)]
        self.others = [{"name": name, "title": read_lesson(name).title} for name in lesson_names()]

    # ---- where it stands

    @property
    def step(self) -> LessonStep:
        """The step, as the file says it."""
        return self.walk.lesson.steps[self.number - 1]

    @property
    def shown(self) -> ShownStep:
        """The step, made."""
        return self.walk.step(self.number)

    @property
    def setup(self) -> Setup:
        """The network that the step is about, as the lesson's file gives it, with its rows and its rate."""
        return setups_of(self.lesson)[self.plans[self.number - 1].network]

    @property
    def question(self) -> LessonQuestion | None:
        """What the step asks."""
        return self.shown.question

    @property
    def reply(self) -> StepReply:
        """What came to it."""
        return self._replies.setdefault(self.number, StepReply())

    @property
    def waits(self) -> bool:
        """Whether an answer is waited for."""
        return not self._answered(self.number) and self.question is not None

    @property
    def until(self) -> Mapping[str, Any] | None:
        """What is to be done on the page, where something is."""
        found: Mapping[str, Any] | None = self.step.values["until"]
        return found

    @property
    def done(self) -> bool:
        """Whether that is done."""
        return self.until is None or self.number in self._done or self.number <= self.passed

    @property
    def may_go(self) -> bool:
        """Whether the next step may come."""
        return not self.waits and self.done

    def _answered(self, number: int) -> bool:
        reply = self._replies.get(number)
        return number <= self.passed or (reply is not None and reply.opened)

    # ---- what is done

    def go(self, number: int, passed: int = 0) -> None:
        """Go to a step; raises SettingsError where those before aren't passed, or it can't be made."""
        if not 1 <= number <= len(self.walk):
            raise SettingsError(f"there is no step {number}: the lesson has {len(self.walk)}")
        self.passed = max(self.passed, min(passed, len(self.walk)))
        if self.number and self.may_go:
            self.passed = max(self.passed, self.number)
        if number > self.passed + 1:
            what = "answer its question" if self.number and self.waits else "do what it says"
            raise SettingsError(f"step {self.passed + 1} comes first: {what}")
        while len(self.walk.made) < number:
            # Training replaces what it changes, and changes nothing in place.
            setups = self.walk.setups
            self._before[len(self.walk.made) + 1] = {name: copy(setup) for name, setup in setups.items()}
            self.walk.step(len(self.walk.made) + 1)
        self.number = number

    def answer(self, given: str) -> None:
        """Take an answer in; raises SettingsError for one that is none, or where nothing is asked."""
        question = self.question
        if question is None or not self.waits:
            raise SettingsError("nothing is asked here")
        value = question.read(given)
        state = self.reply
        state.tries += 1
        right = question.is_right(value)
        opens = right or question.enough == "guess"
        state.reply = Reply(given, value, right, question.slip(value) if not right else "", state.tries)
        state.opened = opens

    def reveal(self) -> None:
        """Show the answer to who has tried; raises SettingsError to who hasn't."""
        if not self.waits:
            raise SettingsError("nothing is asked here")
        if self.reply.tries < self.tries_first:
            raise SettingsError(f"try it first: it is shown after {self.tries_first} answers")
        self.reply.opened = True

    @property
    def tries_first(self) -> int:
        """After how many answers it may be shown."""
        question = self.question
        return TRIES if question is None or not question.told else min(TRIES, len(question.told) - 1)

    def sees(self, t: int, phase: str, changed: Sequence[str]) -> None:
        """Look whether what is to be done is done: the page is after ``t`` updates, in a pass; numbers were changed by hand."""
        until = self.until
        if until is None or self.number in self._done:
            return
        phases = ("rest", "cell", "forward", "answer", "loss", "backward", "update")
        if (
            (until["updates"] and t - self.begun_at >= until["updates"])
            or (until["place"] and (t > self.begun_at or phases.index(phase) >= phases.index(until["place"])))
            or (until["changes"] in changed)
        ):
            self._done.add(self.number)

    # ---- what the page stands at

    def course(self) -> tuple[Course | None, int]:
        """Return the training that the step is about, and after how many updates; None where it has no targets."""
        plan = self.plans[self.number - 1]
        setup = self._before[self.number][plan.network]
        late = setup.state.t > MOST_BEFORE
        key = (plan.network, late, setup.state.t if late else 0)
        if key not in self._courses:
            base = setup if late else setups_of(self.lesson)[plan.network]
            try:
                made = course_of_setup(base, self.lesson.title, told_in(self.lesson).name)
            except ChainruleError:
                return None, 0
            self._courses[key] = replace(
                made, words={"asked": AskedFor(lesson=self.lesson, network=plan.network)}
            )
        return self._courses[key], 0 if late else setup.state.t

    @property
    def row(self) -> int | None:
        """The row that is looked at; None: the first of each batch."""
        rows = self.step.values["rows"]
        picked: int | None = self.step.values["page"].get("row")
        return picked or (rows[0] if rows else None)

    @property
    def most_updates(self) -> int:
        """The last update that the page may show while something is withheld."""
        until = self.until
        return self.begun_at + ((until or {}).get("updates") or 0)

    def limit(self, walk: UpdateWalk) -> int | None:
        """Return the first place of an update that is withheld: for this question, and for those to come about these numbers."""
        if not self.number:
            return None
        now = self.plans[self.number - 1]
        same = [
            (number, plan.asked)
            for number, plan in enumerate(self.plans, 1)
            if plan.asked is not None
            and plan.about == now.about
            and (not plan.ahead or self._run_of(now.network) in plan.runs)
        ]
        known = {asked.names for number, asked in same if self._answered(number)}
        open_ones = [
            asked
            for number, asked in same
            if number >= self.number and not self._answered(number) and (asked.names not in known or number == self.number)
        ]  # fmt: skip
        here = self.plans[self.number - 1].asked
        if self.waits and here is not None and here not in open_ones:
            open_ones.append(here)
        return limit_of(walk, open_ones)

    def _run_of(self, network: str) -> tuple[Any, ...]:
        """Return what tells a network's training from another's that begins alike."""
        return _run(self.walk.setups[network])

    # ---- what is told

    def told(self) -> dict[str, Any]:
        """Return what a page is told of the lesson."""
        shown, waits = self.shown, self.waits
        return {
            "name": self.lesson.name,
            "title": self.lesson.title,
            "source": self.lesson.source,
            "titles": self.titles,
            "number": self.number,
            "of": len(self.walk),
            "passed": self.passed,
            "nodes": [] if waits else self.nodes_of(shown),
            "light": list(self._light),
            "tab": self.step.values["page"].get("tab") if not waits else None,
            "until": self._until_told(),
            "may_go": self.may_go,
            "others": self.others,
        }

    def question_told(self) -> dict[str, Any] | None:
        """Return what a page is told of the question; None where there is none."""
        question = self.question
        if question is None or (self.number <= self.passed and self.reply.reply is None):
            return None
        state = self.reply
        shows = self.waits and state.tries >= self.tries_first
        naming = self.shown.naming
        return question_told(
            question, f"{self.lesson.name}-{self.number}", state.reply, opened=not self.waits, may_reveal=shows, naming=naming
        )  # fmt: skip

    @property
    def _light(self) -> Sequence[str]:
        """The addresses that are lit."""
        values, question = self.step.values, self.question
        if values["page"].get("light"):
            found: Sequence[str] = values["page"]["light"]
            return found
        if self.waits and question is not None:
            return [name for name in question.names if "[" in name and "." not in name]
        return [*(values.get("addresses") or ()), *filter(None, [values.get("parameter")])]

    def _until_told(self) -> dict[str, Any] | None:
        until = self.until
        if until is None or self.waits:
            return None
        key = next(key for key in DO if until[key] is not None)
        what = until[key]
        what = f"{what} update{'s' * (what > 1)}" if key == "updates" else what
        words = until["words"] or DO[key].format(what)
        return {"nodes": words_nodes(words, self.shown.naming), "done": self.done}

    def nodes_of(self, shown: ShownStep, *, drawn: bool = False) -> list[Node]:
        """Return what a step shows, as nested lists; ``drawn``: with the network, where no page draws it beside."""
        if shown.number not in self._nodes:
            module: Any = environment().get_template("parts.html").module
            markup = [
                str(module.block(item, 3, f"lesson-{shown.number}-{place}"))
                for place, item in enumerate(shown.section.blocks, 1)
                if drawn or not (shown.move in DRAWN and isinstance(item, Picture))
            ]
            self._nodes[shown.number] = [node for one in markup for node in nested(one) if node != "\n"]
        return self._nodes[shown.number]

    def _title(self, number: int) -> str:
        step = self.walk.lesson.steps[number - 1]
        network = self.plans[number - 1].network
        naming = Naming(told_in(self.lesson), self.walk.setups[network].network)
        return Showing(naming=naming, formulas=True).words(step.values["title"] or f"Step {number}")


def words_nodes(words: str, naming: Naming | None) -> list[Node]:
    """Return words as nodes, the names of numbers and the formulas in them as such."""
    from chainrule.explain.show.prose import shown_words

    return nested(str(shown_words(words, naming, True)))


def _run(setup: Setup) -> tuple[Any, ...]:
    settings = setup.settings
    amounts = (settings.l1, settings.l2, settings.weight_decay, settings.clip_norm)
    return setup.eta, settings.optimizer.spec, settings.batch_size, *amounts


def _plans(walk: Walk, fresh: Mapping[str, Setup]) -> list[StepPlan]:
    """Return what is known of a lesson's steps before they are made."""
    first = next(iter(fresh))
    families = {name: (setup.x.tobytes(), setup.flat.tobytes()) for name, setup in fresh.items()}
    trained = dict.fromkeys(fresh, 0)
    plans = []
    for step in walk.lesson.steps:
        values = step.values
        several: tuple[str, ...] = values.get("networks") or ()
        network = values["network"] or (several or (first,))[0]
        count = trained[network]
        about = families[network] if not count else (network, count)
        ask = ask_of(step, fresh[network])
        asked = None
        if ask is not None:
            kind, names = asked_kind(ask)
            seen = ask["seen"] or ("nothing" if kind == "choices" else None)
            asked = AskedAbout(() if kind == "choices" else names, seen)
        runs = frozenset(_run(fresh[name]) for name in several or (network,))
        plans.append(StepPlan(network, about, asked, ask is not None and bool(ask["ahead"]), runs))
        if MOVES[step.move].trains:
            for name in several or (network,):
                trained[name] += 1
    return plans
