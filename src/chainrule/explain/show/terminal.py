"""A document as lines of styled pieces: in colors and as wide as it is for a terminal, plain for files and pipes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Literal

from chainrule._numbers import number_text, printable
from chainrule.explain.derive.grid import Grid, grid_rows
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show import document as doc
from chainrule.explain.show.formulas import formula_lines
from chainrule.explain.show.showing import Showing, is_shown_as_name
from chainrule.explain.show.text import UNICODE, Row, Signs, text_rows

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from chainrule.plots.chart import Chart, Charts

WIDEST = 110
"""The widest that formulas are set, however wide the terminal is."""

LEFT, BETWEEN, RIGHT = (34, 46), " │ ", 72
"""Two columns: the narrowest and widest left one, what parts them, and the least that the right one needs."""

COLORS = {
    "": "",
    "title": "bold",
    "rule": "cyan",
    "result": "bold",
    "ok": "green",
    "wrong": "bold red",
    "warn": "yellow",
    "dim": "dim",
    "bar": "",
    "lead": "",
}
"""How a terminal shows each style."""


def render(document: doc.Document) -> str:
    """Return a document as text, as wide as the document says."""
    return plain_text(document_rows(document, document.width))


def print_rows(console: Console, rows: Iterable[Row]) -> None:
    """Print styled lines on a terminal."""
    from rich.text import Text

    for row in rows:
        console.print(Text.assemble(*((piece, COLORS[style]) for piece, style in row)), soft_wrap=True)


def plain_text(rows: Iterable[Row]) -> str:
    """Return styled lines as text."""
    return "".join("".join(piece for piece, _ in row) + "\n" for row in rows)


def document_rows(document: doc.Document, width: int, signs: Signs = UNICODE) -> Iterator[Row]:
    """Yield the lines of a document."""
    blocks = list(document.parts[1])
    if document.verdict is not None:
        blocks.append(doc.Section("", (doc.Words(document.verdict.text, "title"),)))
    inner = (_block(block, width, signs, document) for block in blocks)
    return _shown(chain(_head(document, width, signs), *inner), signs)


def head_rows(document: doc.Document, width: int, signs: Signs = UNICODE) -> Iterator[Row]:
    """Yield a document's title and source."""
    return _shown(_head(document, width, signs), signs)


def section_rows(section: doc.Section, width: int, signs: Signs = UNICODE) -> Iterator[Row]:
    """Yield the lines of a section, an empty one first."""
    return _shown([[("", "")], *_block(section, width, signs)], signs)


_ROOM: Row = []
"""An empty line that is left out where there is one already."""


def _shown(rows: Iterable[Row], signs: Signs) -> Iterator[Row]:
    """Yield lines without signs that can't be shown or would move the cursor, and without blanks at their ends."""
    last: Row = _ROOM
    for row in rows:
        pieces = [(printable(signs.text(piece)), style) for piece, style in row]
        while pieces and not pieces[-1][0].rstrip():
            pieces.pop()
        if pieces:
            pieces[-1] = (pieces[-1][0].rstrip(), pieces[-1][1])
        if pieces or last or row is not _ROOM:
            yield pieces
        last = pieces


def _head(document: doc.Document, width: int, signs: Signs) -> Iterator[Row]:
    """Yield a title; a document about one derivation begins with the derivation's own."""
    if document.title and document.worked is None:
        yield from _paragraph(document.title, width, "title")
        if document.source:
            yield [(signs.bar * min(width, len(document.title)), "dim")]
            yield from _paragraph(f"After: {document.source}", width, "dim")


def block_rows(block: doc.Block, width: int) -> Iterator[Row]:
    """Yield the lines of one block."""
    yield from _block(block, width, UNICODE)


