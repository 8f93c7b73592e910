"""Cells as text and what they stand for: missing, number, truth value."""

import re
from collections.abc import Iterable, Sequence

import polars as pl

from chainrule.errors import SettingsError

DEFAULT_MISSING: tuple[str, ...] = (
    "", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "None", "?",
)  # fmt: skip
"""The cells that count as missing wherever a table is read; case matters."""

TRUE_WORDS = ("true", "yes")
FALSE_WORDS = ("false", "no")

BLANKS = (
    " \t\n\r\x0b\x0c\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""The signs that don't count at the ends of a cell."""

_PLAIN_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
)
_EXACT_WHOLE = 2.0**53
_SAMPLE = 1000


def check_texts(words: Iterable[object], what: str) -> None:
    """Raise SettingsError for a text that no table can hold: one with half a character of UTF-16."""
    for word in words:
        if isinstance(word, str) and any("\ud800" <= sign <= "\udfff" for sign in word):
            raise SettingsError(f"{what}: {word!r} has half a character, which no table can hold")


def clean(frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    """Strip blanks around every text cell and turn the ``missing`` words into null."""
    if not any(dtype == pl.String for dtype in frame.dtypes):
        return frame
    return pl.DataFrame([clean_text(column, missing) for column in frame.get_columns()])


def clean_text(column: pl.Series, missing: Sequence[str]) -> pl.Series:
    """Strip blanks around every cell of a text column and turn the ``missing`` words into null; others stay as they are."""
    if column.dtype != pl.String:
        return column
    stripped = column.str.strip_chars(BLANKS)
    gaps = stripped.is_in(list(dict.fromkeys([*missing, ""])))
    return stripped.zip_with(~gaps, stripped.clear(len(stripped))) if bool(gaps.any()) else stripped


def to_numbers(text: pl.Series, decimal: str = ".") -> pl.Series:
    """Read text as numbers: Int64 where every cell is a whole number that fits, else Float64.

    A cell that is no number becomes null, and so does NaN. A number beyond 1.8e308 becomes infinite.
    """
    if decimal == ",":
        text = in_points(text)
    for part in (text.head(_SAMPLE), text):
        whole = part.cast(pl.Int64, strict=False)
        if whole.null_count() > part.null_count():
            return text.cast(pl.Float64, strict=False).fill_nan(None)
    return whole


def in_points(text: pl.Series) -> pl.Series:
    """Return numbers with a decimal comma with a point, null where one has a point already: that would be for thousands."""
    points = text.str.contains(".", literal=True)
    return text.clear(len(text)).zip_with(points, text.str.replace(",", ".", literal=True))


def to_typed(text: pl.Series, decimal: str = ".") -> pl.Series:
    """Return the numbers of a text column when every cell that is present is one, else the text itself."""
    if text.null_count() == len(text):
        return text
    # One cell that is no number settles it, and is mostly among the first.
    for part in (text.head(_SAMPLE), text):
        numbers = to_numbers(part, decimal)
        if numbers.null_count() > part.null_count():
            return text
    return numbers


def is_plain_number(text: str) -> bool:
    """Tell whether a text is a number as a program writes it."""
    return _PLAIN_NUMBER.fullmatch(text) is not None


def to_booleans(text: pl.Series) -> pl.Series:
    """Read true/yes and false/no in any case as truth values; every other cell becomes null."""
    truth = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)
    return text.str.to_lowercase().replace_strict(truth, default=None, return_dtype=pl.Boolean)


def truth_of(word: str) -> bool | None:
    """Return what a word of any case says, None for another word."""
    lower = word.lower()
    return True if lower in TRUE_WORDS else False if lower in FALSE_WORDS else None


def are_opposites(words: Sequence[object]) -> bool:
    """Tell whether two words are one that says yes and one that says no."""
    found = {truth_of(word) for word in words if isinstance(word, str)}
    return len(words) == 2 and found == {True, False}


def one_spelling(column: pl.Series) -> pl.Series:
    """Return a column in which Yes, yes and YES are one word, the most frequent of them; another column as it is.

    In words for yes and no case doesn't count, and in no cell do the blanks around it; in every other word case does.
    """
    if column.dtype != pl.String or column.null_count() == len(column):
        return column
    truth = to_booleans(column)
    if truth.null_count() > column.null_count():
        return column
    counts = (
        column.drop_nulls().value_counts(sort=True).sort(["count", column.name], descending=[True, False])
    )
    words: dict[str, str] = {}
    for said in (True, False):
        own = [word for word in counts.to_series(0).to_list() if truth_of(word) is said]
        words |= dict.fromkeys(own, own[0] if own else "")
    return column if all(a == b for a, b in words.items()) else column.replace(words)


def as_text(column: pl.Series) -> pl.Series:
    """Write every cell of a column as text; whole floats without the point, dates in ISO form."""
    if column.dtype == pl.String:
        return column
    if column.dtype.is_float():
        # Python's own spelling of floats: that of polars differs between its versions, and levels are compared by it.
        values = column.drop_nulls().unique()
        texts = pl.Series([float_text(value) for value in values], dtype=pl.String)
        return column.replace_strict(values, texts, default=None, return_dtype=pl.String)
    return column.cast(pl.String)


def level_counts(column: pl.Series) -> pl.DataFrame:
    """Return each different cell as text (``level``) and its ``count``, the most frequent first; missing ones aside."""
    counts = as_text(column).drop_nulls().alias("level").value_counts(name="count")
    return counts.sort(["count", "level"], descending=[True, False])


def float_text(value: float) -> str:
    """Write a float: a whole one without the point, others in the fewest digits that come back."""
    return str(int(value)) if abs(value) < _EXACT_WHOLE and value == int(value) else repr(value)


def to_plain_form(text: pl.Series) -> pl.Series:
    """Write numbers in text as `as_text` writes numbers, so that 1.0 is 1; what is no number becomes null."""
    whole = text.cast(pl.Int64, strict=False)
    floats = text.zip_with(whole.is_null(), text.clear(len(text))).cast(pl.Float64, strict=False)
    return as_text(whole).zip_with(whole.is_not_null(), as_text(floats))
