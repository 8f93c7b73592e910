"""Numbers as people write them: thousands separators, currencies, units, percents, brackets for what is below zero."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated

import polars as pl

from chainrule._plain import IF_SET, Plain, one_of
from chainrule.errors import SettingsError
from chainrule.tables.spelling.durations import DURATIONS, seconds_reader, to_seconds
from chainrule.tables.spelling.values import check_texts, is_plain_number

DECIMALS = (".", ",")
THOUSANDS = ("", ",", ".", " ", "'")
"""The signs between groups of digits; the empty one for none."""

NUMBER_SIGNS = {
    "-": "−‐‑‒–—﹣－",
    "+": "＋",
    ".": "．٫",
    ",": "，٬",
    "'": "’‘ʼ′´＇",
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "(": "（",
    ")": "）",
    "%": "％",
    "$": "＄",
    "£": "￡",
    "¥": "￥",
    "e": "ｅ",
    "E": "Ｅ",
    "": "\u200b\u200e\u200f\u2060",
}
"""By a sign of ASCII: the others that numbers are written with in its place."""


@cache
def _translation() -> dict[int, str]:
    """Return what each sign of a number becomes: digits of any script and of full width too."""
    found = {ord(sign): plain for plain, signs in NUMBER_SIGNS.items() for sign in signs}
    found |= {at: str(unicodedata.decimal(chr(at))) for at in range(128, 0x20000) if chr(at).isdecimal()}
    return found


@dataclass(frozen=True)
class Dress(Plain):
    """How the numbers of a column are written.

    ``before`` and ``after`` are the spellings of a currency or a unit, any of which may stand there, or none; ``thousands``
    stands between groups of three digits, or doesn't. Of a ``duration`` it says how that is written; the number is of seconds.
    """

    decimal: Annotated[str, one_of(DECIMALS)] = "."
    thousands: Annotated[str, one_of(THOUSANDS), IF_SET] = ""
    before: Annotated[tuple[str, ...], IF_SET] = ()
    after: Annotated[tuple[str, ...], IF_SET] = ()
    duration: Annotated[str, one_of(("", *DURATIONS)), IF_SET] = ""

    def __post_init__(self) -> None:
        check_texts((*self.before, *self.after), "before, after")
        if self.decimal == self.thousands:
            raise SettingsError(f"thousands: {self.thousands!r} is the decimal sign, too")
        if not all(self.before) or not all(self.after):
            raise SettingsError("before, after: a currency or a unit is not empty")

    @property
    def pattern(self) -> str:
        """The regular expression of a cell, in what Python and Rust have in common; its groups are the parts of a number."""
        if self.duration:
            return DURATIONS[self.duration]
        return cell_pattern(
            _any_of(self.before), number_pattern(self.decimal, self.thousands), _any_of(self.after)
        )

    @property
    def words(self) -> str:
        """Say what is dress in these numbers: "a thousands separator ',', $ before it"."""
        if self.duration:
            return "durations, in seconds"
        said = []
        if self.decimal != ".":
            said.append(f"a decimal sign {self.decimal!r}")
        if self.thousands:
            said.append(f"thousands separated by {self.thousands!r}")
        if self.before:
            said.append(f"{' or '.join(self.before)} before them")
        if self.after:
            said.append(f"{' or '.join(self.after)} behind them")
        return ", ".join(said) or "signs of their own"

    def read(self, text: pl.Series) -> pl.Series:
        """Read text as Float64, dressed or plain; what is no number becomes null."""
        plain = self._plain(text)
        if plain.null_count() == text.null_count():
            return plain
        clean = normalized(text)
        found = to_seconds(clean, self.duration) if self.duration else _undressed(clean, self)
        return found.zip_with(found.is_not_null(), plain)

    def _plain(self, text: pl.Series) -> pl.Series:
        """Return what is a number as a program writes it, unless this dress makes another one of it."""
        if self.decimal != "." or self.thousands == ".":
            text = text.zip_with(~text.str.contains(".", literal=True), text.clear(len(text)))
        return text.cast(pl.Float64, strict=False).fill_nan(None)

    def reader(self) -> Callable[[str], float | None]:
        """Return what reads one cell as `read` does, None for what is no number."""
        match, decimal, thousands = re.compile(self.pattern, re.ASCII).fullmatch, self.decimal, self.thousands
        translation, has_point = _translation(), self.decimal == "."
        seconds = seconds_reader(self.duration) if self.duration else None

        def read(text: str) -> float | None:
            if (has_point or "." not in text) and is_plain_number(text):
                return float(text)
            if not text.isascii():
                text = text.translate(translation)
            if seconds is not None:
                return seconds(text)
            found = match(text)
            if found is not None:
                body = found["body"].replace(thousands, "") if thousands else found["body"]
                signs = (found["a"], found["b"], found["c"])
                opened, closed = found["open"], (found["close"] or "") + (found["closes"] or "")
                if sum(map(bool, signs)) <= 1 and (
                    closed == ")" and not any(signs) if opened else not closed
                ):
                    number = float(body.replace(decimal, ".") if decimal != "." else body)
                    return -number if opened or "-" in signs else number
            return None

        return read


def given_number(text: str, dress: Dress) -> float | None:
    """Return the number that somebody gives for a cell, as its column writes numbers or as a program does; None for no number.

    Raises SettingsError where both are one, and not the same.

    >>> given_number("1.200,50 €", Dress(",", ".", (), ("€",))), given_number("1200.5", Dress(",", "."))
    (1200.5, 1200.5)
    """
    dressed = dress.reader()(text)
    plain = float(text) if is_plain_number(text) else None
    if dressed is None or plain is None or dressed == plain:
        return plain if dressed is None else dressed
    ways = f"{as_typed(dressed, dress)} or {as_typed(plain, dress)}"
    raise SettingsError(
        f"{text!r} can be read in two ways: {dressed:g} as its column writes numbers, {plain:g} as a program does; give {ways}"
    )


def as_typed(number: float | str, dress: Dress | None) -> str:
    """Return a number, or one in digits, as it is read alike in a dress and without: with no point where that parts thousands."""
    text = str(number).removesuffix(".0")
    return text.replace(".", dress.decimal) if dress is not None and dress.decimal != "." else text


def cell_pattern(before: str, body: str, after: str) -> str:
    """Return the pattern of a whole cell: brackets and signs around what stands before a number, itself, and behind it.

    A price such as 500,- has no cents, and is not below zero.
    """
    return (
        rf"^(?P<open>\()? ?(?P<a>[-+])? ?(?:(?P<before>{before}) ?)?(?P<b>[-+])? ?(?P<body>{body})(?P<cents>[.,]--?)?"
        rf"(?P<close>\))? ?(?P<after>{after})? ?(?P<c>[-+])?(?P<closes>\))?$"
    )


def number_pattern(decimal: str, thousands: str) -> str:
    """Return the pattern of the digits of a number."""
    point = re.escape(decimal)
    plain = rf"(?:[0-9]+(?:{point}[0-9]*)??|{point}[0-9]+)(?:[eE][-+]?[0-9]+)?"
    if not thousands:
        return plain
    cut = re.escape(thousands)
    groups = rf"[1-9][0-9]{{0,2}}(?:{cut}[0-9]{{3}})+"
    if thousands == ",":  # India's: 12,34,567
        groups += r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
    return rf"(?:(?:{groups})(?:{point}[0-9]*)??|{plain})"


def normalized(text: pl.Series) -> pl.Series:
    """Return text with the signs and digits of numbers as ASCII has them."""
    present = text.drop_nulls()
    if not bool((present.str.len_bytes() != present.str.len_chars()).any()):
        return text
    table = _translation()
    return text.str.replace_many([chr(at) for at in table], list(table.values()))


def _undressed(text: pl.Series, dress: Dress) -> pl.Series:
    parts = text.str.extract_groups(dress.pattern).struct
    body = parts.field("body")
    if dress.thousands:
        body = body.str.replace_all(dress.thousands, "", literal=True)
    if dress.decimal != ".":
        body = body.str.replace(dress.decimal, ".", literal=True)
    numbers = body.cast(pl.Float64, strict=False)
    signs = [parts.field(name) for name in "abc"]
    one = sum((sign.is_not_null().cast(pl.Int8) for sign in signs), pl.zeros(len(text), pl.Int8, eager=True))
    opened = parts.field("open").is_not_null()
    closed = parts.field("close").is_not_null().cast(pl.Int8) + parts.field("closes").is_not_null().cast(
        pl.Int8
    )
    fits = (one <= 1) & ((opened & (closed == 1) & (one == 0)) | (~opened & (closed == 0)))
    below = opened
    for sign in signs:
        below |= (sign == "-").fill_null(value=False)
    numbers = numbers.zip_with(~below, -numbers)
    return numbers.zip_with(fits, pl.Series([None], dtype=pl.Float64).new_from_index(0, len(text))).alias(
        text.name
    )


def _any_of(words: tuple[str, ...]) -> str:
    """Return the pattern of one of some words, the longest first; of none where there are none."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return "|".join(map(re.escape, ordered)) if ordered else "[^\\s\\S]"
