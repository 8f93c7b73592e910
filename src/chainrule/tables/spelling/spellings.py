"""How dates and times are spelled: the spellings that are known, which one a column has, and reading them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, time
from functools import cache
from itertools import product
from typing import Any

import polars as pl

from chainrule.tables.spelling.moments import moment_of
from chainrule.tables.spelling.months import LETTERS, month_numbers

DAY_FIRST, MONTH_FIRST, YEAR_FIRST = "day-first", "month-first", "year-first"
DATE_ORDERS = (DAY_FIRST, MONTH_FIRST, YEAR_FIRST)
"""How 04/02/2020 is read, where its table doesn't say."""

FIRST_KNOWN = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%.fZ", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%H:%M:%S%.f", "%H:%M",
)  # fmt: skip
"""The spellings that the first versions of chainrule read, too."""

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%b %d, %Y", "%d %b %Y",
    "%d-%b-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%d-%b-%y",
    "%d/%b/%Y", "%d %b %y", "%Y %b %d", "%Y-%b-%d", "%Y年%m月%d日", "%Y년 %m월 %d일",
)  # fmt: skip
_TIMES = ("%H:%M", "%H:%M:%S%.f", "%I:%M %p", "%I:%M:%S %p", "%I %p")
_MONTHLY = ("%Y-%m", "%b %Y", "%Y/%m", "%m/%Y", "%b-%Y", "%b-%y", "%Y年%m月", "%Y년 %m월")
_WEEKLY = ("%G-W%V-%u", "%GW%V%u", "%G-W%V", "%GW%V")
_OF_PROGRAMS = (
    "%b %d %H:%M:%S %Y", "%d/%b/%Y:%H:%M:%S%z", "%d%b%Y", "%d%b%Y:%H:%M:%S", "%Y%m%d", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ",
)  # fmt: skip


def _all_spellings() -> Iterator[str]:
    yield from FIRST_KNOWN
    yield from _DATES
    for date, clock in product(_DATES, _TIMES):
        yield f"{date} {clock}"
        if date.startswith("%Y-") and "%p" not in clock:
            yield from (f"{date}T{clock}", f"{date}T{clock}%z", f"{date} {clock}%z")
        elif "%b" in date:
            yield f"{date} {clock}%z"
    yield from (*_TIMES, *_MONTHLY, *_OF_PROGRAMS, *_WEEKLY)


DATE_FORMATS: tuple[str, ...] = tuple(dict.fromkeys(_all_spellings()))
"""The spellings of dates and times that are recognized, tried in this order, in the signs of ``strptime``.

``%b`` is the name of a month, short or whole, in one of the languages of `MONTH_NAMES`; ``%y`` a year of 1970 to 2069 by its
last two digits; ``%G``, ``%V`` and ``%u`` year, week and day of the week by ISO 8601, its Monday without one; ``%z`` an
offset from UTC or a zone's letters, which are dropped: a time is what the clock showed.
"""

_BLANK = "[ \u00a0\u2009\u202f]"
_PATTERNS = {
    "%G": "(?P<G>[0-9]{4})", "%V": "(?P<V>[0-9]{2})", "%u": "(?P<u>[1-7])",
    "%Y": "(?P<Y>[0-9]{4})", "%y": "(?P<y>[0-9]{2})", "%m": "(?P<m>[0-9]{1,2})", "%d": "(?P<d>[0-9]{1,2})",
    "%H": "(?P<H>[0-9]{1,2})", "%I": "(?P<I>[0-9]{1,2})", "%M": "(?P<M>[0-5][0-9])", "%S": "(?P<S>[0-5][0-9])",
    "%.f": "(?P<f>[.,][0-9]{1,9})?", " %p": rf"{_BLANK}?(?P<p>[AaPp])\.?{_BLANK}?[Mm]\.?",
    "%z": rf"{_BLANK}?(?:[Zz]|[A-Z]{{3,4}}|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)", "%b": rf"(?P<b>[{LETTERS}]{{3,12}})\.?",
    ",": ",?", " ": f",?{_BLANK}+", ".": rf"\.{_BLANK}?",
}  # fmt: skip
_OF_NAMES = {"%d": r"(?P<d>[0-9]{1,2})(?:st|nd|rd|th|er|\.)?", " ": f",?{_BLANK}+(?:(?:de|of){_BLANK}+)?"}
"""What is otherwise where a month has a name and blanks around it: the 4th of July, 14. Juli, 4 de julio."""

