"""``chainrule lesson``: the worked examples, and lessons of one's own, step by step."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chainrule._aside import tell
from chainrule.cli.console import output_width, screen
from chainrule.cli.documents import chosen_format, deliver, document_options, signs
from chainrule.cli.parsing import Parser
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.explain.show.document import Document
    from chainrule.lessons.lesson import Lesson
    from chainrule.lessons.show.document import ShownStep

EXAMPLES = """
chainrule lesson
chainrule lesson article-5
chainrule lesson article-1 --all --steps 2-4
chainrule lesson ./mine.toml --format html --out mine.html
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "lesson",
        "[NAME] [options]",
        "Walk through a worked example step by step: Enter for the next step, q to leave. Without NAME, list them. "
        "Every number is worked out and compared with what is expected; the exit code is 1 if one does not come out.",
        EXAMPLES,
    )
    made.options("what", {"[NAME]": "a lesson of the list, or a file of your own that ends in .toml"})
    made.option("what", "--steps", metavar="N", help="only the first N steps; 3-5: only those")
    made.options("output", {"--all": "all steps at once, without waiting for Enter"})
    document_options(made)
    return made


def run(options: argparse.Namespace) -> int:
    """Run the command; return 1 if an expected number did not come out."""
    from chainrule.lessons.lesson import read_lesson
    from chainrule.lessons.runner import walk_lesson
    from chainrule.lessons.show.document import lesson_document

    form = chosen_format(options)
    if options.name is None:
        if given := next(filter(vars(options).get, ("steps", "all")), None):
            raise SettingsError(f"--{given} is about the steps of a lesson: name the lesson, or leave it out")
        deliver(_list(), form, options)
        return 0
    lesson = read_lesson(options.name)
    first, last = _range(options.steps, len(lesson.steps))
    wrong: list[int] = []

    def steps() -> Iterator[ShownStep]:
        for shown in walk_lesson(lesson):
            if shown.number > last:
                return
            if not shown.ok:
                wrong.append(shown.number)
            if shown.number >= first:
                yield shown

    if form == "text" and options.out is None:
        waits = not options.all and sys.stdin.isatty() and sys.stdout.isatty()
        _walk_through(lesson, steps(), last, waits=waits)
    else:
        deliver(lesson_document(lesson, list(steps())), form, options)
    if wrong:
        what = f"a number did not come out as expected in step {', '.join(map(str, wrong))}"
        tell(f"error: {lesson.where.file}: {what}")
    return 1 if wrong else 0


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


def _walk_through(lesson: Lesson, steps: Iterator[ShownStep], last: int, *, waits: bool) -> None:
    from chainrule.explain.show.terminal import head_rows, print_rows, section_rows
    from chainrule.lessons.show.document import WIDTH, lesson_document

    console = screen()
    width = min(output_width(WIDTH), 100)
    print_rows(console, head_rows(lesson_document(lesson, ()), width, signs()))
    for shown in steps:
        print_rows(console, section_rows(shown.section, width, signs()))
        if waits and shown.number < last and not _goes_on():
            return


def _goes_on() -> bool:
    """Wait for Enter; False where the reader wants to leave."""
    try:
        answer = input("\n[Enter: next step, q: leave] ")
    except EOFError:
        return False
    return answer.strip().lower() not in ("q", "quit", "exit")
