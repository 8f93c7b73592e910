"""How numbers and addresses are written for a reader: so many digits, and nothing said on every line that holds for all.

The renderers share it, so that text, LaTeX and pages show the same digits and the same names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from chainrule._numbers import DIGITS, checked_digits, number_text
from chainrule.errors import SettingsError
from chainrule.explain.derive.lines import Derivation, Line, MatrixLine
from chainrule.explain.notation.chains import sides_before
from chainrule.explain.notation.columns import line_in_columns
from chainrule.explain.notation.naming import Naming
from chainrule.explain.trace.address import Address
from chainrule.formula.names import names_in_words, split_name
from chainrule.formula.nodes import Node, Number
from chainrule.formula.stated import Stated
from chainrule.formula.text import Substitute
from chainrule.formula.words import formulas_in
from chainrule.formula.written import Lettered, Name, plain, small


@lru_cache(maxsize=100_000)
def address_of(name: str) -> Address | None:
    """Return the address that a symbol's name is, or None for a rest, a setting or a letter of a formula."""
    try:
        return Address.parse(name)
    except SettingsError:
        return None


def is_shown_as_name(text: str) -> bool:
    """Tell whether a text of a table is an address that is written as formulas write it."""
    return address_of(text) is not None and ("[" in text or text in ("C", "C_new", "loss"))


class Piece(NamedTuple):
    """A piece of words: a text, an address, or a formula, of which ``text`` is how it is typed."""

    text: str
    is_name: bool = False
    formula: Stated | None = None


