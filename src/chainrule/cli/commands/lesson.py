"""``chainrule lesson``: the worked examples, and lessons of one's own, step by step."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from chainrule._aside import tell
from chainrule.cli.documents import chosen_format, deliver, document_options, print_or_write, python_only
from chainrule.cli.parsing import Parser, notation_option
from chainrule.cli.player import play
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.explain.show.document import Document

EXAMPLES = """
chainrule lesson
chainrule lesson article-5
chainrule lesson article-1 --all --steps 2-4
chainrule lesson article-5 --as nielsen
chainrule lesson ./mine.toml --format html --out mine.html
chainrule lesson article-5 --as-python
chainrule lesson article-4 --side-by-side --out article-4.html
chainrule lesson article-5 --shut --word oak --out class.html
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "lesson",
        "[NAME] [options]",
        "Walk through a worked example step by step: Enter for the next step, b back, a again, a number to jump "
        "there, q to leave. Without NAME, list them. "
        "Every number is worked out and compared with what is expected; the exit code is 1 if one does not come out.",
        EXAMPLES,
    )
    made.options("what", {"[NAME]": "a lesson of the list, or a file of your own that ends in .toml"})
    made.option("what", "--steps", metavar="N", help="only the first N steps; 3-5: only those")
    made.options("output", {"--all": "all steps at once, without waiting for Enter"})
    said = "the text's own formulas on the left, the steps on the right; below one another where there is no room"
    made.options("output", {"--side-by-side": said})
    said = (
        "a page for a class: its questions, with the answers and what follows them shut until they are found"
    )
    made.options(
        "output", {"--shut": said, "--word WORD": "what opens all answers of that page, for the teacher"}
    )
    notation_option(made, "output")
    program = (
        "the lesson as a program in plain Python, which imports nothing but math, in the article's names"
    )
    made.options("what", {"--as-python": program})
    document_options(made)
    return made


def run(options: argparse.Namespace) -> int:
    """Run the command; return 1 if an expected number did not come out."""
    from chainrule.explain.notation.record import notation
    from chainrule.lessons.lesson import read_lesson
    from chainrule.lessons.runner import Walk
    from chainrule.lessons.show.document import check_states, lesson_document

    if options.as_python:
        return _write_program(options)
    if options.shut or options.word is not None:
        return _write_class_file(options)
    form = chosen_format(options)
    if options.name is None:
        if given := next(filter(vars(options).get, ("steps", "all", "side_by_side", "notation")), None):
            given = {"notation": "as"}.get(given, given).replace("_", "-")
            raise SettingsError(f"--{given} is about the steps of a lesson: name the lesson, or leave it out")
        deliver(_list(), form, options)
        return 0
    lesson = read_lesson(options.name)
    if options.notation is not None:
        notation(options.notation)  # says what is wrong with it
        lesson = replace(lesson, told_in=options.notation)
    beside = options.side_by_side
    if beside:
        check_states(lesson)
    first, last = _range(options.steps, len(lesson.steps))
    plays = form == "text" and options.out is None
    waits = plays and not options.all and sys.stdin.isatty() and sys.stdout.isatty()
    walk = Walk(lesson, repeats=waits)
    if plays:
        play(walk, first, last, waits=waits, beside=beside)
    else:
        walk.step(last)
        deliver(lesson_document(lesson, walk.made[first - 1 : last], beside=beside), form, options)
    wrong = [shown.number for shown in walk.made if not shown.ok]
    if wrong:
        what = f"a number did not come out as expected in step {', '.join(map(str, wrong))}"
        tell(f"error: {lesson.where.file}: {what}")
    return 1 if wrong else 0


def _write_program(options: argparse.Namespace) -> int:
    """Print, or write, a lesson's program."""
    from chainrule.lessons.lesson import read_lesson
    from chainrule.lessons.program import lesson_program

    python_only(options, ("steps", "all", "side_by_side"))
    if options.name is None:
        raise SettingsError(
            "--as-python is of one lesson: name it, as in chainrule lesson article-5 --as-python"
        )
    print_or_write(lesson_program(read_lesson(options.name)), options)
    return 0


def _write_class_file(options: argparse.Namespace) -> int:
    """Print, or write, a lesson's page whose answers are shut."""
    from chainrule.explain.notation.record import notation
    from chainrule.lessons.lesson import read_lesson
    from chainrule.studio.taught.classfile import class_file

    if not options.shut:
        raise SettingsError("--word opens the answers of a page for a class: say --shut, too")
    if options.name is None:
        raise SettingsError("--shut is of one lesson: name it, as in chainrule lesson article-5 --shut")
    if given := next(filter(vars(options).get, ("steps", "all", "side_by_side")), None):
        raise SettingsError(
            f"--{given.replace('_', '-')} and --shut exclude each other: leave one of them out"
        )
    if chosen_format(options, ("html",)) != "html" and (options.format or options.out or options.json):
        raise SettingsError("--shut writes a page: leave --format out, or give a file that ends in .html")
    lesson = read_lesson(options.name)
    if options.notation is not None:
        notation(options.notation)  # says what is wrong with it
        lesson = replace(lesson, told_in=options.notation)
    print_or_write(class_file(lesson, options.word), options)
    return 0


def _list() -> Document:
    from chainrule.explain.show.document import Document, TableBlock, Words
    from chainrule.lessons.lesson import lesson_names, read_lesson

    listed = {name: read_lesson(name).summary for name in lesson_names()}
    more = "chainrule lesson NAME walks through one; docs/lessons.md says how to write your own."
    table = TableBlock(("lesson", "what it shows"), tuple(listed.items()))
    data = {"lessons": [{"name": name, "summary": summary} for name, summary in listed.items()]}
    return Document("Lessons", (table, Words(more)), data=data)


def _range(steps: str | None, count: int) -> tuple[int, int]:
    """Return the first and last step that are shown."""
    if steps is None:
        return 1, count
    match = re.fullmatch(r"\s*(?:(\d+)\s*-\s*)?(\d+)\s*", steps)
    first, last = (int(match[1] or 1), int(match[2])) if match else (0, 0)
    if first > last > 0:
        raise SettingsError(f"--steps {steps}: the range runs backwards; write {last}-{first}")
    if not 1 <= first <= last:
        what = "is neither a number of steps such as 3 nor a range such as 3-5"
        raise SettingsError(f"--steps {steps!r} {what}")
    if last > count:
        whole = f"choose at most {count}, or leave --steps out for all"
        raise SettingsError(f"--steps {steps}: the lesson has {count} step{'s' * (count != 1)}; {whole}")
    return first, last
