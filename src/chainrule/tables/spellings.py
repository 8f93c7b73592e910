"""How dates and times are spelled: the spellings that are known, which one a column has, and reading them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, time
from functools import cache
from itertools import product
from typing import Any

import polars as pl

from chainrule.tables.moments import moment_of

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)

DAY_FIRST, MONTH_FIRST = "day-first", "month-first"
DATE_ORDERS = (DAY_FIRST, MONTH_FIRST)
"""How 04/02/2020 is read, where its table doesn't say."""

FIRST_KNOWN = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%.fZ", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%H:%M:%S%.f", "%H:%M",
)  # fmt: skip
"""The spellings that the first versions of chainrule read, too."""

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%b %d, %Y", "%d %b %Y",
    "%d-%b-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%d-%b-%y",
)  # fmt: skip
_TIMES = ("%H:%M", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p", "%I %p")
_MONTHLY = ("%Y-%m", "%b %Y")


def _all_spellings() -> Iterator[str]:
    yield from FIRST_KNOWN
    yield from _DATES
    for date, clock in product(_DATES, _TIMES):
        yield f"{date} {clock}"
        if date.startswith("%Y-") and "%p" not in clock:
            yield from (f"{date}T{clock}", f"{date}T{clock}%z", f"{date} {clock}%z")
        elif "%b" in date:
            yield f"{date} {clock}%z"
    yield from (*_TIMES, *_MONTHLY)


DATE_FORMATS: tuple[str, ...] = tuple(dict.fromkeys(_all_spellings()))
"""The spellings of dates and times that are recognized, tried in this order, in the signs of ``strptime``.

``%b`` is the name of a month in English, short or whole; ``%y`` a year of 1970 to 2069 by its last two digits; ``%z`` an
offset from UTC, which is dropped: a time is what the clock showed.
"""

_PATTERNS = {
    "%Y": "(?P<Y>[0-9]{4})", "%y": "(?P<y>[0-9]{2})", "%m": "(?P<m>[0-9]{1,2})", "%d": "(?P<d>[0-9]{1,2})",
    "%H": "(?P<H>[0-9]{1,2})", "%I": "(?P<I>[0-9]{1,2})", "%M": "(?P<M>[0-5]?[0-9])", "%S": "(?P<S>[0-5]?[0-9])",
    "%.f": r"(?P<f>\.[0-9]{1,9})?", " %p": r" ?(?P<p>[AaPp])\.?[Mm]\.?",
    "%z": " ?(?:[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)", "%b": r"(?P<b>[A-Za-z]{3,9})\.?", ",": ",?", " ": ",? +",
}  # fmt: skip
_DIRECTIVE = re.compile(r"%\.f| %p|%[A-Za-z]|[ ,]|.")
_DAY_NAME = "(?:(?:[Mm]on|[Tt]ue|[Ww]ed|[Tt]hu|[Ff]ri|[Ss]at|[Ss]un)[a-z]*,? +)?"
_LOOKS_LIKE_A_DATE = (
    r"^\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4})?"
    rf"|(?i)^(?:[a-z]{{3,9}},? +)?(?:\d{{1,2}}(?:\. | |-))?(?:{'|'.join(MONTHS)})[a-z]*\.?[ -]+\d"
    r"|^\d{1,2} [AaPp]\.?[Mm]"
)
_SAMPLE = 1000


def is_time_only(spelling: str) -> bool:
    """Tell whether a spelling is that of a time of day, without a date."""
    return "%Y" not in spelling and "%y" not in spelling


@cache
def date_pattern(spelling: str) -> str:
    """Return the regular expression of a spelling, in what Python and Rust have in common."""
    parts = [_PATTERNS.get(part, re.escape(part)) for part in _DIRECTIVE.findall(spelling)]
    return f"^{_DAY_NAME if '%b' in spelling else ''}{''.join(parts)}$"


def _is_simple(spelling: str) -> bool:
    """Tell whether polars reads a spelling as it is: it has neither names, halves of a day, offsets, nor short years."""
    return not any(sign in spelling for sign in ("%b", "%p", "%z", "%y")) and "%d" in spelling


def to_dates(text: pl.Series, spelling: str) -> pl.Series:
    """Read text as Datetime (microseconds), or as Time for a spelling without a date; others become null."""
    kind = pl.Time() if is_time_only(spelling) else pl.Datetime("us")
    fits = text.str.contains(date_pattern(spelling))
    if not bool(fits.any()):
        return pl.Series(text.name, [None], kind).new_from_index(0, len(text))
    fitting = text if bool(fits.all()) else text.zip_with(fits, text.clear(len(text)))
    if _is_simple(spelling):
        if "%H" not in spelling:
            return fitting.str.to_date(spelling, strict=False).cast(pl.Datetime("us"))
        return fitting.str.to_datetime(spelling, strict=False, time_unit="us")
    parts = fitting.str.extract_groups(date_pattern(spelling)).struct
    clock = _clock(parts, spelling)
    if is_time_only(spelling):
        return clock.str.to_time("%H:%M:%S%.f", strict=False)
    return (_day(parts, spelling) + " " + clock).str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us"
    )


