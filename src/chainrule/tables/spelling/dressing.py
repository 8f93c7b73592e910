"""Finding the dress of a column's numbers: which signs its cells have, and which readings of them are possible."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl

from chainrule.tables.spelling.dress import Dress, cell_pattern, normalized, number_pattern
from chainrule.tables.spelling.durations import duration_spelling
from chainrule.tables.spelling.values import float_text

LEAST = 0.95
"""From this share of the cells on, they are numbers but for a few odd ones."""

_SAME = {
    "eur": "€",
    "euro": "€",
    "gbp": "£",
    "inr": "₹",
    "rs": "₹",
    "pln": "zł",
    "czk": "kč",
    "lb": "lbs",
    "krw": "₩",
    "vnd": "₫",
}
"""Words that are one unit with a sign, which is of no other country."""

_SCALES = frozenset(
    {"k", "M", "bn", "mn", "mio", "mrd", "tsd", "thousand", "million", "billion", "trillion", "lakh", "crore"}
)
"""What stands behind a number that is of so many: beside such numbers one without is of another unit."""

FEW_UNITS = 8
"""Numbers with several units, but no more than this, are said to be such."""

_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY "
    "COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS "
    "INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU "
    "MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK "
    "SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF "
    "XPF YER ZAR ZMW ZWL"
).replace(" ", "|")
"""The codes of currencies, ISO 4217."""

_SIGNS = "$¢£¤¥֏؋৲৳৻૱௹฿៛₠-⃀﷼"
_SMALL_CODES = "usd|eur|gbp|chf|jpy|cad|aud|inr|cny|sek|nok|dkk|pln|czk|huf|brl|mxn|zar|[Ee]uro"
_BEFORE = rf"(?:[A-Za-z]{{1,3}} ?)?[{_SIGNS}]|(?:{_CODES})|{_SMALL_CODES}|Rs\.?|Rp\.?|RM|DM|R |[Kk]r\.?|S?Fr\.?|Kč|zł"
_FIRST = r"""[^\s0-9.,()+'_:;=<>"/\\|&@#!?*\-¼½¾⅐-⅞↉²³¹⁰-₉]"""
_REST = r"""[^0-9,()"<>=:;|]"""
_AFTER = (
    rf"(?:/ ?)?(?:(?:{_FIRST}{_REST}{{0,18}})?[A-Za-z](?:\^?-?[123])(?:[ /·*]{_REST}{{1,12}})?|{_FIRST}{_REST}{{0,19}})"
    r"""|["″]|''?"""
)
_BODY = r"(?:[0-9][0-9., ']*?[0-9.,]|[0-9]|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?"
_PATTERN = cell_pattern(_BEFORE, _BODY, _AFTER)
_MAY_BE_A_NUMBER = r"(?i)[0-9[:^ascii:]]|^[-+]?(?:inf|infinity|nan)$"
_SAMPLE = 1000


@dataclass(frozen=True)
class DressFinding:
    """What was found about a column of numbers in dress.

    ``other``: the dress of another reading that nothing speaks against; ``several``: units or currencies, if there are more
    than one, so that there is no ``dress``. ``example`` is a cell that tells the readings apart, ``words`` what is in the
    cells.
    """

    dress: Dress | None
    other: Dress | None = None
    several: tuple[str, ...] = ()
    example: str = ""
    words: str = ""

    def read(self, dress: Dress) -> str:
        """Return the number that the example is in a dress."""
        value = dress.reader()(self.example)
        return "no number" if value is None else float_text(value)

    def say(self, name: str) -> str:
        """Return what is worth a note."""
        if self.dress is None:
            units = ", ".join(self.several)
            return (
                f"column {name!r} has numbers with several units or currencies ({units}), so it is a category"
            )
        if self.dress.duration:
            return (
                f"column {name!r} is durations, read as seconds: {self.example!r} is {self.read(self.dress)}"
            )
        said = f"column {name!r} is numbers with {self.words}: {self.example!r} is {self.read(self.dress)}"
        if self.other is not None:
            known, sign = (
                ("thousands", self.other.thousands)
                if self.other.decimal == "."
                else ("decimal", self.other.decimal)
            )
            said += f"; with {known} {sign!r} it would be {self.read(self.other)}"
        return said


def find_dress(
    text: pl.Series, decimal: str, thousands: str, proof: str, delimiter: str
) -> DressFinding | None:
    """Return the dress of a text column's numbers, or None where they have none, or it has no numbers.

    ``decimal`` and ``thousands`` are the signs that were asked for (a decimal point is what is there without asking);
    ``proof`` the decimal sign that other columns show, "" for none; ``delimiter`` that of the file, "" where it has none.
    """
    present = text.drop_nulls()
    if not _may_be_numbers(present) or _parts(present.head(_SAMPLE)).height < LEAST * min(
        len(present), _SAMPLE
    ):
        return None
    parts = _parts(present)
    if parts.height < LEAST * len(present):
        return None
    before, after = (_words(parts.get_column(name)) for name in ("before", "after"))
    if several := _several(parts, before, after):
        few = parts.height == len(present) and len(several) <= FEW_UNITS
        return DressFinding(None, several=several) if few else None
    cut, fits = _readings(parts.get_column("body"), decimal, thousands)
    most = max(fits.values())
    if most < LEAST * len(present):
        return None
    possible = [sign for sign, count in fits.items() if count == most]
    chosen, other = _chosen(possible, parts.get_column("body"), decimal, thousands, proof, delimiter)
    seen = bool(parts.get_column("body").str.contains("[.,]").any())
    if present.cast(pl.Float64, strict=False).null_count() == 0 and (chosen == "." or not seen):
        return None
    made = [
        Dress(sign, cut or (_other(sign) if seen or thousands else ""), before, after)
        for sign in (chosen, other)
        if sign
    ]
    shown = made[0].thousands and bool(
        parts.get_column("body").str.contains(made[0].thousands, literal=True).any()
    )
    words = (made[0] if shown else replace(made[0], thousands="")).words
    return DressFinding(made[0], made[1] if len(made) > 1 else None, (), _example(parts, made), words)


def find_duration(text: pl.Series, *, asked: bool = False) -> DressFinding | None:
    """Return the dress of a text column of durations, none where plain numbers are beside them; None for another column.

    ``asked``: where they could be times of day, too.
    """
    present = text.drop_nulls()
    if not _may_be_numbers(present):
        return None
    present = normalized(present)
    spelling = duration_spelling(present, asked=asked)
    if spelling:
        return DressFinding(Dress(duration=spelling), example=str(text.drop_nulls()[0]))
    # 90 beside 1 h 5 min has no unit, and so could be of any.
    some, every = (
        one.filter(one.cast(pl.Float64, strict=False).is_null()) for one in (present.head(_SAMPLE), present)
    )
    if (
        len(every) < len(present)
        and duration_spelling(some, asked=asked)
        and duration_spelling(every, asked=asked)
    ):
        return DressFinding(None, several=("durations", "none"))
    return None


def proven_decimal(columns: Iterable[pl.Series]) -> str:
    """Return the decimal sign that some text columns show, "" where none does, or they differ: 1,5 has but one reading."""
    found: set[str] = set()
    for column in columns:
        sample = column.drop_nulls().head(_SAMPLE)
        if not _may_be_numbers(sample):
            continue
        parts = _parts(sample)
        bodies = parts.get_column("body")
        if parts.height < LEAST * len(sample) or not bool(bodies.str.contains("[.,]").any()):
            continue
        _, fits = _readings(bodies, ".", "")
        most = max(fits.values())
        if most >= LEAST * len(sample) and fits["."] != fits[","]:
            found.add("." if fits["."] == most else ",")
    return found.pop() if len(found) == 1 else ""


def could_be_thousands(text: pl.Series) -> bool:
    """Tell whether every point in a column of numbers could as well be a thousands separator, and there is one."""
    points = text.str.contains(".", literal=True)
    return bool(points.any()) and bool(
        text.str.contains(r"^[-+]?(?:[0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)$").all()
    )


def _may_be_numbers(present: pl.Series) -> bool:
    """Tell, by one look at the first cells, whether enough of them have a digit of any script: words have none."""
    sample = present.head(_SAMPLE)
    return len(sample) > 0 and int(sample.str.contains(_MAY_BE_A_NUMBER).sum()) >= LEAST * len(sample)


def _parts(text: pl.Series) -> pl.DataFrame:
    """Return the parts of the cells that are numbers with something around: before, body, after, and the cell."""
    clean = normalized(text)
    found = clean.str.extract_groups(_PATTERN).struct.unnest().select("before", "body", "cents", "after")
    # What stands before a dash for cents is the decimal sign.
    cents = pl.col("cents").str.head(1) + "00"
    found = found.with_columns(text.alias("cell"), (pl.col("body") + cents.fill_null("")).alias("body"))
    return found.filter(pl.col("body").is_not_null())


def _words(column: pl.Series) -> tuple[str, ...]:
    """Return the different words of a column, the most frequent first, blanks at their ends aside."""
    return tuple(column.drop_nulls().str.strip_chars(" ").value_counts(sort=True).to_series(0).to_list())


def _several(parts: pl.DataFrame, before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """Return the units where there is more than one: year and years are one, so are kg and KG, € 5 and 5 EUR."""
    found = parts.select("before", "after").unique().filter(pl.any_horizontal(pl.all().is_not_null()))
    known = {_plain_unit(word) for word in after}
    units: set[tuple[str, ...]] = set()
    plain = parts.filter(pl.col("before").is_null() & pl.col("after").is_null())
    if known & _SCALES and not bool(plain.get_column("body").str.contains("^[0.,]+$").all()):
        units.add(())  # 900 beside 1.2k is of another unit
        after = (*after, "none")
    for left, right in found.rows():
        words = [_plain_unit(word.strip()) for word in (left, right) if word]
        units.add(tuple(word[:-1] if word.endswith("s") and word[:-1] in known else word for word in words))
    return (*before, *after) if len(units) > 1 else ()


def _plain_unit(word: str) -> str:
    """Return what all spellings of a unit have in common; mW and MW, Mb and MB stay apart."""
    word = word.removesuffix(".")
    folded = word.casefold()
    if len(word) > 3 or (word[:1] in "kKcClLoO" and word[1:] not in ("b", "B")):
        word = folded
    return _SAME.get(folded, word)


def _readings(bodies: pl.Series, decimal: str, thousands: str) -> tuple[str, dict[str, int]]:
    """Return the separator that is neither point nor comma, and how many numbers can be read with each decimal sign."""
    seen = [sign for sign in (" ", "'") if bool(bodies.str.contains(sign, literal=True).any())]
    cut = thousands if thousands in (" ", "'") else seen[0] if len(seen) == 1 else ""
    fits = {
        sign: int(bodies.str.contains(f"^{number_pattern(sign, cut or _other(sign))}$").sum())
        for sign in (".", ",")
    }
    if decimal == "," or thousands == ".":
        fits["."] = -1
    elif thousands == ",":
        fits[","] = -1
    return cut, fits


def _chosen(
    possible: list[str], bodies: pl.Series, decimal: str, thousands: str, proof: str, delimiter: str
) -> tuple[str, str]:
    """Return the decimal sign of the numbers, and another that is as good where nothing settles it."""
    if len(possible) == 1:
        return possible[0], ""
    if not bool(bodies.str.contains("[.,]").any()):
        return decimal, ""
    # A number such as 1.200 with a unit is as doubtful as 1,200; without one it is a program's.
    settled = proof or ("." if delimiter == "," else "")
    return (settled, "") if settled else (".", ",")


def _other(sign: str) -> str:
    return "," if sign == "." else "."


def _example(parts: pl.DataFrame, made: list[Dress]) -> str:
    """Return a cell that shows the dress: the first one with a sign between its digits, else the first."""
    cells = parts.get_column("cell")
    signs = parts.get_column("body").str.contains("[., ']")
    if bool(signs.any()):
        return str(cells.filter(signs)[0])
    dressed = made[0].read(cells).is_not_null() & cells.cast(pl.Float64, strict=False).is_null()
    return str(cells.filter(dressed)[0] if bool(dressed.any()) else cells[0])
