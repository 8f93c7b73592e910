"""A document: what a command or a lesson has to say, as a title and blocks; plain data that any format can print.

A style is one of `terminal.COLORS`; a format that has no such thing leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from chainrule._numbers import DIGITS, number_text
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.showing import Showing, is_shown_as_name
from chainrule.formula.stated import Stated
from chainrule.plots.chart import Chart, Charts


@dataclass(frozen=True)
class Styled:
    """A text that is shown in a style; with ``is_name`` the addresses in it are written as formulas write them.

    With ``as_typed`` they stay as one types them, wherever it is shown. With ``formulas`` what stands between dollar signs is
    a formula, and `plain` the text without these signs.
    """

    text: str
    style: str = ""
    is_name: bool = False
    as_typed: bool = False
    formulas: bool = False

    @property
    def plain(self) -> str:
        """The text as a format shows it that has no formulas."""
        return Showing(formulas=True).words(self.text) if self.formulas else self.text


Cell: TypeAlias = str | Styled


def with_formulas(words: str) -> Styled:
    """Return a cell in which what stands between dollar signs is a formula."""
    return Styled(words, formulas=True)


def styled(cell: Cell) -> Styled:
    """Return a cell with its style."""
    return cell if isinstance(cell, Styled) else Styled(cell)


@dataclass(frozen=True)
class Words:
    """A paragraph; ``label`` stands before it, as in "note: …"; ``naming`` has the names of the addresses in it, if not ours.

    With a ``naming`` or ``formulas`` what stands between dollar signs is a formula.
    """

    text: str
    style: str = ""
    label: str = ""
    naming: Naming | None = None
    formulas: bool = False

    @property
    def showing(self) -> Showing:
        """How its words are shown."""
        return Showing(naming=self.naming, formulas=self.formulas)


@dataclass(frozen=True)
class Facts:
    """Rows of a name and what there is to say of it, in one or two texts."""

    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class TableBlock:
    """Rows of texts below headers; the columns in ``right`` are aligned to the right, ``more`` says what is left out.

    ``naming`` has the names of the addresses in its cells, if not ours. A last column of the style ``bar`` is bars made of
    signs, which only texts show. One ``of_picture`` has the numbers of the picture before it: pages, which draw that and have
    its table, leave it out.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: tuple[int, ...] = ()
    more: str = ""
    naming: Naming | None = None
    of_picture: bool = False

    @property
    def without_bars(self) -> TableBlock:
        """The table without its column of bars."""
        if not self.rows or styled(self.rows[0][-1]).style != "bar":
            return self
        return replace(self, headers=self.headers[:-1], rows=tuple(row[:-1] for row in self.rows))


@dataclass(frozen=True)
class GridBlock:
    """A table whose headers, and the texts of its columns of words, have the names of a notation where they are addresses.

    Headers in ``kept`` stay: they are one's own columns, of which one may be called C.
    """

    grid: Grid
    naming: Naming
    kept: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """The addresses in it."""
        words = [place for place, header in enumerate(self.grid.headers) if header in self.grid.words]
        texts = {str(row[place]) for row in self.grid.rows for place in words} | set(self.grid.headers)
        return frozenset(filter(is_shown_as_name, texts - self.kept))


@dataclass(frozen=True)
class Worked:
    """A derivation, shown with so many significant digits, in a notation or in ours; a ``folded`` one is shut on a page."""

    derivation: Derivation
    digits: int = DIGITS
    naming: Naming | None = None
    folded: bool = False


@dataclass(frozen=True)
class Plot:
    """A picture made of signs, a text for each line, shown in a font of equal widths; ``key`` explains the signs.

    ``chart`` is the same as a plot that a page can draw, where there is one.
    """

    lines: tuple[str, ...]
    key: str
    chart: Chart | None = None


@dataclass(frozen=True)
class Listing:
    """Text in a language of programs or data, shown as it stands: ``yaml``, ``shell``."""

    text: str
    language: str = ""


@dataclass(frozen=True)
class Picture:
    """A plot, which pages draw; its numbers stand in a table beside it.

    ``narrow`` is the plot for telephones, where its layout is part of the data; ``width`` is that of the other, in pixels. A
    text leaves it out, or with ``in_text`` shows it in signs; ``rows``
    are the most that its table has on a page.
    """

    chart: Chart | Charts
    narrow: Chart | Charts | None = None
    width: float = 640.0
    in_text: bool = False
    rows: int = 200


@dataclass(frozen=True)
class Cells:
    """The network at a glance, for pages: ``layers`` as `cells.cells` makes them, their arrays named in a notation or ours."""

    title: str
    layers: tuple[Mapping[str, Any], ...]
    naming: Naming | None = None


@dataclass(frozen=True)
class Compared:
    """One expected number beside the one that came out."""

    name: str
    expected: str
    found: float
    ok: bool

    @property
    def shown(self) -> str:
        """The number found: to ten digits, or all that a float has where it is wrong."""
        return number_text(self.found, 10 if self.ok else 17)


