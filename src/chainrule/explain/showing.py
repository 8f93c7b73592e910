"""How numbers and addresses are written for a reader: so many digits, and nothing said on every line that holds for all.

The renderers share it, so that text, LaTeX and pages show the same digits and the same names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from chainrule.errors import SettingsError
from chainrule.explain.address import Address
from chainrule.explain.lines import Derivation, Line

DIGITS = 6
"""The digits that count of a number, where nothing else is asked for."""

LONGEST_WHOLE = 9
"""The most digits before the point that are written out; longer numbers get a power of ten."""


def number_text(value: float, digits: int = DIGITS) -> str:
    """Return a number with so many digits that count; whole digits before the point are never dropped.

    >>> [number_text(v) for v in (0.1 + 0.2, 1234567.5, 1.5e-7, -2.0, 1e12)]
    ['0.3', '1234568', '1.5e-7', '-2', '1e12']
    """
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    whole = math.floor(math.log10(abs(value))) + 1
    text = f"{value:.{max(digits, whole) if whole <= LONGEST_WHOLE else digits}g}"
    mantissa, _, power = text.partition("e")
    return f"{mantissa}e{int(power)}" if power else mantissa


def checked_digits(digits: int) -> int:
    """Return the number of digits if it can be one; raises SettingsError otherwise."""
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 17:
        raise SettingsError(f"digits {digits!r} must be a whole number from 1 to 17: a float has no more")
    return digits


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
    yield derivation.address
    for line in derivation.lines:
        yield line.address
        yield from line.values
    for matrix in derivation.matrices:
        yield matrix.address
        yield from matrix.operands
    yield from (factor.address for factor in derivation.factors)
    for part in derivation.parts:
        yield from _names(part)


def split_at(text: str, cuts: Sequence[int]) -> list[str]:
    """Return the pieces of a text between places in it."""
    return [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]
