"""What a program in another language needs to read a column's cells: its steps as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule._doors import setting
from chainrule.errors import SettingsError
from chainrule.exports.program import VALUE, Cell, Program
from chainrule.tables.encoding.steps import (
    HashWords,
    IsPlace,
    LookUp,
    MissingWords,
    ReadDate,
    ReadNumber,
    ReadTruth,
    Trim,
)
from chainrule.tables.spelling.dress import NUMBER_SIGNS, Dress
from chainrule.tables.spelling.months import month_numbers
from chainrule.tables.spelling.spellings import date_pattern, is_time_only
from chainrule.tables.spelling.values import float_text, is_plain_number

EXACT_WHOLE = 2.0**53

LONG = 40
"""The most signs of a value that stands in its column; a longer one is a constant, once for all columns."""


def refuse_words(program: Program, language: str, lacks: str) -> None:
    """Raise SettingsError where a column is text, which a language can't take apart."""
    texts = [cell.name for cell in program.cells if isinstance(cell.steps.reads, HashWords)]
    if texts:
        raise SettingsError(
            f"the column {texts[0]!r} is text, whose words are hashed, and {language} {lacks}: export to python, javascript, c "
            f"or wasm, or train again with {setting('drop', [texts[0]])}"
        )


def column_data(cell: Cell) -> dict[str, Any]:
    """Return how a column's cells are read, as plain data: its kind, what is trimmed and missing, and what its kind needs."""
    steps = cell.steps
    trim = "".join(step.signs for step in steps.cell if isinstance(step, Trim))
    words = [word for step in steps.cell if isinstance(step, MissingWords) for word in step.words]
    data: dict[str, Any] = {"name": steps.column, "blanks": trim, "missing": words}
    match steps.reads:
        case ReadNumber(dress):
            if dress.duration:
                raise SettingsError(
                    f"column {steps.column!r} is durations as text, which exports don't read: train on their seconds instead"
                )
            return {**data, "kind": "number", **_dress(dress)}
        case ReadTruth(true, false):
            return {**data, "kind": "truth", "true": list(true), "false": list(false)}
        case ReadDate(spellings):
            if "%G" in spellings[0]:
                raise SettingsError(
                    f"column {steps.column!r} is weeks as ISO 8601 has them, which exports don't read: train on dates instead"
                )
            return {
                **data,
                "kind": "date",
                "parts": list(cell.inputs),
                "time_only": is_time_only(spellings[0]),
                "spellings": list(spellings),
                "patterns": [date_pattern(spelling) for spelling in spellings],
                "months": {name: int(number) for name, number in month_numbers().items()},
            }
        case LookUp(levels):
            return {**data, "kind": "place", **_levels(levels, _places(cell))}
        case HashWords(buckets, piece, kept, separators, cases):
            return {
                **data,
                "kind": "words",
                "buckets": buckets,
                "piece": piece,
                "kept": list(kept),
                "separators": separators,
                "cases": [list(case) for case in cases],
                "tells_missing": VALUE in cell.inputs,
            }


def in_common(columns: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return what is long among written columns once, by the names of constants, and the columns with those names.

    >>> words = repr(["NA", "none", "?", "-"] * 4)
    >>> in_common([{"missing": words, "kind": "'date'"}, {"missing": words, "kind": "'place'"}])[1]
    [{'missing': 'MISSING', 'kind': "'date'"}, {'missing': 'MISSING', 'kind': "'place'"}]
    """
    names: dict[tuple[str, str], str] = {}
    constants: dict[str, str] = {}
    made = []
    for column in columns:
        own = dict(column)
        for key, text in column.items():
            if len(text) > LONG:
                if (key, text) not in names:
                    count = sum(other == key for other, _ in names)
                    names[key, text] = f"{key.upper()}_{count + 1}" if count else key.upper()
                    constants[names[key, text]] = text
                own[key] = names[key, text]
        made.append(own)
    return constants, made


def _dress(dress: Dress) -> dict[str, Any]:
    return {
        "decimal": dress.decimal,
        "thousands": dress.thousands,
        "pattern": dress.pattern,
        "signs": {sign: plain for plain, signs in NUMBER_SIGNS.items() for sign in signs},
    }


def _places(cell: Cell) -> list[int]:
    return [step.place for one in cell.steps.inputs for step in one.steps if isinstance(step, IsPlace)]


def _levels(levels: tuple[str, ...], places: list[int]) -> dict[str, Any]:
    """Return the place of each level, of those that are numbers in their plain form, of missing cells and of all others."""
    other = places[-1]
    numbers = {
        float(level): place
        for place, level in enumerate(levels)
        if is_plain_number(level) and abs(float(level)) < EXACT_WHOLE and float_text(float(level)) == level
    }
    gap = len(levels) if len(places) > len(levels) + 1 else other
    return {
        "levels": {level: place for place, level in enumerate(levels)},
        "numbers": numbers,
        "gap": gap,
        "other": other,
    }