@dataclass(frozen=True)
class Showing:
    """Digits, what is left out of every address because it is the same in all, and whose names the numbers have.

    ``dropped`` has values of ``step``, ``row``, ``member``; without ``naming`` the names are ours. In words with a ``naming``
    or ``formulas`` what stands between dollar signs is a formula.
    """

    digits: int = DIGITS
    dropped: dict[str, int] = field(default_factory=dict)
    naming: Naming | None = None
    formulas: bool = False

    @classmethod
    def of(cls, derivation: Derivation, digits: int = DIGITS, naming: Naming | None = None) -> Showing:
        """Return how a derivation is shown; raises SettingsError for digits that can't be."""
        names = set(names_of(derivation))
        places = [place for place in map(address_of, names) if place is not None]
        dropped = {}
        for key in ("step", "row", "member"):
            with_it = [place for place in places if getattr(place, key) is not None]
            without = {place.plain for place in places if getattr(place, key) is None}
            values = {getattr(place, key) for place in with_it}
            if len(values) == 1 and not any(place.plain in without for place in with_it):
                dropped[key] = values.pop()
        return cls(checked_digits(digits), dropped, naming)

    def number(self, value: float) -> str:
        """Return a number as it is shown."""
        return number_text(value, self.digits)

    def result(self, line: Line) -> str:
        """Return a line's result as it is shown; by hand with the digits that it was rounded to."""
        return line.shown.get(line.left) or self.number(line.result)

    def name(self, name: str) -> str:
        """Return a symbol's name as plain text shows it."""
        shown = self.written(name)
        return shown if isinstance(shown, str) else plain(shown)

    def small(self, name: str) -> str:
        """Return a symbol's name as pictures show it, with small signs for its indices."""
        shown = self.written(name)
        if not isinstance(shown, str):
            return small(shown)
        parts = split_name(shown)
        if parts is None or parts.by or parts.qualifiers or "_" in parts.base or not parts.brackets:
            return shown
        *layer, index = (",".join(map(str, inside)) for inside in parts.brackets)
        letter = parts.base.lower() if layer else parts.base
        return small(Lettered(letter, above=f"({layer[0]})" if layer else "", below=index))

    def written(self, name: str) -> str | Name:
        """Return what stands for a symbol's name: the name without what is dropped, or its parts in a notation."""
        place = address_of(name) if self.naming is not None or (self.dropped and "@" in name) else None
        if place is None:
            return name
        gone: dict[str, Any] = {k: None for k, value in self.dropped.items() if getattr(place, k) == value}
        shown = replace(place, **gone)
        return str(shown) if self.naming is None else self.naming.write(shown)

    def names(self, names: Iterable[str]) -> dict[str, str | float | Name]:
        """Return what stands for each symbol of a formula."""
        return {name: self.written(name) for name in names}

    def pieces(self, words: str) -> Iterator[Piece]:
        """Yield words in pieces; layers are counted as the notation counts.

        In a notation an address may stand in backquotes, which are left out.
        """
        if self.naming is None and not self.formulas:
            yield from self._named(words)
            return
        for text, formula in formulas_in(words):
            if formula is None:
                yield from self._named(text)
            else:
                yield Piece(text, formula=formula)

    def _named(self, words: str) -> Iterator[Piece]:
        begin = None if self.naming is None else _TITLE.match(words)
        if begin is not None and address_of(begin[0]) is not None:
            # The title of a number without brackets: "C: the cost".
            yield Piece(begin[0], is_name=True)
            words = words[begin.end() :]
        for number, part in enumerate(words.split("`")) if self.naming is not None else [(0, words)]:
            if number % 2 and address_of(part) is not None:
                yield Piece(part, is_name=True)
                continue
            # What is quoted and no number, a command, keeps its quotes.
            for piece, is_name in names_in_words(f"`{part}`" if number % 2 else part):
                if is_name and address_of(piece) is not None:
                    yield Piece(piece, is_name=True)
                else:
                    yield Piece(piece if self.naming is None else self.naming.counted(piece))

    def words(self, words: str) -> str:
        """Return words with the addresses among them as plain text shows them."""
        if self.naming is None and not self.formulas:
            return words
        return "".join(map(self._text, self.pieces(words)))

    def _text(self, piece: Piece) -> str:
        if piece.formula is not None:
            return "".join(map(self._text, self._named(piece.text)))
        return self.name(piece.text) if piece.is_name else piece.text

    def sides(self, line: Line, write: Callable[[Node, Substitute], str], result: str) -> list[str]:
        """Return a line's right sides before its result: in symbols, then in numbers where that says more."""
        if isinstance(line.symbols, Number):
            return []
        symbols = write(line.symbols, self.names(line.values))
        numbers = write(line.symbols, line.numbers(self.number))
        before = [side for node, shown in self.before(line) if (side := write(node, shown)) != symbols]
        if numbers in (symbols, result):
            return [*before, symbols]
        return [*before, symbols, numbers, *(write(*side) for side in self.products(line))]

    def products(self, line: Line) -> list[tuple[Node, dict[str, str]]]:
        """Return the right side of a long sum with its products worked out, where there is one."""
        found = line.products()
        return [] if found is None else [(found[0], {name: self.number(v) for name, v in found[1].items()})]

    def before(self, line: Line) -> list[tuple[Node, Substitute]]:
        """Return the right sides that a notation writes before a line's own."""
        place = None if self.naming is None else address_of(line.address)
        return [] if self.naming is None or place is None else list(sides_before(line, place, self.naming))

    def oriented(self, line: MatrixLine) -> MatrixLine:
        """Return a line of matrix algebra in columns where the notation writes it so."""
        columns = self.naming is not None and self.naming.notation.columns
        return line_in_columns(line) if columns else line

    def where(self) -> str:
        """Say what is left out of the addresses: "step 40, row 3"; empty where nothing is."""
        return ", ".join(f"{key} {value}" for key, value in self.dropped.items())


_TITLE = re.compile(r"[A-Za-z_]+(?=: )")


def names_of(derivation: Derivation) -> Iterator[str]:
    """Yield the names in a derivation and its parts, in their order: addresses, rests, settings."""
    for part in all_parts(derivation):
        yield part.address
        for line in part.lines:
            yield line.address
            yield from line.values
        for matrix in part.matrices:
            yield matrix.address
            yield from matrix.operands
        yield from (factor.address for factor in part.factors)


def all_parts(derivation: Derivation) -> Iterator[Derivation]:
    """Yield a derivation and all that are part of it."""
    yield derivation
    for part in derivation.parts:
        yield from all_parts(part)


def split_at(text: str, cuts: Sequence[int]) -> list[str]:
    """Return the pieces of a text between places in it."""
    return [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]
