"""The runner: walks through a lesson's steps and compares what comes out with what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from functools import partial

import numpy as np

from chainrule._numbers import number_text
from chainrule.errors import ChainruleError, SettingsError
from chainrule.explain.derive.grid import Grid
from chainrule.explain.notation.factors import in_factors
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import Notation, notation
from chainrule.explain.show.document import Block, Checked, Compared, Erratum, GridBlock, Plot, Words, Worked
from chainrule.lessons.asking import LessonQuestion, ask_of, question_of_step
from chainrule.lessons.lesson import Lesson, LessonStep
from chainrule.lessons.moves.all import MOVES
from chainrule.lessons.moves.base import Scene
from chainrule.lessons.moves.pictures import curves_picture
from chainrule.lessons.names import in_addresses
from chainrule.lessons.numbers import Numbers
from chainrule.lessons.setup import Setup
from chainrule.lessons.show.document import ShownStep

REPEATED = "train"
"""The move whose repeats have a curve of the cost."""


def setups_of(lesson: Lesson) -> dict[str, Setup]:
    """Return a lesson's networks as they are before the first step, by name."""
    place = lesson.where.at("networks")
    return {name: Setup(name, plan, place.at(name), lesson.folder) for name, plan in lesson.networks.items()}


class Walk:
    """A lesson's steps, each made once, in order, when it or a later one is first asked for.

    An expected number that doesn't come out is shown as such (`ShownStep.ok` is False). With ``repeats`` the networks are
    kept as each training leaves them, so that `again` can go on from there, and shows the cost of all repeats so far.
    """

    def __init__(self, lesson: Lesson, *, repeats: bool = False) -> None:
        self._setups = setups_of(lesson)
        self.lesson = in_addresses(lesson, self._setups)
        self._titles = [step.values["title"] for step in lesson.steps]
        self.made: list[ShownStep] = []
        self._repeats = repeats
        self._left: dict[int, dict[str, Setup]] = {}
        self._costs: dict[int, dict[int, float]] = {}
        self._asked: set[tuple[str, tuple[str, ...], int]] = set()

    def __len__(self) -> int:
        return len(self.lesson.steps)

    @property
    def setups(self) -> dict[str, Setup]:
        """The networks as the steps that are made have left them, by name."""
        return self._setups

    def step(self, number: int) -> ShownStep:
        """Return a step (from 1); raises SettingsError, naming the step, for one that can't be made."""
        while len(self.made) < number:
            step = self.lesson.steps[len(self.made)]
            if self._repeats and step.move == REPEATED:
                self._note_cost(len(self.made) + 1, self._setups)
            self.made.append(self._shown(len(self.made) + 1, step, self._setups))
            if self._repeats and self.trains(len(self.made)):
                # Training replaces what it changes, and changes nothing in place.
                self._left[len(self.made)] = {name: copy(setup) for name, setup in self._setups.items()}
        return self.made[number - 1]

    def trains(self, number: int) -> bool:
        """Tell whether a step trains, which may take a while."""
        return MOVES[self.lesson.steps[number - 1].move].trains

    def again(self, number: int) -> ShownStep:
        """Return a step once more; one that trains goes on from where it ended, and leaves the lesson as it is."""
        step = self.lesson.steps[number - 1]
        if number not in self._left:
            return self.step(number)
        values = {**step.values, "text": None, "show": None, "expect": {}}
        if number in self._costs:
            self._note_cost(number, self._left[number])
        shown = self._shown(number, replace(step, values=values), self._left[number])
        if number not in self._costs:
            return shown
        self._note_cost(number, self._left[number])
        return replace(shown, blocks=(*shown.blocks, self._curve(number)))

    def _note_cost(self, number: int, setups: dict[str, Setup]) -> None:
        """Keep the cost that a step's network has after the updates that it has had."""
        setup = _setup(self.lesson.steps[number - 1], setups)
        self._costs.setdefault(number, {})[setup.state.t] = setup.cost(setup.training)

    def _curve(self, number: int) -> Plot:
        """Return the cost of a step's network over all of its repeats."""
        costs = self._costs[number]
        x, heights = (np.array(list(side), np.float64) for side in (costs, costs.values()))
        shown = partial(number_text, digits=self.lesson.digits)
        return curves_picture(
            x, {"the cost so far": heights}, labels=("updates", "cost"), number=shown, log=False
        )

    def _shown(self, number: int, step: LessonStep, setups: dict[str, Setup]) -> ShownStep:
        try:
            blocks, question = _blocks(self.lesson, step, setups)
        except ChainruleError as error:
            message = str(error)
            if message.startswith(f"{self.lesson.where.file}: "):
                raise
            raise SettingsError(f"{step.where.file}: {step.where.place} ({step.move}): {message}") from error
        if question is not None and step.values["ask"] is None:
            # What was asked before is known; a text comes back to it to show it in another way.
            about = (_setup(step, setups).name, question.names, _setup(step, setups).state.t)
            if about in self._asked:
                question = None
            self._asked.add(about)
        title, said = step.values["title"] or "", (step.values["states"], step.values["announces"] or "")
        naming = Naming(told_in(self.lesson), _setup(step, setups).network)
        shown = (tuple(blocks), naming, *said, self._pictures(step))
        return ShownStep(number, len(self), step.move, title, *shown, question)

    def _pictures(self, step: LessonStep) -> tuple[tuple[int, str], ...]:
        """Return the steps that show a step in pictures, by number and title."""
        return tuple((self._titles.index(title) + 1, title) for title in step.values["pictures"])