def _block(block: doc.Block, width: int, signs: Signs, document: doc.Document | None = None) -> Iterator[Row]:
    narrow = min(width, WIDEST)
    spaced = (
        doc.Section
        | doc.FindingBlock
        | doc.Worked
        | Grid
        | doc.GridBlock
        | doc.Plot
        | doc.Listing
        | doc.Checked
    )
    if isinstance(block, spaced) or (isinstance(block, doc.Picture) and block.in_text):
        yield _ROOM
    match block:
        case doc.Section(_, blocks, place, naming):
            yield from _paragraph(Showing(naming=naming).words(block.heading), width, "title")
            for inner in blocks:
                if place:
                    yield _ROOM
                yield from _block(inner, width, signs)
        case doc.Words(words, style, label):
            yield from _paragraph(block.showing.words(words), width, style, label)
        case doc.Facts(rows):
            yield from _facts(rows, width, signs)
        case doc.TableBlock():
            yield from _table(block, width, signs)
        case doc.Worked(derivation, digits, naming):
            origin = document.origin if document is not None and block is document.worked else None
            how: dict[str, Any] = {"digits": digits, "width": narrow, "naming": naming}
            if origin is not None:
                assert document is not None
                how["lead"] = [row for each in document.parts[0] for row in _block(each, width, signs)]
            yield from text_rows(derivation, signs=signs, origin=origin, **how)
        case Grid():
            yield from grid_rows(block, narrow, number_text)
        case doc.GridBlock():
            yield from grid_rows(_named_grid(block), narrow, number_text)
        case doc.Plot(lines, key):
            yield from ([(line, "")] for line in lines)
            yield from _paragraph(key, width, "dim")
        case doc.Listing(text):
            yield from ([("    ", ""), (line, "")] for line in text.splitlines())
        case doc.FindingBlock(what, said):
            yield from _paragraph(what, width, "title")
            yield from _facts(tuple((f"   {name}", value) for name, value in said), width, signs)
        case doc.Erratum(printed, right, why, naming):
            printed, showing = doc.PRINTED.words(printed), Showing(naming=naming)
            right, why = showing.words(right), showing.words(why)
            for label, words in (("Erratum. Printed:", printed), ("Right:", right), ("Why:", why)):
                yield from _paragraph(f"{label} {words}", width, "wrong" if label.startswith("E") else "")
        case doc.Checked():
            yield from _checked(block, signs)
        case doc.Picture(chart, in_text=True):
            yield from _picture(chart, width, signs)
        case doc.Formulas(items):
            for item in items:
                yield from _paragraph(item.words, width, "rule")
                yield from ([(f"  {line}", "")] for line in formula_lines(item, narrow - 2))
        case doc.Beside():
            yield from _beside(block, width, signs)
        case doc.SeeAlso(words, sections):
            yield from _paragraph(f"{words} {'; '.join(heading for _, heading in sections)}", width)
        case doc.Cells() | doc.Picture():
            pass


def _picture(chart: Chart | Charts, width: int, signs: Signs) -> Iterator[Row]:
    from chainrule.plots.signs.draw import HEIGHT, WIDTH, sign_lines

    several = not hasattr(chart, "marks")
    height = HEIGHT // 2 if several else HEIGHT
    lines = sign_lines(chart, min(width, WIDTH), height, ascii_only=signs.plain is not None)
    if not lines:
        return
    yield from _paragraph(chart.title, width, "title")
    yield from ([(line, "")] for line in lines)
    if chart.note:
        yield from _paragraph(chart.note, width, "dim")


def _beside(block: doc.Beside, width: int, signs: Signs) -> Iterator[Row]:
    """Yield two columns, or where there is no room for both one below the other."""

    def column(name: str, blocks: tuple[doc.Block, ...], room: int) -> list[Row]:
        rows = (row for inner in blocks for row in (_ROOM, *_block(inner, room, signs)))
        return list(_shown(chain([[(name, "dim")]], rows), signs)) if blocks else []

    room = min(width - RIGHT - len(BETWEEN), LEFT[1])
    left = column(block.names[0], block.left, room) if room >= LEFT[0] else []
    if room < LEFT[0] or max(map(_taken, left), default=0) > room:
        width = min(width, WIDEST)
        if block.left:
            yield from column(block.names[0], block.left, width)
            yield _ROOM
        yield from column(block.names[1], block.right, width)
        return
    right = column(block.names[1], block.right, width - room - len(BETWEEN))
    for mine, other in zip_longest(left, right, fillvalue=_ROOM):
        yield [*mine, (" " * (room - _taken(mine)), ""), (BETWEEN, "dim"), *other]


