"""How numbers and addresses are written for a reader: so many digits, and nothing said on every line that holds for all.

The renderers share it, so that text, LaTeX and pages show the same digits and the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from chainrule._numbers import DIGITS, checked_digits, number_text
from chainrule.errors import SettingsError
from chainrule.explain.derive.lines import Derivation, Line
from chainrule.explain.trace.address import Address


@lru_cache(maxsize=100_000)
def address_of(name: str) -> Address | None:
    """Return the address that a symbol's name is, or None for a rest, a setting or a letter of a formula."""
    try:
        return Address.parse(name)
    except SettingsError:
        return None


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

    def name(self, name: str) -> str:
        """Return a symbol's name as it is shown."""
        place = address_of(name) if self.dropped and "@" in name else None
        if place is None:
            return name
        kept = {key: None for key, value in self.dropped.items() if getattr(place, key) == value}
        return str(
            replace(
                place,
                step=kept.get("step", place.step),
                row=kept.get("row", place.row),
                member=kept.get("member", place.member),
            )
        )

    def names(self, line: Line) -> dict[str, str]:
        """Return what stands for each symbol of a line."""
        return {name: self.name(name) for name in line.values}

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
