"""An answer for a reader: what is predicted in words, the columns that pushed it, as bars and as a table."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule._numbers import number_text
from chainrule.explain.attribute.answer import AnsweredRow
from chainrule.explain.show.document import Block, Picture, Section, Styled, TableBlock, Words, more

MOST_REASONS = 12
"""The most columns that are listed, those that add most."""

BAR = 16
"""The most signs of a bar in a text."""


def answer_blocks(found: AnsweredRow) -> Iterator[Block]:
    """Yield the blocks of an answer: words, bars of the columns, a table of them with their cells."""
    from chainrule.plots.kinds.effects import waterfall_chart

    value, typical = number_text(found.value, 4), number_text(found.typical_value, 4)
    words = f": {found.words}" if found.words else ""
    told = f"{found.quantity} is {value}{words}. For a typical row it is {typical}; the columns that pushed it from there:"
    reasons = found.reasons
    names = [f"{reason.column} = {'missing' if reason.cell is None else reason.cell}" for reason in reasons]
    largest = max((abs(reason.adds) for reason in reasons), default=0.0) or 1.0
    rows = tuple(
        (
            name,
            reason.standing,
            f"{'+' if reason.adds > 0 else ''}{number_text(reason.adds, 3)}",
            Styled(("▇" if reason.adds > 0 else "░") * round(BAR * abs(reason.adds) / largest), "bar"),
        )
        for name, reason in list(zip(names, reasons, strict=True))[:MOST_REASONS]
    )
    adds = [reason.adds for reason in reasons]
    title = f"What pushed {found.quantity}"
    chart = waterfall_chart(
        names, adds, found.typical_value, unit=found.quantity, base_name="a typical row", title=title
    )
    yield Words(told)
    yield Picture(chart)
    headers = ("column and cell", "among the rows of the table", "adds", "")
    yield TableBlock(headers, rows, (2,), more(len(reasons) - MOST_REASONS, "columns"))


def answer_section(answers: tuple[AnsweredRow, ...]) -> Section:
    """Return the answers for one row, one of each target."""
    if len(answers) == 1:
        return Section("The answer, and what pushed it", tuple(answer_blocks(answers[0])))
    parts = tuple(
        Section(f"{found.target} = {found.predicted}", tuple(answer_blocks(found))) for found in answers
    )
    return Section("The answers", parts)