@dataclass(frozen=True)
class Checked:
    """Expected numbers beside those that came out, named in a notation or in ours."""

    items: tuple[Compared, ...]
    naming: Naming | None = None

    @property
    def ok(self) -> bool:
        """Whether all came out as expected."""
        return all(item.ok for item in self.items)

    @property
    def words(self) -> str:
        """What came of it, in words."""
        count, failed = len(self.items), sum(not item.ok for item in self.items)
        if failed:
            return (
                f"{failed} of {count} expected numbers did not come out"
                if count > 1
                else "the expected number did not come out"
            )
        return f"{count} expected numbers found again" if count > 1 else "the expected number found again"


@dataclass(frozen=True)
class FindingBlock:
    """Something that is wrong: what, and rows of a name and what there is to say of it: where, why, what to do."""

    what: str
    facts: tuple[tuple[str, str], ...]


PRINTED = Showing(formulas=True)
"""How the words of a text that is followed are shown: its addresses are its own, its formulas are formulas."""


@dataclass(frozen=True)
class Erratum:
    """What a text prints, what is right, and why; ``naming`` has the names in our words, if not ours."""

    printed: str
    right: str
    why: str
    naming: Naming | None = None


@dataclass(frozen=True)
class Formulas:
    """Formulas that stand for themselves, in the letters of whoever states them."""

    items: tuple[Stated, ...]


@dataclass(frozen=True)
class Beside:
    """Two columns, each below its name; below one another where there is no room for both.

    ``left`` is empty where there is nothing to set beside what is on the right.
    """

    left: tuple[Block, ...]
    right: tuple[Block, ...]
    names: tuple[str, str]


@dataclass(frozen=True)
class SeeAlso:
    """Words, and sections of the same document by name and heading, which pages link to."""

    text: str
    sections: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Section:
    """Blocks below a title of their own, or none; ``place`` says which of several it is: "Step 2 of 5".

    ``naming`` has the names of the addresses in the title, if not ours; ``name`` is what `SeeAlso` calls it, if anything does.
    A ``folded`` section with a title is shut on a page until it is opened.
    """

    title: str
    blocks: tuple[Block, ...]
    place: str = ""
    naming: Naming | None = None
    name: str = ""
    folded: bool = False

    @property
    def heading(self) -> str:
        """The place and the title in one line."""
        return ": ".join(filter(None, (self.place, self.title)))


Block: TypeAlias = (
    Words
    | Facts
    | TableBlock
    | Grid
    | GridBlock
    | Worked
    | Plot
    | Listing
    | Picture
    | Cells
    | Checked
    | FindingBlock
    | Erratum
    | Formulas
    | Beside
    | SeeAlso
    | Section
)


def kind_of(block: Block) -> str:
    """Return what kind of block it is, in one word: ``table``, ``finding``."""
    return type(block).__name__.removesuffix("Block").lower()


@dataclass(frozen=True)
class Document:
    """A title and blocks.

    ``source`` says after what it is; ``origin`` stands below the title, ``{"model": "penguins.safetensors"}``; ``verdict``
    is what it comes to. ``data`` is what programs get as JSON; the blocks if there is none. ``width`` is that of its text
    where there is no terminal. ``contents``: before the first of its sections a page has a list of them.
    ``metadata`` is what the head of a file in Markdown says, by the keys of a model card.
    """

    title: str
    blocks: tuple[Block, ...]
    source: str = ""
    origin: Mapping[str, str] = field(default_factory=dict)
    verdict: Styled | None = None
    data: Mapping[str, Any] | None = None
    width: int = 100
    contents: bool = False
    metadata: Mapping[str, Any] | None = None

    @property
    def worked(self) -> Worked | None:
        """The derivation that a document is about: the one whose title it has."""
        found = (block for block in self.blocks if isinstance(block, Worked))
        return next((block for block in found if block.derivation.title == self.title), None)

    @property
    def parts(self) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
        """The blocks that stand between the title and what is worked out, and those from there on."""
        place = next((i for i, block in enumerate(self.blocks) if block is self.worked), 0)
        return self.blocks[:place], self.blocks[place:]


def worked_blocks(blocks: Iterable[Block]) -> Iterator[Worked]:
    """Yield the derivations among blocks, those of sections too."""
    for block in blocks:
        match block:
            case Worked():
                yield block
            case Section(blocks=inner):
                yield from worked_blocks(inner)
            case Beside(left=left, right=right):
                yield from worked_blocks((*left, *right))


def pictures(blocks: Iterable[Block]) -> Iterator[Picture]:
    """Yield the pictures among blocks, those of sections too."""
    for block in blocks:
        match block:
            case Picture():
                yield block
            case Plot(chart=chart) if chart is not None:
                yield Picture(chart)
            case Section(blocks=inner):
                yield from pictures(inner)
            case Beside(left=left, right=right):
                yield from pictures((*left, *right))


def notes(lines: Iterable[str]) -> tuple[Words, ...]:
    """Return notes, a paragraph each."""
    return tuple(Words(line, label="note") for line in lines)


def more(n: int, what: str) -> str:
    """Say how many were not shown, if any."""
    return f"… and {n:,} more {what}" if n > 0 else ""