_PACKED = {"%m": "(?P<m>[0-9]{2})", "%d": "(?P<d>[0-9]{2})", "%H": "(?P<H>[0-9]{2})"}
_DIRECTIVE = re.compile(r"%\.f| %p|%[A-Za-z]|[ ,]|.")
_DAY_NAME = f"(?:(?:[Mm]on|[Tt]ue|[Ww]ed|[Tt]hu|[Ff]ri|[Ss]at|[Ss]un)[a-z]*,?{_BLANK}+)?"
_MONTH = f"(?:{'|'.join(sorted({name[:3] for name in month_numbers()}))})[{LETTERS}]*"
_LOOKS_LIKE_A_DATE = (
    r"^(?:[a-zA-Z]{3,9},? +)?\d{1,4}(?:[-/.:年년]|\. )\s?\d{1,2}([-/.:]\d{1,4})?|^\d{8}(?:T\d{6}Z?)?$"
    rf"|(?i)^(?:[a-z]{{3,9}},?\s+)?(?:\d{{1,4}}(?:st|nd|rd|th|er)?[-/.]?\s?(?:de|of)?\s?)?{_MONTH}\.?[-/.\s]*(?:de|of)?\s?\d"
    r"|^\d{1,2} [AaPp]\.?[Mm]|^\d{4}-?W\d{2}"
)
_SAMPLE = 1000

_FIRST_SIGNS = {
    "%d": DAY_FIRST, "%m": MONTH_FIRST, "%b": MONTH_FIRST, "%Y": YEAR_FIRST, "%y": YEAR_FIRST,
}  # fmt: skip
_OF_NUMBERS = re.compile("%[dmy](?P<cut>[-/])%[dm](?P=cut)%(?P<year>[Yyd])")
_CLEAR = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%b %d, %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%Y-%m",
    "%b %Y",
    "%Y%m%d",
)
_SIGNS = {
    "Y": {DAY_FIRST: "dmY", MONTH_FIRST: "mdY"},
    "y": {DAY_FIRST: "dmy", MONTH_FIRST: "mdy", YEAR_FIRST: "ymd"},
    "d": {DAY_FIRST: "dmy", MONTH_FIRST: "mdy", YEAR_FIRST: "ymd"},
}


def is_time_only(spelling: str) -> bool:
    """Tell whether a spelling is that of a time of day, without a date."""
    return not any(year in spelling for year in ("%Y", "%y", "%G"))


@cache
def date_pattern(spelling: str) -> str:
    """Return the regular expression of a spelling, in what Python and Rust have in common."""
    own = _PACKED if "%Y%m" in spelling else _OF_NAMES if "%b" in spelling and " " in spelling else {}
    parts = [own.get(part, _PATTERNS.get(part, re.escape(part))) for part in _DIRECTIVE.findall(spelling)]
    return f"^{'' if is_time_only(spelling) else _DAY_NAME}{''.join(parts)}$"


_NOT_SIMPLE = r"[A-SU-Ya-z,\u00a0\u2009\u202f]|\. |  "
"""What polars doesn't read, in a date that is spelled in numbers alone."""


def _is_simple(spelling: str) -> bool:
    """Tell whether polars reads a spelling as it is: it has neither names, halves of a day, offsets, nor short years."""
    return not any(sign in spelling for sign in ("%b", "%p", "%z", "%y")) and "%d" in spelling


def to_dates(text: pl.Series, spelling: str) -> pl.Series:
    """Read text as Datetime (microseconds), or as Time for a spelling without a date; others become null."""
    kind = pl.Time() if is_time_only(spelling) else pl.Datetime("us")
    text = _in_ascii(text)
    fits = text.str.contains(date_pattern(spelling))
    if not bool(fits.any()):
        return pl.Series(text.name, [None], kind).new_from_index(0, len(text))
    fitting = text if bool(fits.all()) else text.zip_with(fits, text.clear(len(text)))
    if _is_simple(spelling) and not bool(fitting.str.contains(_NOT_SIMPLE).any()):
        if "%H" not in spelling:
            return fitting.str.to_date(spelling, strict=False).cast(pl.Datetime("us"))
        return fitting.str.to_datetime(spelling, strict=False, time_unit="us")
    if "%G" in spelling:
        # The day is appended where there is none; a year that has no week 53 makes none.
        days = fitting if "%u" in spelling else fitting + "-1"
        return days.str.to_date(spelling if "%u" in spelling else f"{spelling}-%u", strict=False).cast(
            pl.Datetime("us")
        )
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
    return clock + parts.field("f").fill_null("").str.replace(",", ".") if "%.f" in spelling else clock


