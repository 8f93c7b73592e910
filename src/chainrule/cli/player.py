"""The lesson player: steps on the screen, one after the other, or as the reader asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chainrule.cli.console import output_width, screen
from chainrule.cli.documents import signs

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule.lessons.runner import Walk

QUESTION = "[Enter: next, b: back, a: again, {first}-{last}: jump, q: leave] "

WIDEST, WIDEST_BESIDE = 100, 130
"""The widest that steps are printed, by themselves and beside a text's formulas."""


def play(walk: Walk, first: int, last: int, *, waits: bool, beside: bool = False) -> None:
    """Print the steps from ``first`` to ``last``; where it ``waits``, as the reader asks for them at each.

    With ``beside`` the text's own formulas stand left of them.
    """
    from chainrule.explain.show.terminal import head_rows, print_rows, section_rows
    from chainrule.lessons.show.document import WIDTH, lesson_document

    console = screen()
    width = min(output_width(WIDTH), WIDEST_BESIDE if beside else WIDEST)
    print_rows(console, head_rows(lesson_document(walk.lesson, ()), width, signs()))
    number, again = first, False
    while number <= last:
        with _busy(console, walk, number):
            shown = walk.again(number) if again else walk.step(number)
        print_rows(console, section_rows(shown.beside if beside else shown.section, width, signs()))
        number, again = _ask(console, number, first, last) if waits and number < last else (number + 1, False)


def _ask(console: Console, number: int, first: int, last: int) -> tuple[int, bool]:
    """Return the number of the step that the reader asks for, beyond the last to leave, and whether to make it again."""
    words = dict.fromkeys(("", "n", "next"), (number + 1, False))
    words |= dict.fromkeys(("b", "back"), (max(first, number - 1), False))
    words |= dict.fromkeys(("a", "again"), (number, True))
    words |= dict.fromkeys(("q", "quit", "exit"), (last + 1, False))
    while True:
        try:
            said = input("\n" + QUESTION.format(first=first, last=last)).strip().lower()
        except EOFError:
            return words["quit"]
        place = said.removeprefix("jump").removeprefix("j").strip()
        if place.isascii() and place.isdigit() and first <= int(place) <= last:
            return int(place), False
        if said in words:
            return words[said]
        console.print(f"{said!r} is none of these; a step has a number from {first} to {last}", markup=False)


@contextmanager
def _busy(console: Console, walk: Walk, number: int) -> Iterator[None]:
    """Say on a terminal what is worked out meanwhile, where that may take a while."""
    made = len(walk.made)
    waiting = next((n for n in range(made + 1, number + 1) if walk.trains(n)), None)
    if waiting is None or not console.is_terminal:
        yield
        return
    with console.status(f"step {waiting} of {len(walk)} trains …"):
        yield