def _taken(row: Row) -> int:
    """Return how many places a line takes."""
    from rich.cells import cell_len

    return sum(cell_len(piece) for piece, _ in row)


def _paragraph(words: str, width: int, style: str = "", label: str = "") -> Iterator[Row]:
    from rich.text import Text

    start = (f"{label}: ", COLORS["warn"]) if label else ""
    if words := printable(re.sub(r"[ \t\n]+", " ", words).strip()):
        yield from _laid_out(Text.assemble(start, (words, COLORS[style])), width)


def _facts(rows: tuple[tuple[doc.Cell, ...], ...], width: int, signs: Signs) -> Iterator[Row]:
    from rich.table import Table as Rich

    made = Rich(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for row in rows:
        made.add_row(*(_text(cell, signs) for cell in row))
    yield from _laid_out(made, width)


def _table(table: doc.TableBlock, width: int, signs: Signs) -> Iterator[Row]:
    from rich import box
    from rich.table import Table as Rich

    made = Rich(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for place, header in enumerate(table.headers):
        side: Literal["left", "right"] = "right" if place in table.right else "left"
        made.add_column(_text(header, signs), justify=side, overflow="fold")
    for row in table.rows:
        made.add_row(*(_text(_named(cell, table.naming), signs) for cell in row))
    yield from _laid_out(made, width)
    yield from _paragraph(table.more, width)


def _named(cell: doc.Cell, naming: Naming | None) -> doc.Cell:
    """Return a cell with the names of a notation for the addresses in it."""
    if naming is None or isinstance(cell, str) or not cell.is_name:
        return cell
    return replace(cell, text=Showing(naming=naming).words(cell.text))


def _named_grid(block: doc.GridBlock) -> Grid:
    """Return a table with the names of a notation for the addresses in it."""
    showing, names, grid = Showing(naming=block.naming), block.names, block.grid

    def named(text: str) -> str:
        return showing.name(text) if text in names else text

    rows = tuple(tuple(named(cell) if isinstance(cell, str) else cell for cell in row) for row in grid.rows)
    headers, words = (tuple(map(named, side)) for side in (grid.headers, grid.words))
    return replace(grid, headers=headers, rows=rows, words=words, caption=_caption(grid.caption, showing))


def _caption(caption: str, showing: Showing) -> str:
    """Return what stands above a table, which may be the name of a number."""
    return showing.name(caption) if is_shown_as_name(caption) else showing.words(caption)


def _text(cell: doc.Cell, signs: Signs) -> Text:
    from rich.text import Text

    shown = doc.styled(cell)
    lines = signs.text(shown.plain).split("\n")
    return Text("\n".join(map(printable, lines)), COLORS[shown.style])


def _laid_out(shown: RenderableType, width: int) -> Iterator[Row]:
    """Yield the lines that Rich makes of a paragraph or a table."""
    console, names = _layout(width)
    for line in console.render_lines(shown, pad=False):
        yield [(piece.text, names.get(str(piece.style), "")) for piece in line]


@lru_cache
def _layout(width: int) -> tuple[Console, dict[str, str]]:
    import io

    from rich.console import Console
    from rich.style import Style

    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    return console, {str(Style.parse(color)): name for name, color in COLORS.items()}


def _checked(block: doc.Checked, signs: Signs) -> Iterator[Row]:
    names = [Showing(naming=block.naming).name(item.name) for item in block.items]
    first = max(map(len, ("number", *names))) + 2
    second = max(len(text) for text in ("expected", *(item.expected for item in block.items)))
    yield [(f"  {'number':{first}}{'expected':>{second}}     found", "rule")]
    for name, item in zip(names, block.items, strict=True):
        yield [
            (f"  {name:{first}}{item.expected:>{second}}  ", ""),
            (signs.ok if item.ok else signs.wrong, "ok" if item.ok else "wrong"),
            (f"  {item.shown}", "dim" if item.ok else "wrong"),
        ]
