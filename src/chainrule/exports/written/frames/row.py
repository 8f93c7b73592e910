"""Cells of a row as numbers, in plain Python: an export begins with these functions, and nothing but the standard library."""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from chainrule.tables.encoding.hashing import counter
from chainrule.tables.spelling.moments import moment_of

PLAIN_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
)


def read_row(row: Mapping[str, Any], columns: Iterable[Mapping[str, Any]]) -> list[float]:
    """Return the numbers that the cells of a row are read as, those of a date one after the other."""
    values = []
    for column in columns:
        if column["name"] not in row:
            raise ValueError(f"the row has no column {column['name']!r}")
        values += READERS[column["kind"]](row[column["name"]], column)
    return values


def is_gap(cell: Any, column: Mapping[str, Any]) -> bool:
    """Tell whether a cell is missing: nothing, a missing word, or a number that is infinite or none."""
    if isinstance(cell, str):
        return cell in column["missing"]
    return cell is None or (isinstance(cell, float) and not math.isfinite(cell))


def trimmed(cell: Any, column: Mapping[str, Any]) -> Any:
    """Return a text without the blanks around it, another cell as it is."""
    return cell.strip(column["blanks"]) if isinstance(cell, str) else cell


def refused(cell: Any, column: Mapping[str, Any], what: str) -> ValueError:
    """Return the error about a cell that is not of its column's kind."""
    return ValueError(f"column {column['name']!r}: {cell!r} is not {what}")


def number_in(cell: Any, column: Mapping[str, Any]) -> list[float]:
    """Read a number, plain or in the column's dress; NaN where it is missing."""
    cell = trimmed(cell, column)
    if is_gap(cell, column):
        return [math.nan]
    if not isinstance(cell, str):
        return [float(cell)]
    number = None
    if PLAIN_NUMBER.fullmatch(cell) and (column["decimal"] == "." or "." not in cell):
        number = float(cell)
    elif found := re.fullmatch(column["pattern"], ascii_signs(cell, column["signs"]), re.ASCII):
        number = undressed(found, column)
    if number is None:
        raise refused(cell, column, "a number")
    return [number if math.isfinite(number) else math.nan]


def undressed(found: re.Match[str], column: Mapping[str, Any]) -> float | None:
    """Return the number of a cell's parts, None where its signs or brackets don't fit."""
    body = found["body"].replace(column["thousands"], "") if column["thousands"] else found["body"]
    signs = [sign for sign in (found["a"], found["b"], found["c"]) if sign]
    opened, closed = found["open"], (found["close"] or "") + (found["closes"] or "")
    if len(signs) > 1 or closed != (")" if opened else "") or (opened and signs):
        return None
    number = float(body.replace(column["decimal"], "."))
    return -number if opened or "-" in signs else number


def ascii_signs(text: str, signs: Mapping[str, str]) -> str:
    """Return a text with the signs and digits of numbers as ASCII has them."""
    if text.isascii():
        return text
    made = []
    for sign in text:
        digit = unicodedata.decimal(sign, None)
        made.append(sign if sign.isascii() else str(digit) if digit is not None else signs.get(sign, sign))
    return "".join(made)


def read_truth(cell: Any, column: Mapping[str, Any]) -> list[float]:
    """Read a truth value as 1 or 0; NaN where it is missing."""
    cell = trimmed(cell, column)
    if is_gap(cell, column):
        return [math.nan]
    if isinstance(cell, str):
        known = dict.fromkeys(column["true"], 1.0) | dict.fromkeys(column["false"], 0.0)
        number = known.get(cell.lower(), float(cell) if PLAIN_NUMBER.fullmatch(cell) else None)
    else:
        number = float(cell)
    if number not in (0.0, 1.0):
        raise refused(cell, column, "a truth value")
    return [number]


def read_place(cell: Any, column: Mapping[str, Any]) -> list[float]:
    """Return the place of a cell among the levels, that of missing cells, or that of all others."""
    cell = trimmed(cell, column)
    if is_gap(cell, column):
        return [column["gap"]]
    if isinstance(cell, bool):
        cell = "true" if cell else "false"
    if isinstance(cell, str):
        if cell in column["levels"]:
            return [column["levels"][cell]]
        cell = float(cell) if PLAIN_NUMBER.fullmatch(cell) else None
    # A number is also compared in its plain form, so that 1.0 is 1.
    return [column["other"] if cell is None else column["numbers"].get(cell, column["other"])]


COUNTERS: dict[str, Any] = {}


def read_words(cell: Any, column: Mapping[str, Any]) -> list[float]:
    """Return a text's words and pieces of words in each kept bucket, and NaN where it is missing, else 0, if that is told."""
    cell, counts, name = trimmed(cell, column), [0.0] * len(column["kept"]), column["name"]
    gap = is_gap(cell, column)
    if not gap:
        if not isinstance(cell, str):
            raise refused(cell, column, "a text")
        if name not in COUNTERS:
            given = ("buckets", "piece", "kept", "separators", "cases")
            COUNTERS[name] = counter(*(column[part] for part in given))
        for place, count in zip(*COUNTERS[name](cell), strict=True):
            counts[place] = float(count)
    return counts + [math.nan if gap else 0.0] * column["tells_missing"]


def read_date(cell: Any, column: Mapping[str, Any]) -> list[float]:
    """Return the parts of a date or a time that are inputs; NaN where it is missing."""
    cell = trimmed(cell, column)
    if is_gap(cell, column):
        return [math.nan] * len(column["parts"])
    moment = cell
    if isinstance(cell, str):
        moments = (spelled(cell, pattern, column) for pattern in column["patterns"])
        moment = next((found for found in moments if found is not None), None)
    if moment is None:
        raise refused(cell, column, "a date or time that is spelled as they were")
    if type(moment) is date:
        moment = datetime(moment.year, moment.month, moment.day)
    clock = ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1_000_000 + moment.microsecond
    parts = {"hour": clock * 1000 / 3.6e12}
    if not column["time_only"]:
        days = moment.toordinal() - datetime(1970, 1, 1).toordinal()
        parts |= {
            "year": moment.year,
            "month": moment.month,
            "day": moment.day,
            "weekday": moment.isoweekday(),
        }
        parts["days"] = (days * 86_400_000_000 + clock) / 8.64e10
    return [float(parts[name]) for name in column["parts"]]


def spelled(text: str, pattern: str, column: Mapping[str, Any]) -> datetime | time | None:
    """Return the date or the time of a text in one spelling, None where it is not spelled so."""
    found = re.fullmatch(pattern, text)
    if found is None:
        return None
    return moment_of(found.groupdict(default=""), column["months"], time_only=column["time_only"])


READERS = {
    "number": number_in,
    "truth": read_truth,
    "place": read_place,
    "date": read_date,
    "words": read_words,
}


def main(predict: Callable[[Any], Any], lines: Iterable[str]) -> None:
    """Answer rows that come as JSON objects, one in a line, with a line of JSON each; what is wrong with one is its ``error``."""
    for line in lines:
        if line.strip():
            try:
                said = predict(json.loads(line))
            except ValueError as error:
                said = {"error": str(error)}
            print(json.dumps(said, ensure_ascii=False))
