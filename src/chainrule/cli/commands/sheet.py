"""``chainrule sheet``: exercise sheets of a lesson with fresh numbers, and their keys."""

from __future__ import annotations

import argparse
from dataclasses import replace

from chainrule.cli.documents import chosen_format, document_options, print_or_write
from chainrule.cli.parsing import Parser, notation_option

FORMATS = ("html", "latex")

EXAMPLES = """
chainrule sheet article-5 --out article-5.html
chainrule sheet article-1 --variants 30 --seed 7 --blank last2 --format latex --out class.tex
chainrule sheet article-5 --as mazur --out mazur.html
chainrule sheet article-4 --blank forward --out forward.html
chainrule sheet ./mine.toml --blank all --only sheets --out sheets.html
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "sheet",
        "LESSON [options]",
        "Print exercise sheets of a lesson and their answer keys: the same calculation with fresh numbers of few digits, "
        "some of its lines left blank, the network drawn with the numbers. All variants differ; "
        "the same seed gives the same sheets.",
        EXAMPLES,
    )
    said = {
        "LESSON": "a lesson's name, or a file that ends in .toml",
        "--variants N": "how many sheets (default 1)",
        "--seed N": "of the numbers drawn (default 0)",
        "--blank LINES": "left blank: last2 (default), last5 …, forward, backward, results (formulas stay) or all",
        "--only {sheets,keys}": "sheets or keys alone; first all sheets, then all keys if not given",
    }
    made.options("what", said, variants=1, seed=0, blank="last2")
    notation_option(made, "output")
    document_options(made, FORMATS)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.explain.notation.record import notation
    from chainrule.lessons.lesson import read_lesson
    from chainrule.lessons.sheets import draw_sheets
    from chainrule.lessons.show.sheets import sheets_html, sheets_latex

    show = sheets_html if chosen_format(options, FORMATS) == "html" else sheets_latex
    lesson = read_lesson(options.lesson)
    if options.notation is not None:
        notation(options.notation)  # says what is wrong with it
        lesson = replace(lesson, told_in=options.notation)
    variants = draw_sheets(lesson, variants=options.variants, seed=options.seed, blank=options.blank)
    print_or_write(show(lesson, variants, options.only or "both"), options)
