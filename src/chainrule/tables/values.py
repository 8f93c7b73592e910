"""Cells as text and what they stand for: missing, number, truth value, date."""

from collections.abc import Iterable, Sequence

import polars as pl

from chainrule.errors import SettingsError

DEFAULT_MISSING: tuple[str, ...] = (
    "", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL", "None", "?",
)  # fmt: skip
"""The cells that count as missing wherever a table is read; case matters."""

TRUE_WORDS = ("true", "yes")
FALSE_WORDS = ("false", "no")

DATE_FORMATS: tuple[str, ...] = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S%.fZ", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%H:%M:%S%.f", "%H:%M",
)  # fmt: skip
"""The spellings of dates and times that are recognized, tried in this order."""

_AMBIGUOUS = {"%d/%m/%Y": "%m/%d/%Y", "%d/%m/%Y %H:%M": "%m/%d/%Y %H:%M"}
_LOOKS_LIKE_A_DATE = r"^\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4})?"
_EXACT_WHOLE = 2.0**53
_SAMPLE = 1000


def check_texts(words: Iterable[object], what: str) -> None:
    """Raise SettingsError for a text that no table can hold: one with half a character of UTF-16."""
    for word in words:
        if isinstance(word, str) and any("\ud800" <= sign <= "\udfff" for sign in word):
            raise SettingsError(f"{what}: {word!r} has half a character, which no table can hold")


def clean(frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    """Strip spaces and tabs around every text cell and turn the ``missing`` words into null."""
    text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    if not text:
        return frame
    words = list(dict.fromkeys([*missing, ""]))
    stripped = frame.with_columns(pl.col(text).str.strip_chars(" \t"))
    return stripped.with_columns(
        pl.when(pl.col(name).is_in(words)).then(None).otherwise(pl.col(name)).alias(name) for name in text
    )


def to_numbers(text: pl.Series, decimal: str = ".") -> pl.Series:
    """Read text as numbers: Int64 where every cell is a whole number that fits, else Float64.

    A cell that is no number becomes null, and so does NaN. A number beyond 1.8e308 becomes infinite.
    """
    if decimal == ",":
        # A point next to a decimal comma would be a thousands separator, which is not guessed at.
        points = text.str.contains(".", literal=True)
        text = text.clear(len(text)).zip_with(points, text.str.replace(",", ".", literal=True))
    for part in (text.head(_SAMPLE), text):
        whole = part.cast(pl.Int64, strict=False)
        if whole.null_count() > part.null_count():
            return text.cast(pl.Float64, strict=False).fill_nan(None)
    return whole


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


def to_booleans(text: pl.Series) -> pl.Series:
    """Read true/yes and false/no in any case as truth values; every other cell becomes null."""
    truth = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)
    return text.str.to_lowercase().replace_strict(truth, default=None, return_dtype=pl.Boolean)


def to_dates(text: pl.Series, spelling: str) -> pl.Series:
    """Read text as Datetime (microseconds), or as Time for a spelling without a date; others become null."""
    if "%Y" not in spelling:
        padded = text if "%S" in spelling else text + ":00"
        return padded.str.to_time("%H:%M:%S%.f", strict=False)
    if "%H" not in spelling:
        return text.str.to_date(spelling, strict=False).cast(pl.Datetime("us"))
    return text.str.to_datetime(spelling, strict=False, time_unit="us")


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
    other = _AMBIGUOUS.get(best)
    return best, most, other is not None and to_dates(present, other).count() == most


def as_text(column: pl.Series) -> pl.Series:
    """Write every cell of a column as text; whole floats without the point, dates in ISO form."""
    if column.dtype == pl.String:
        return column
    if column.dtype.is_float():
        # Python's own spelling of floats: that of polars differs between its versions, and levels are compared by it.
        values = column.drop_nulls().unique()
        texts = pl.Series([_float_text(value) for value in values], dtype=pl.String)
        return column.replace_strict(values, texts, default=None, return_dtype=pl.String)
    return column.cast(pl.String)


def level_counts(column: pl.Series) -> pl.DataFrame:
    """Return each different cell as text (``level``) and its ``count``, the most frequent first; missing ones aside."""
    counts = as_text(column).drop_nulls().alias("level").value_counts(name="count")
    return counts.sort(["count", "level"], descending=[True, False])


def _float_text(value: float) -> str:
    return str(int(value)) if abs(value) < _EXACT_WHOLE and value == int(value) else repr(value)
