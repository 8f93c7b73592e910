"""``chainrule sheet``: exercise sheets of a lesson with fresh numbers, and their keys."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chainrule.cli.parsing import Parser, whole

EXAMPLES = """
chainrule sheet article-5 --out article-5.html
chainrule sheet article-1 --variants 30 --seed 7 --blank last2 --format latex --out class.tex
chainrule sheet ./mine.toml --blank all --only sheets --out sheets.html
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "sheet",
        "LESSON [options]",
        "Print exercise sheets of a lesson and their answer keys: the same calculation with fresh numbers of few digits, "
        "the last lines left blank. All variants differ; the same seed gives the same sheets.",
        EXAMPLES,
    )
    made.option("what", "lesson", metavar="LESSON", help="a lesson's name, or a file that ends in .toml")
    made.option("what", "--variants", metavar="N", type=whole, default=1, help="how many sheets (default 1)")
    made.option("what", "--seed", metavar="N", type=whole, default=0, help="of the numbers drawn (default 0)")
    made.option(
        "what",
        "--blank",
        metavar="LINES",
        default="last2",
        help="left blank: last2 (default), last5 …, or all",
    )
    made.option(
        "what",
        "--only",
        choices=("sheets", "keys"),
        help="sheets or keys alone; first all sheets, then all keys if not given",
    )
    made.option(
        "output", "--format", choices=("html", "latex"), default="html", help="html (default) or latex"
    )
    made.option("output", "--out", metavar="FILE", help="where to write; printed if not given")
    made.option("output", "--overwrite", action="store_true", help="replace a file that exists")
    return made


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from chainrule._files import ensure_writable, write_atomically
    from chainrule.lessons.lesson import read_lesson
    from chainrule.lessons.sheets import draw_sheets, read_blank
    from chainrule.lessons.show.sheets import sheets_html, sheets_latex

    blank = read_blank(options.blank)
    if options.out is not None:
        ensure_writable(options.out, options.overwrite)
    lesson = read_lesson(options.lesson)
    variants = draw_sheets(lesson, variants=options.variants, seed=options.seed, blank=blank)
    show = sheets_html if options.format == "html" else sheets_latex
    text = show(lesson, variants, options.only or "both")
    if options.out is None:
        sys.stdout.write(text)
        return 0
    with write_atomically(Path(options.out), overwrite=options.overwrite, mode="w") as file:
        file.write(text)
    print(f"wrote {options.out}")
    return 0
