"""What kind of column a column is, and why some kinds are left out."""

import re
from dataclasses import dataclass, replace

import polars as pl

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.tables.cells import number_cells, remedy, shown
from chainrule.tables.encoding.texts import short_text
from chainrule.tables.files.frames import CATEGORY, INDEX
from chainrule.tables.spelling.dress import Dress
from chainrule.tables.spelling.dressing import DressFinding, could_be_thousands, find_dress, find_duration
from chainrule.tables.spelling.spellings import (
    date_spelling,
    is_time_only,
    order_of,
    orders_that_fit,
    to_dates,
)
from chainrule.tables.spelling.values import FALSE_WORDS, TRUE_WORDS, to_booleans, to_numbers
from chainrule.tables.table import Table

KINDS = (
    "number", "boolean", "category", "datetime", "text", "constant", "identifier", "long text", "nested",
)  # fmt: skip
"""Every kind of column; the first five can be inputs."""

INPUT_KINDS = KINDS[:5]

LEAVE_OUT = "leave-out"

KIND_WORDS = {"date": "datetime"}
"""What kinds are called by people."""

KINDS_BY_HAND = ("number", "category", "date", "text", LEAVE_OUT, "boolean", "datetime")
"""What a column can be said to be: of text the words are inputs, of a category whole cells; what is left out is no input."""

ODD_SHARE = 0.95
"""From this share on, text that is numbers (or dates) but for a few cells is taken for a mistake."""

FEW_NUMBERS = 10
"""Text that is numbers but for a few cells, of no more different numbers than this, may well be codes."""

NEARLY_UNIQUE = 0.95
"""Above this share of different values, in NEARLY_UNIQUE_ROWS rows or more, text is an identifier."""

NEARLY_UNIQUE_ROWS = 20
TEXT_LENGTH = 30
"""Text of more characters than this on average, mostly different in every row, is long text, unless its words recur."""

BOOLEAN_WORDS = frozenset((*TRUE_WORDS, *FALSE_WORDS))

FIRST = 20
"""The cells that are looked at one by one before a whole column is."""

_IDENTIFIER_NAME = re.compile(
    r"(^|[_\W])(id|ids|index|idx|uuid|guid|key|row|rowid|rownum|rownames|rownumber|unnamed)$|[a-z](Id|ID)$"
    r"|^unnamed: [0-9]+$|^__index_level_[0-9]+__$|^level_[0-9]+$"
)


@dataclass(frozen=True)
class ColumnKind:
    """The kind of a column, and why it can't be an input.

    ``odd`` says which cell keeps a column from being numbers or dates, ``remedy`` what to do; ``odd_is_error``
    whether it looks like a mistake rather than like codes, in a source that has no types of its own.
    """

    kind: str
    reason: str = ""
    spelling: str = ""
    odd: str = ""
    remedy: str = ""
    odd_is_error: bool = False
    n_missing: int = 0
    n_unique: int = 0
    found: DressFinding | None = None
    note: str = ""

    @property
    def dress(self) -> Dress | None:
        """How its numbers are written, where that is not as a program writes them."""
        return None if self.found is None or self.kind != "number" else self.found.dress


def find_kind(table: Table, name: str) -> ColumnKind:
    """Find the kind of a column from its type, its cells and its name."""
    column = table.column(name)
    dtype, n_missing = column.dtype, column.null_count()
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return ColumnKind(
            "nested", f"its cells are of the type {dtype}, not single values", n_missing=n_missing
        )
    n_unique = column.n_unique() - (n_missing > 0)
    if n_missing == len(column):
        return ColumnKind("constant", "every cell is missing", n_missing=n_missing)
    if n_unique == 1 and n_missing == 0:
        return ColumnKind("constant", f"every cell is {shown(table, 0, name)}", n_unique=1)
    if table.said.get(name) == CATEGORY and n_unique < len(column) - n_missing:
        found = ColumnKind("category")
    elif dtype == pl.Boolean:
        found = ColumnKind("boolean")
    elif dtype in (pl.Datetime, pl.Time):
        found = ColumnKind("datetime", spelling="%H:%M" if dtype == pl.Time else "%Y-%m-%d")
    elif dtype.is_numeric():
        reason = _why_identifier(column, INDEX if table.said.get(name) == INDEX else name, n_unique)
        found = ColumnKind("identifier" if reason else "number", reason)
        if not reason and _are_thousands(table, name) and (seen := dress_of(table, name)):
            found = replace(found, found=seen, note=seen.say(name))
    else:
        found = _find_text_kind(table, name, n_unique)
    return replace(found, n_missing=n_missing, n_unique=n_unique)


