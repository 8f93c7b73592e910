"""How long something took, as people and programs write it, as a number of seconds: 1:23:45, 2 h 5 min, P1DT2H."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import polars as pl

_NUMBER = r"[0-9]+(?:[.,][0-9]+)?"
_UNITS = {
    "w": (604800.0, "weeks?|wks?|w"),
    "d": (86400.0, "days?|d"),
    "h": (3600.0, "hours?|hrs?|h"),
    "m": (60.0, "minutes?|mins?|m"),
    "s": (1.0, "seconds?|secs?|s"),
}
"""By a part of a duration: its seconds, and how it is written behind a number. Months and years have no length of their own."""

_BLANK = "[ \u00a0\u2009\u202f]?"


def _worded(name: str, words: str) -> str:
    return rf"(?:(?P<{name}>{_NUMBER}){_BLANK}(?:{words})\.?,?{_BLANK}(?:and )?)?"


DURATIONS = {
    # Of a clock: with days before it, with hours that no day has, or minutes with a fraction of a second. A sign is of the days
    # alone where these stand apart, by a comma (Python) or a plus (pandas, PostgreSQL): -1 day, 23:00:00 is an hour less than 0.
    "clock": (
        rf"^(?P<sign>[-+])?(?:(?P<d>[0-9]+){_BLANK}(?:days?|d)(?:(?P<apart>, ?\+?| ?\+)| ?))?(?:(?P<h>[0-9]+):)?"
        r"(?P<m>[0-5]?[0-9]):(?P<s>[0-5][0-9](?:[.,][0-9]+)?)$"
    ),
    "words": rf"^(?P<sign>[-+])?{''.join(_worded(name, words) for name, (_, words) in _UNITS.items())}$",
    "iso": (
        rf"^(?P<sign>[-+])?P(?:(?P<w>{_NUMBER})W)?(?:(?P<d>{_NUMBER})D)?"
        rf"(?:T(?:(?P<h>{_NUMBER})H)?(?:(?P<m>{_NUMBER})M)?(?:(?P<s>{_NUMBER})S)?)?$"
    ),
}
"""The ways in which durations are written, and the pattern of each, in what Python and Rust have in common."""

_LEAST = r"[0-9]"
_SURE = {
    "clock": r"^[-+]?(?:[0-9]+ ?(?:days?|d)\b.*:|(?:2[4-9]|[3-9][0-9]|[0-9]{3,}):[0-9]{2}:|[0-9]{1,2}:[0-9]{2}[.,][0-9])",
    "words": "[0-9] ?[a-z]+[., ]*(?:and )?[0-9]",
    "iso": "^[-+]?P",
}
"""By the way of writing: a cell that can't be a time of day, nor a number with one unit."""


def duration_spelling(text: pl.Series, *, asked: bool = False) -> str:
    """Return the way of `DURATIONS` in which all cells are durations, "" where there is none.

    A plain number beside them isn't one, for nothing says its unit.
    What could all be times of day, or numbers with one unit, isn't taken for one, unless it was ``asked`` for.
    """
    present = text.drop_nulls()
    first = present.head(1000)
    for spelling, sure in _SURE.items() if len(present) else ():
        if not (_fits(first, spelling).all() and _fits(present, spelling).all()):
            continue
        if bool(present.str.contains(DURATIONS[spelling] if asked else sure).any()):
            return spelling
    return ""


def _fits(text: pl.Series, spelling: str) -> pl.Series:
    return text.str.contains(DURATIONS[spelling]) & text.str.contains(_LEAST)


def to_seconds(text: pl.Series, spelling: str) -> pl.Series:
    """Read text as Float64, a number of seconds; what is not written so, or is a plain number, as it is or null."""
    parts = text.str.extract_groups(DURATIONS[spelling]).struct
    names = [name for name in _UNITS if f"(?P<{name}>" in DURATIONS[spelling]]
    total = pl.zeros(len(text), pl.Float64, eager=True)
    less = (parts.field("sign") == "-").fill_null(value=False)
    apart = less & parts.field("apart").is_not_null() if "(?P<apart>" in DURATIONS[spelling] else less & ~less
    for name in names:
        number = parts.field(name).str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        seconds = number.fill_null(0.0) * _UNITS[name][0]
        total = total + (seconds.zip_with(~apart, -seconds) if name == "d" else seconds)
    total = total.zip_with(~less | apart, -total)
    return total.zip_with(_fits(text, spelling), text.cast(pl.Float64, strict=False)).alias(text.name)


@cache
def seconds_reader(spelling: str) -> Callable[[str], float | None]:
    """Return what reads one cell as `to_seconds` does, but no plain number; None for what is not written so."""
    match = re.compile(DURATIONS[spelling], re.ASCII).fullmatch
    names = [name for name in _UNITS if f"(?P<{name}>" in DURATIONS[spelling]]

    def read(text: str) -> float | None:
        found = match(text)
        if found is None or not re.search(_LEAST, text, re.ASCII):
            return None
        less = found["sign"] == "-"
        apart = less and bool(found.groupdict().get("apart"))
        total = 0.0
        for name in names:
            seconds = float((found[name] or "0").replace(",", ".")) * _UNITS[name][0]
            total += -seconds if apart and name == "d" else seconds
        return -total if less and not apart else total

    return read