def _day(parts: Any, spelling: str) -> pl.Series:
    """Return the date of a spelling's parts as 2024-12-31."""
    short: pl.Series | None = parts.field("y") if "%y" in spelling else None
    year: pl.Series = (
        parts.field("Y") if short is None else ("20" + short).zip_with(short < "70", "19" + short)
    )
    month: pl.Series
    if "%b" in spelling:
        names = parts.field("b").str.to_lowercase()
        month = names.replace_strict(month_numbers(), default=None, return_dtype=pl.String)
    else:
        month = parts.field("m")
    day: pl.Series | str = parts.field("d") if "%d" in spelling else "01"
    return year + "-" + month + "-" + day


def _clock(parts: Any, spelling: str) -> pl.Series:
    """Return the time of a spelling's parts as 23:59:58.5."""
    clock: pl.Series
    if "%I" in spelling:
        hour: pl.Series = parts.field("I").cast(pl.Int64)
        later = parts.field("p").str.to_lowercase().eq("p").cast(pl.Int64)
        clock = (
            (hour % 12 + 12 * later).zip_with(hour.is_between(1, 12), hour.clear(len(hour))).cast(pl.String)
        )
    elif "%H" in spelling:
        clock = parts.field("H")
    else:
        return pl.Series(["00:00:00"]).new_from_index(0, len(parts.field("Y" if "%Y" in spelling else "y")))
    clock = clock + ":" + (parts.field("M") if "%M" in spelling else "00")
    clock = clock + ":" + (parts.field("S") if "%S" in spelling else "00")
    return clock + parts.field("f").fill_null("") if "%.f" in spelling else clock


@cache
def month_numbers() -> dict[str, str]:
    """Return the number of a month, as text, by its names in lower case."""
    short = {name: str(k) for k, name in enumerate(MONTHS, 1)}
    return short | {name: str(k) for k, name in enumerate(_MONTH_NAMES, 1)} | {"sept": "9"}


@cache
def date_reader(spelling: str) -> Callable[[str], datetime | time | None]:
    """Return what reads one cell as `to_dates` does, None for what is not spelled so."""
    match, months, time_only = (
        re.compile(date_pattern(spelling)).fullmatch,
        month_numbers(),
        is_time_only(spelling),
    )

    def read(text: str) -> datetime | time | None:
        found = match(text)
        return None if found is None else moment_of(found.groupdict(default=""), months, time_only=time_only)

    return read


def other_order(spelling: str) -> str:
    """Return the spelling with day and month the other way round, "" where they can't be taken for each other."""
    day, month = spelling.find("%d"), spelling.find("%m")
    if min(day, month) < 0 or max(day, month) > 3 or "." in spelling[:5]:
        return ""
    other = spelling.replace("%d", "%!").replace("%m", "%d").replace("%!", "%m")
    return other if other in DATE_FORMATS else ""


def is_day_first(spelling: str) -> bool:
    """Tell whether the day stands before the month."""
    return spelling.find("%d") < spelling.find("%m")


def date_spelling(text: pl.Series) -> tuple[str, int, bool]:
    """Find the spelling that reads the most cells: (spelling, cells it reads, is day/month ambiguous).

    The spelling is "" where no cell looks like a date.
    """
    present = text.drop_nulls()
    sample = present.head(_SAMPLE)
    if not sample.len() or sample.str.contains(_LOOKS_LIKE_A_DATE).sum() < 0.5 * sample.len():
        return "", 0, False
    best, most = "", 0
    for spelling in DATE_FORMATS:
        if to_dates(sample, spelling).is_not_null().any():
            found = to_dates(present, spelling).count()
            if found > most:
                best, most = spelling, found
    other = other_order(best)
    return best, most, bool(other) and to_dates(present, other).count() == most


def proven_order(columns: Iterable[pl.Series]) -> str:
    """Return DAY_FIRST or MONTH_FIRST if some text columns are dates that show it, "" if none does, or they differ."""
    found: set[str] = set()
    for column in columns:
        sample = column.drop_nulls().head(_SAMPLE)
        spelling, read, ambiguous = date_spelling(sample)
        if other_order(spelling) and not ambiguous and read == len(sample):
            found.add(DAY_FIRST if is_day_first(spelling) else MONTH_FIRST)
    return found.pop() if len(found) == 1 else ""


@cache
def date_spellings(spelling: str) -> tuple[str, ...]:
    """Return the spellings that a column's cells are read by: its own, then those that say the same everywhere."""
    known = (other for other in DATE_FORMATS if is_time_only(other) == is_time_only(spelling))
    clear = (other for other in known if is_time_only(other) or other.startswith("%Y") or "%b" in other)
    return tuple(dict.fromkeys((spelling, *clear)))