def _why_identifier(column: pl.Series, name: str, n_unique: int) -> str:
    n = len(column)
    if n_unique < n or not column.dtype.is_integer():
        return ""
    if _IDENTIFIER_NAME.search(name) or _IDENTIFIER_NAME.search(name.lower()):
        return "by its name, and with a different whole number in every row, it only numbers the rows"
    numbers = column.drop_nulls().to_numpy()
    low, high = int(numbers.min()), int(numbers.max())
    if n >= NEARLY_UNIQUE_ROWS and low in (0, 1) and high == low + n - 1:
        return f"it only counts the rows from {low} to {high}"
    return ""


def _find_text_kind(table: Table, name: str, n_unique: int) -> ColumnKind:
    column = table.column(name)
    present = column.count()
    if _is_boolean(column, present):
        return ColumnKind("boolean")
    spelling, dated, ambiguous = date_spelling(column)
    if dated == present:
        if is_time_only(spelling) and bool(column.str.contains("^[0-9]:[0-5][0-9]:").any()):
            how = f"{setting('kinds')} {name}=number reads them as seconds"
            note = f"column {name!r} is times of day; if they are durations, {how}"
            return ColumnKind("datetime", spelling=spelling, note=note)
        return _dates(table, name, spelling) if ambiguous else ColumnKind("datetime", spelling=spelling)
    found = find_duration(column)
    if found is not None and found.dress is not None:
        return ColumnKind("number", found=found, note=found.say(name))
    odd, remedied, is_error = "", "", False
    seen = found or dress_of(table, name)
    numbers = (
        to_numbers(column, table.decimal) if seen is None or seen.dress is None else seen.dress.read(column)
    )
    if seen is not None and seen.dress is not None and numbers.count() == present:
        reason = ""
        has_unit = seen.dress.before or seen.dress.after
        if not has_unit and bool((numbers == numbers.round()).all()):
            reason = _why_identifier(numbers.cast(pl.Int64, strict=False), name, n_unique)
        return ColumnKind("identifier" if reason else "number", reason, found=seen, note=seen.say(name))
    if ODD_SHARE * present <= numbers.count() < present:
        odd, remedied = _odd_cell(table, name, numbers, "a number")
        is_error = table.untyped and numbers.drop_nulls().n_unique() > FEW_NUMBERS
    elif dated >= ODD_SHARE * present:
        odd, remedied = _odd_cell(table, name, to_dates(column, spelling), "a date")
        is_error = table.untyped
    kind, reason = _text_or_category(column, present, n_unique)
    note = ""
    if seen is not None and seen.several:
        note = seen.say(name)
        reason = reason and f"{reason}, numbers with several units or currencies ({', '.join(seen.several)})"
    elif kind == "text":
        note = f"column {name!r} is short text, whose words and pieces of words are inputs: {reason}"
    elif not odd and not dated:
        note = _one_word(table, name)
    return ColumnKind(kind, reason, odd=odd, remedy=remedied, odd_is_error=is_error, found=seen, note=note)


