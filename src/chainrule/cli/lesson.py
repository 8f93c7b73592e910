"""``chainrule lesson``: the worked examples, and lessons of one's own, step by step."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.cli.console import screen
from chainrule.cli.parsing import Parser
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.explain.show.text import Row, Signs
    from chainrule.lessons.lesson import Lesson
    from chainrule.lessons.show.blocks import Shown

FORMATS = ("text", "latex", "html", "json")
WIDTH = 80
"""The width of text that goes to no terminal, and the widest that is easy to read."""

STYLES = {"title": "bold", "rule": "cyan", "result": "bold", "ok": "green", "wrong": "bold red", "dim": "dim"}

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
    made.option(
        "what",
        "name",
        metavar="NAME",
        nargs="?",
        help="a lesson of the list, or a file of your own that ends in .toml",
    )
    made.option("what", "--steps", metavar="N", help="only the first N steps; 3-5: only those")
    made.option("output", "--all", action="store_true", help="all steps at once, without waiting for Enter")
    made.option("output", "--format", choices=FORMATS, default="text", help="text, latex, html or json")
    made.option("output", "--out", metavar="FILE", help="where to write; printed if not given")
    made.option("output", "--overwrite", action="store_true", help="replace a file that exists")
    return made


def run(options: argparse.Namespace) -> int:
    """Run the command; return 1 if an expected number did not come out."""
    from chainrule.lessons.lesson import read_lesson
    from chainrule.lessons.runner import walk

    if options.name is None:
        _list()
        return 0
    lesson = read_lesson(options.name)
    first, last = _range(options.steps, len(lesson.steps))
    if options.out is not None:
        from chainrule._files import ensure_writable

        ensure_writable(options.out, options.overwrite)
    wrong: list[int] = []

    def steps() -> Iterator[Shown]:
        for shown in walk(lesson):
            if shown.number > last:
                return
            if not shown.ok:
                wrong.append(shown.number)
            if shown.number >= first:
                yield shown

    if options.format == "text" and options.out is None:
        _walk_through(
            lesson, steps(), last, waits=not options.all and sys.stdin.isatty() and sys.stdout.isatty()
        )
    else:
        _write(_document(lesson, list(steps()), options.format), options)
    if wrong:
        places = ", ".join(map(str, wrong))
        print(
            f"error: {lesson.where.file}: a number did not come out as expected in step {places}",
            file=sys.stderr,
        )
        return 1
    return 0


def _list() -> None:
    from rich.text import Text

    from chainrule.cli.report import table_of
    from chainrule.lessons.lesson import lesson_names, read_lesson

    grid = table_of("lesson", "what it shows")
    for name in lesson_names():
        grid.add_row(Text(name), Text(read_lesson(name).summary))
    console = screen()
    console.print(grid)
    console.print("chainrule lesson NAME walks through one; docs/lessons.md says how to write your own.")


def _range(steps: str | None, count: int) -> tuple[int, int]:
    """Return the first and last step that are shown."""
    if steps is None:
        return 1, count
    match = re.fullmatch(r"\s*(?:(\d+)\s*-\s*)?(\d+)\s*", steps)
    first, last = (int(match[1] or 1), int(match[2])) if match else (0, 0)
    if not 1 <= first <= last:
        raise SettingsError(
            f"--steps {steps!r} is neither a number of steps such as 3 nor a range such as 3-5"
        )
    if first > count:
        raise SettingsError(f"--steps {steps}: the lesson has {count} steps")
    return first, min(last, count)


def _walk_through(lesson: Lesson, steps: Iterator[Shown], last: int, *, waits: bool) -> None:
    from chainrule.lessons.show.text import head_rows, step_rows

    signs = _signs()
    _print(head_rows(lesson, _width(), signs))
    for shown in steps:
        _print(step_rows(shown, _width(), signs))
        if waits and shown.number < last and not _goes_on():
            return


def _goes_on() -> bool:
    """Wait for Enter; False where the reader wants to leave."""
    try:
        answer = input("\n[Enter: next step, q: leave] ")
    except EOFError:
        return False
    return answer.strip().lower() not in ("q", "quit", "exit")


def _width() -> int:
    return min(shutil.get_terminal_size((WIDTH, 24)).columns, 100)


def _signs() -> Signs:
    from chainrule.explain.show.text import ASCII, UNICODE

    try:
        "✓─·".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return ASCII
    return UNICODE


def _print(rows: list[Row]) -> None:
    """Print styled lines, with colors on a terminal."""
    from chainrule.lessons.show.text import plain

    if not sys.stdout.isatty():
        sys.stdout.write(plain(rows))
        return
    from rich.text import Text

    console = screen()
    for row in rows:
        console.print(
            Text.assemble(*((piece, STYLES.get(style, "")) for piece, style in row)), soft_wrap=True
        )


def _document(lesson: Lesson, steps: list[Shown], form: str) -> str:
    if form == "latex":
        from chainrule.lessons.show.latex import lesson_latex

        return lesson_latex(lesson, steps)
    if form == "html":
        from chainrule.lessons.show.html import lesson_html

        return lesson_html(lesson, steps)
    if form == "json":
        data = {
            "lesson": lesson.name,
            "title": lesson.title,
            "source": lesson.source,
            "steps": [shown.to_dict() for shown in steps],
            "ok": all(shown.ok for shown in steps),
        }
        return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    from chainrule.lessons.show.text import head_rows, plain, step_rows

    return plain(head_rows(lesson, WIDTH)) + "".join(plain(step_rows(shown, WIDTH)) for shown in steps)


def _write(text: str, options: argparse.Namespace) -> None:
    if options.out is None:
        sys.stdout.write(text)
        return
    from chainrule._files import write_atomically

    with write_atomically(Path(options.out), overwrite=options.overwrite, mode="w") as file:
        file.write(text)
    print(f"wrote {options.out}")
