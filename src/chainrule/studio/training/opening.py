"""From the words of the command line to a training that can be shown: of a table, a lesson, or a model and its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule._doors import setting
from chainrule.errors import SettingsError
from chainrule.fitting.question import Question
from chainrule.model.model import Model
from chainrule.model.source import Reading
from chainrule.studio.training.course import (
    LESSON_EPOCHS,
    Course,
    course_of_setup,
    course_of_table,
    courses_of_model,
)
from chainrule.tables.table import Table
from chainrule.training.settings.record import Settings

if TYPE_CHECKING:
    from chainrule.lessons.lesson import Lesson

FIRST_LESSON = "article-5"
"""What a studio without a table opens on: two, two and two neurons, and an update that can be followed by hand."""

SMALL: Mapping[str, Any] = {"hidden": (8,), "members": 1}
"""The network that a table is first shown with: small enough to be looked at whole."""

CHOOSES = ("hidden", "members", "recipe", "fast", "sharing")
"""The settings that say how large a network is: with one of them given, `SMALL` chooses only what it must."""


@dataclass(frozen=True, eq=False)
class AskedFor:
    """What a training was asked for by: enough to ask for it again, otherwise, or at another door.

    Of a table: its ``question``, ``settings``, and as typed the name of its ``file``, of a ``test_file`` and a ``teacher``, and
    how it was ``read``. Of a ``model`` its ``model_file``, too. Of a lesson: the ``lesson``, which of its networks, and what is
    ``changed`` in it.
    """

    question: Question | None = None
    settings: Settings = field(default_factory=Settings)
    file: str = ""
    test_file: str | None = None
    read: Mapping[str, Any] = field(default_factory=dict)
    model: Model | None = None
    model_file: str | None = None
    lesson: Lesson | None = None
    network: str = ""
    changed: Mapping[str, Any] = field(default_factory=dict)
    threads: int | None = None
    teacher: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were read."""
        named = (self.file, self.test_file, self.teacher, self.model_file)
        return tuple(Path(name) for name in named if name and name != "-")


def opened_table(
    file: str,
    question: Mapping[str, Any],
    settings: Mapping[str, Any],
    read: Mapping[str, Any] | None = None,
    threads: int | None = None,
    table: Table | None = None,
) -> Course:
    """Return the training of a table's file, with the words of `Question` and `Settings` that were given.

    ``table`` is the file's, where it has been read. Without a ``target`` that is the last column, and a note says so. Raises
    TableError or SettingsError.
    """
    read = dict(read or {})
    how = Reading().changed(**read)
    table = how.table(file) if table is None else table
    asked = dict(question)
    notes: tuple[str, ...] = ()
    if not asked.get("target"):
        asked["target"] = table.columns[-1]
        notes = (f"The target is {asked['target']!r}, the last column: choose another one beside Target.",)
    if not isinstance(asked["target"], str) and len(asked["target"]) == 1:
        asked["target"] = asked["target"][0]
    test_file, teacher = asked.get("test_file"), asked.get("teacher")
    made = Question(table, reading=how, **asked).opened()
    words = AskedFor(
        made, Settings(**shown_first(settings)), file, test_file, read, threads=threads, teacher=teacher
    )
    return _of(words, notes)


def shown_first(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that were given, with those of a network that is small enough to be looked at.

    >>> shown_first({"seed": 1}), shown_first({"hidden": (4, 3)})
    ({'hidden': (8,), 'members': 1, 'seed': 1}, {'members': 1, 'hidden': (4, 3)})
    """
    if any(settings.get(name) for name in ("recipe", "fast")):
        return dict(settings)
    return {**{name: value for name, value in SMALL.items() if settings.get(name) is None}, **settings}


def opened_lesson(
    name: str = FIRST_LESSON, network: str = "", changed: Mapping[str, Any] | None = None
) -> Course:
    """Return the training of one of a lesson's networks, the first if none is named, with what is changed in it.

    Raises SettingsError for a lesson, or a network, that there isn't.
    """
    from chainrule.lessons.lesson import read_lesson

    lesson = read_lesson(name)
    return _of(
        AskedFor(lesson=lesson, network=network or next(iter(lesson.networks)), changed=dict(changed or {}))
    )


def opened_model(
    model_file: str, table: str, read: Mapping[str, Any] | None = None, threads: int | None = None
) -> Course:
    """Return the training that made a model, to be made once more on its table.

    Raises ModelFileError, TableError or SettingsError, which says why a model can't be replayed.
    """
    model = Model.load(model_file)
    opened = model.table(table, **(read or {}))
    course = courses_of_model(model, opened, Path(model_file).name, threads)
    asked = AskedFor(file=table, read=dict(read or {}), model=model, model_file=model_file, threads=threads)
    return opened_by(course, asked)


def opened_by(course: Course, asked: AskedFor) -> Course:
    """Return a course that knows what it was asked for by, with those beside it."""
    return replace(
        course, words={"asked": asked}, beside=tuple(opened_by(one, asked) for one in course.beside)
    )


def asked_of(course: Course) -> AskedFor:
    """Return what a training was asked for by."""
    asked = course.words.get("asked")
    assert isinstance(asked, AskedFor), "a course is opened here"
    return asked


def course_of(asked: AskedFor) -> Course:
    """Return the training that is asked for; raises TableError or SettingsError where it can't be made."""
    return _of(asked)


def _of(asked: AskedFor, notes: Sequence[str] = ()) -> Course:
    if asked.lesson is not None:
        made = _lesson_course(asked.lesson, asked)
    elif asked.question is not None:
        made = course_of_table(asked.question, asked.settings, asked.threads)
    else:
        raise SettingsError("a model's training is as it was: open its table to train another")
    return replace(made, words={"asked": asked}, notes=(*notes, *made.notes))


def _lesson_course(lesson: Lesson, asked: AskedFor) -> Course:
    from chainrule.lessons.runner import setups_of, told_in
    from chainrule.lessons.setup import Setup

    if asked.network not in lesson.networks:
        known = ", ".join(lesson.networks)
        raise SettingsError(f"{setting('network')} {asked.network!r}: {lesson.name} has {known}")
    plan = {**lesson.networks[asked.network], **_of_plan(asked.changed)}
    where = lesson.where.at("networks").at(asked.network)
    setup = setups_of(lesson)[asked.network]
    if asked.changed:
        setup = Setup(asked.network, plan, where, lesson.folder)
    epochs = asked.changed.get("epochs") or LESSON_EPOCHS
    return course_of_setup(setup, lesson.title, told_in(lesson).name, epochs)


def _of_plan(changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is changed by the names that a lesson's file has."""
    return {name: value for name, value in changed.items() if name != "epochs"}