@cache
def _wide_signs() -> dict[int, str]:
    """Return what signs of full width, and digits of any script, are in a date."""
    digits = {at: str(unicodedata.decimal(chr(at))) for at in range(128, 0x20000) if chr(at).isdecimal()}
    return digits | {ord(wide): plain for wide, plain in zip("／：－．，　", "/:-., ", strict=True)}


def _in_ascii(text: pl.Series) -> pl.Series:
    """Return text with digits and signs as ASCII has them; letters stay."""
    if not bool((text.str.len_bytes() != text.str.len_chars()).any()):
        return text
    signs = _wide_signs()
    return text.str.replace_many([chr(at) for at in signs], list(signs.values()))


@cache
def date_reader(spelling: str) -> Callable[[str], datetime | time | None]:
    """Return what reads one cell as `to_dates` does, None for what is not spelled so."""
    match, months, time_only = (
        re.compile(date_pattern(spelling)).fullmatch,
        month_numbers(),
        is_time_only(spelling),
    )

    def read(text: str) -> datetime | time | None:
        found = match(text if text.isascii() else text.translate(_wide_signs()))
        return None if found is None else moment_of(found.groupdict(default=""), months, time_only=time_only)

    return read


def order_of(spelling: str) -> str:
    """Return which of day, month and year stands first in a spelling."""
    first = min((spelling.find(sign) % 99, order) for sign, order in _FIRST_SIGNS.items())
    return first[1]


def other_orders(spelling: str) -> dict[str, str]:
    """Return the spellings with day, month and a short year in another order, by that order: what they may be taken for."""
    found = _OF_NUMBERS.match(spelling)
    if found is None:
        return {}
    cut, rest = found["cut"], spelling[found.end() :]
    made = {
        order: cut.join(f"%{sign}" for sign in signs) + rest for order, signs in _SIGNS[found["year"]].items()
    }
    return {order: other for order, other in made.items() if other != spelling and other in DATE_FORMATS}


def date_spelling(text: pl.Series) -> tuple[str, int, bool]:
    """Find the spelling that reads the most cells: (spelling, cells it reads, is day/month ambiguous).

    The spelling is "" where no cell looks like a date.
    """
    present = _in_ascii(text.drop_nulls())
    sample = present.head(_SAMPLE)
    if not sample.len() or sample.str.contains(_LOOKS_LIKE_A_DATE).sum() < 0.5 * sample.len():
        return "", 0, False
    best, most = "", 0
    for spelling in DATE_FORMATS:
        if to_dates(sample, spelling).is_not_null().any():
            found = to_dates(present, spelling).count()
            if found > most:
                best, most = spelling, found
            if most == len(present):
                break
    if best and most < len(present):
        most = read_dates(present, best).count()
    return best, most, bool(orders_that_fit(present, best, most))


def orders_that_fit(text: pl.Series, spelling: str, count: int) -> dict[str, str]:
    """Return the other orders in which as many cells are dates, with their spellings."""
    others = other_orders(spelling)
    return {order: other for order, other in others.items() if read_dates(text, other).count() >= count}


def read_dates(text: pl.Series, spelling: str) -> pl.Series:
    """Read text as `to_dates` does, by the first of `date_spellings` that reads a cell."""
    found = to_dates(text, spelling)
    for other in date_spellings(spelling)[1:]:
        if found.null_count() == text.null_count():
            break
        found = found.zip_with(found.is_not_null(), to_dates(text, other))
    return found


def proven_order(columns: Iterable[pl.Series]) -> str:
    """Return DAY_FIRST or MONTH_FIRST if some text columns are dates that show it, "" if none does, or they differ."""
    found: set[str] = set()
    for column in columns:
        sample = column.drop_nulls().head(_SAMPLE)
        spelling, read, ambiguous = date_spelling(sample)
        if other_orders(spelling) and not ambiguous and read == len(sample):
            found.add(order_of(spelling))
    return found.pop() if len(found) == 1 else ""


@cache
def date_spellings(spelling: str) -> tuple[str, ...]:
    """Return the spellings that a column's cells are read by: its own, with any time; then those that say the same everywhere."""
    known = [other for other in DATE_FORMATS if is_time_only(other) == is_time_only(spelling)]
    own = (other for other in known if _day_of(other) == _day_of(spelling))
    clear = (other for other in known if is_time_only(other) or _day_of(other) in _CLEAR)
    return tuple(dict.fromkeys((spelling, *own, *clear)))


def _day_of(spelling: str) -> str:
    """Return a spelling without its time."""
    return spelling[: found.start()] if (found := re.search("[ T]%[HI]", spelling)) else spelling