def walk_lesson(lesson: Lesson) -> Iterator[ShownStep]:
    """Make a lesson's steps one after the other, and yield what each shows; raises what `Walk.step` raises."""
    walk = Walk(lesson)
    for number in range(1, len(walk) + 1):
        yield walk.step(number)


def _blocks(
    lesson: Lesson, step: LessonStep, setups: dict[str, Setup]
) -> tuple[list[Block], LessonQuestion | None]:
    """Make a step: what it shows, and what it asks first."""
    setup = _setup(step, setups)
    ask = ask_of(step, setup)
    outcome = MOVES[step.move].run(Scene(setup, setups, step.values, lesson.digits, told_in(lesson)))
    words = step.values["text"]
    blocks: list[Block] = [Words(part) for part in words.split("\n\n")] if words else []
    blocks += outcome.blocks
    numbers = Numbers(setup, step.values["rows"], outcome.numbers)
    items = [
        Compared(name, f"{'not ' * wrong}{said}", found := numbers[name], said.holds(found) is not wrong)
        for key, wrong in (("expect", False), ("wrong", True))
        for name, said in step.values.get(key, {}).items()
    ]
    blocks += [Checked(tuple(items))] if items else []
    asked = None if ask is None else question_of_step(step, setup, numbers, ask)
    return [_as_written(block, lesson, setup, step) for block in blocks], asked


def _setup(step: LessonStep, setups: dict[str, Setup]) -> Setup:
    """Return the network of a step."""
    return setups[step.values["network"] or next(iter(setups))]


def told_in(lesson: Lesson) -> Notation:
    """Return the notation that a lesson is told in."""
    return notation(lesson.told_in or lesson.notation)


def _kept_names(setup: Setup) -> frozenset[str]:
    """Return the names of inputs and columns, which stay as they are."""
    return frozenset(name for name in setup.column_names if "[" not in name)


def _as_written(block: Block, lesson: Lesson, setup: Setup, step: LessonStep) -> Block:
    """Return a block with the names of the lesson's notation."""
    own = told_in(lesson)
    naming = Naming(own, setup.network)
    match block:
        case GridBlock():
            return replace(block, naming=naming, kept=_kept_names(setup))
        case Words() | Erratum():
            return replace(block, naming=naming)
        case Grid():
            return GridBlock(block, naming, _kept_names(setup))
    if own.name == "ours" or not isinstance(block, Worked | Checked):
        return block
    if isinstance(block, Checked):
        return replace(block, naming=naming)
    made = block.derivation
    if not made.address and (made.lines or made.statements):
        return block  # its letters are its own: a formula's, or those of a derivation in symbols
    if own.delta == "factors" and made.address:
        made = in_factors(made, setup.trace(step.values["rows"]))
    return replace(block, derivation=made, naming=naming)
