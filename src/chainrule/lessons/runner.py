"""The runner: walks through a lesson's steps and compares what comes out with what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chainrule.errors import ChainruleError, SettingsError
from chainrule.explain.notation.factors import in_factors
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation
from chainrule.explain.show.document import Block, Checked, Compared, Words, Worked
from chainrule.lessons.lesson import Lesson, LessonStep
from chainrule.lessons.moves.all import MOVES
from chainrule.lessons.moves.base import Scene
from chainrule.lessons.numbers import Numbers
from chainrule.lessons.setup import Setup
from chainrule.lessons.show.document import ShownStep


def setups_of(lesson: Lesson) -> dict[str, Setup]:
    """Return a lesson's networks as they are before the first step, by name."""
    place = lesson.where.at("networks")
    return {name: Setup(name, plan, place.at(name), lesson.folder) for name, plan in lesson.networks.items()}


def walk_lesson(lesson: Lesson) -> Iterator[ShownStep]:
    """Make a lesson's steps one after the other, and yield what each shows.

    An expected number that doesn't come out is shown as such (`ShownStep.ok` is False); raises SettingsError, naming the
    step, for one that can't be made.
    """
    setups = setups_of(lesson)
    for number, step in enumerate(lesson.steps, 1):
        try:
            blocks = _blocks(lesson, step, setups)
        except ChainruleError as error:
            message = str(error)
            if message.startswith(f"{lesson.where.file}: "):
                raise
            raise SettingsError(f"{step.where.file}: {step.where.place} ({step.move}): {message}") from error
        yield ShownStep(number, len(lesson.steps), step.move, step.values["title"] or "", tuple(blocks))


def _blocks(lesson: Lesson, step: LessonStep, setups: dict[str, Setup]) -> list[Block]:
    setup = setups[step.values["network"] or next(iter(setups))]
    outcome = MOVES[step.move].run(Scene(setup, setups, step.values, lesson.digits))
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
    return [_as_written(block, lesson, setup, step) for block in blocks]


def _as_written(block: Block, lesson: Lesson, setup: Setup, step: LessonStep) -> Block:
    """Return a block with the names of the lesson's notation."""
    own = notation(lesson.notation)
    if own.name == "ours" or not isinstance(block, Worked | Checked):
        return block
    naming = Naming(own, setup.network)
    if isinstance(block, Checked):
        return replace(block, naming=naming)
    made = block.derivation
    if own.delta == "factors" and made.address:
        made = in_factors(made, setup.trace(step.values["rows"]))
    return replace(block, derivation=made, naming=naming)