def _one_word(table: Table, name: str) -> str:
    """Return a note where a column is numbers but for one word that may well mean a missing cell, such as "-"."""
    column = table.column(name)
    words = column.filter(~column.str.contains("[0-9]")).unique()
    if len(words) != 1 or not (word := str(words[0])):
        return ""
    rest = column.filter(column != word)
    if rest.len() < column.count() / 2 or rest.n_unique() <= FEW_NUMBERS:
        return ""
    found = find_dress(rest, table.decimal, table.thousands, "", table.delimiter)
    numbers = (
        to_numbers(rest, table.decimal) if found is None or found.dress is None else found.dress.read(rest)
    )
    if numbers.null_count():
        return ""
    count = column.count() - len(rest)
    return (
        f"column {name!r} is a number in {len(rest):,} rows and {word!r} in {count:,}, so it is no column of numbers; if that "
        "means a missing cell, name the word as missing"
    )


def dress_of(table: Table, name: str) -> DressFinding | None:
    """Return what there is of a dress in a column of text, or of numbers whose text is known."""
    column = table.column(name)
    if column.dtype != pl.String:
        if table.raw is None:
            return None
        column = table.text(name)
    asked = (table.decimal, table.thousands)
    return find_dress(column, *asked, table.proven_decimal, table.delimiter)


def weight_cells(table: Table, name: str) -> FloatArray:
    """Return a column of row weights (n,), in dress or plain, NaN where missing; raises TableError as `number_cells` does."""
    found = dress_of(table, name)
    return number_cells(table, name, None if found is None else found.dress)


def _are_thousands(table: Table, name: str) -> bool:
    """Tell whether a column of numbers such as 1.200 is of thousands, since others show a decimal comma."""
    if table.raw is None or table.column(name).dtype != pl.Float64:
        return False
    return could_be_thousands(table.text(name)) and table.proven_decimal == ","


def _dates(table: Table, name: str, spelling: str) -> ColumnKind:
    """Return the kind of a column of dates in which day and month can't be told apart: others may tell, or the user."""
    column = table.column(name).drop_nulls()
    others = orders_that_fit(column, spelling, len(column))
    order = table.dates or table.proven_order
    if order in (order_of(spelling), *others):
        return ColumnKind("datetime", spelling=others.get(order, spelling))
    taken = f"the {order_of(spelling).removesuffix('-first')} is taken to be first"
    options = ", ".join(f"dates={other} takes the {other.removesuffix('-first')}" for other in others)
    note = f"column {name!r}: in dates such as {str(column[0])!r} {taken}; {options}"
    return ColumnKind("datetime", spelling=spelling, note=note)


def _is_boolean(column: pl.Series, present: int) -> bool:
    # One other word settles it, and is mostly among the first.
    if not all(cell is None or cell.lower() in BOOLEAN_WORDS for cell in column.head(FIRST)):
        return False
    truth = to_booleans(column).drop_nulls()
    return len(truth) == present and truth.n_unique() == 2


def _text_or_category(column: pl.Series, present: int, n_unique: int) -> tuple[str, str]:
    length = column.str.len_chars().mean()
    different = f"{n_unique} different values in {present} rows"
    if words := short_text(column, n_unique):
        return "text", words
    if isinstance(length, float) and length > TEXT_LENGTH and n_unique > present / 2:
        return "long text", f"it is free text: {different}, {length:.0f} characters on average"
    if n_unique == present:
        return "identifier", "it has a different value in every row"
    if present >= NEARLY_UNIQUE_ROWS and n_unique > NEARLY_UNIQUE * present:
        return "identifier", f"it has {different}, nearly one for each"
    return "category", ""


def _odd_cell(table: Table, name: str, read: pl.Series, what: str) -> tuple[str, str]:
    """Name the first cell that could not be read as what the others are, and a remedy."""
    odd = read.is_null() & table.column(name).is_not_null()
    row, more = int(odd.arg_max() or 0), int(odd.sum()) - 1
    others = f" (and {more} more cell{'s are' if more > 1 else ' is'} odd)" if more else ""
    found = f"column {name!r} is {what} in {read.count()} rows but {shown(table, row, name)} in {table.place(row)}"
    return f"{table.name}: {found}{others}", remedy(table, row, name)
