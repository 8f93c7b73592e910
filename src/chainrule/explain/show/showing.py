"""How numbers and addresses are written for a reader: so many digits, and nothing said on every line that holds for all.

The renderers share it, so that text, LaTeX and pages show the same digits and the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from chainrule._numbers import DIGITS, checked_digits, number_text
from chainrule.errors import SettingsError
from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.trace.address import Address
from chainrule.formula.nodes import Node, Number
from chainrule.formula.text import Substitute


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


@dataclass(frozen=True)
class Showing:
    """Digits, and what is left out of every address because it is the same in all: ``step``, ``row``, ``member``."""

    digits: int = DIGITS
    dropped: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, derivation: Derivation, digits: int = DIGITS) -> Showing:
        """Return how a derivation is shown; raises SettingsError for digits that can't be."""
        names = set(_names(derivation))
        places = [place for place in map(address_of, names) if place is not None]
        dropped = {}
        for key in ("step", "row", "member"):
            with_it = [place for place in places if getattr(place, key) is not None]
            without = {place.plain for place in places if getattr(place, key) is None}
            values = {getattr(place, key) for place in with_it}
            if len(values) == 1 and not any(place.plain in without for place in with_it):
                dropped[key] = values.pop()
        return cls(checked_digits(digits), dropped)

    def number(self, value: float) -> str:
        """Return a number as it is shown."""
        return number_text(value, self.digits)

    def result(self, line: Line) -> str:
        """Return a line's result as it is shown; by hand with the digits that it was rounded to."""
        return line.shown.get(line.left) or self.number(line.result)

    def name(self, name: str) -> str:
        """Return a symbol's name as it is shown."""
        place = address_of(name) if self.dropped and "@" in name else None
        if place is None:
            return name
        gone: dict[str, Any] = {k: None for k, value in self.dropped.items() if getattr(place, k) == value}
        return str(replace(place, **gone))

    def names(self, names: Iterable[str]) -> dict[str, str]:
        """Return what stands for each symbol of a formula."""
        return {name: self.name(name) for name in names}

    def sides(self, line: Line, write: Callable[[Node, Substitute], str], result: str) -> list[str]:
        """Return a line's right sides before its result: in symbols, then in numbers where that says more."""
        if isinstance(line.symbols, Number):
            return []
        symbols = write(line.symbols, self.names(line.values))
        numbers = write(line.symbols, line.numbers(self.number))
        return [symbols] if numbers in (symbols, result) else [symbols, numbers]

    def where(self) -> str:
        """Say what is left out of the addresses: "step 40, row 3"; empty where nothing is."""
        return ", ".join(f"{key} {value}" for key, value in self.dropped.items())


def _names(derivation: Derivation) -> Iterator[str]:
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
