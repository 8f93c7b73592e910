"""Readers of what a lesson file says: each turns a value of TOML into what the runner needs, or says what is wrong.

An error is one line: file, place in it, value, remedy.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

from chainrule.errors import SettingsError


class Written(float):
    """A number of a file that remembers how it was written: ``0.30`` has two decimal places."""

    text: str

    def __new__(cls, text: str) -> Written:
        """Read a number as TOML writes it."""
        made = super().__new__(cls, text)
        made.text = text.replace("_", "")
        return made


class Where(NamedTuple):
    """A place in a lesson file."""

    file: str
    place: str = ""

    def at(self, key: str) -> Where:
        """Return the place of a key in the table that is here."""
        return Where(self.file, f"{self.place}.{key}" if self.place else key)

    def item(self, number: int) -> Where:
        """Return the place of an item, counted from 1, of the list that is here."""
        return Where(self.file, f"{self.place}[{number}]")

    def wrong(self, message: str) -> SettingsError:
        """Return the error about this place."""
        return SettingsError(": ".join(filter(None, (*self, message))))


Reader = Callable[[Any, Where], Any]


@dataclass(frozen=True)
class Field:
    """What a key of a lesson file is for, how its value is read, and what it is where it isn't given."""

    read: Reader
    words: str
    default: Any = None
    required: bool = False


Fields = Mapping[str, Field]


def read_fields(value: Any, fields: Fields, where: Where) -> dict[str, Any]:
    """Return a table's values by key, with defaults; refuses keys that mean nothing."""
    if not isinstance(value, dict):
        raise where.wrong(f"{shown_value(value)} is no table of keys and values; write {', '.join(fields)}")
    for key in value:
        if key not in fields:
            raise where.wrong(f"there is no key {key!r}; {suggest(key, fields)}")
    for key, field in fields.items():
        if field.required and key not in value:
            raise where.wrong(f"the key {key!r} is missing: {field.words}")
    return {
        key: field.read(value[key], where.at(key)) if key in value else field.default
        for key, field in fields.items()
    }


def suggest(word: str, known: Iterable[str]) -> str:
    """Propose the words nearest to one, or all."""
    words = list(known)
    lower = {name.lower(): name for name in words}
    near = [lower[found] for found in difflib.get_close_matches(word.lower(), lower, n=2, cutoff=0.6)]
    return f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(words)}"


def shown_value(value: Any) -> str:
    """Return a value as a short text for an error."""
    found = value.text if isinstance(value, Written) else repr(value)
    return found if len(found) <= 60 else found[:57] + "…"


def toml_text(value: Any, where: Where) -> str:
    """Read words; a paragraph's line ends are as good as blanks, empty lines part paragraphs."""
    if not isinstance(value, str) or not value.strip():
        raise where.wrong(f'{shown_value(value)} is no text; write it in quotes, as in "…"')
    return "\n\n".join(" ".join(part.split()) for part in value.strip().split("\n\n"))


def toml_file(value: Any, where: Where) -> str:
    """Read the name of a file beside the lesson file, or in a folder there: nothing else on the machine is read."""
    found = toml_text(value, where)
    path = PurePosixPath(found.replace("\\", "/"))
    if path.is_absolute() or PureWindowsPath(found).drive or ".." in path.parts or found == "-":
        what = "a lesson reads files beside it alone"
        raise where.wrong(
            f'{shown_value(value)}: {what}; put the file there and write its name, as in "mine.csv"'
        )
    return path.as_posix()


def toml_flag(value: Any, where: Where) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise where.wrong(f"{shown_value(value)} is neither true nor false")
    return value


def toml_number(value: Any, where: Where) -> float:
    """Read a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise where.wrong(f"{shown_value(value)} is no finite number; write one such as 0.5")
    return float(value)


def toml_positive(value: Any, where: Where) -> float:
    """Read a number above 0."""
    found = toml_number(value, where)
    if found <= 0:
        raise where.wrong(f"{shown_value(value)} must be above 0")
    return found


def toml_share(value: Any, where: Where) -> float:
    """Read a number from 0 up to, not including, 1."""
    found = toml_number(value, where)
    if not 0 <= found < 1:
        raise where.wrong(f"{shown_value(value)} must be at least 0 and less than 1, such as 0.2")
    return found


def toml_whole(least: int = 0, most: int | None = None) -> Reader:
    """Return a reader of whole numbers in a range."""

    def read(value: Any, where: Where) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise where.wrong(f"{shown_value(value)} is no whole number; write one such as {max(least, 2)}")
        if value < least or (most is not None and value > most):
            limit = f"at least {least}" if most is None else f"from {least} to {most}"
            raise where.wrong(f"{value} must be {limit}")
        return value

    return read


def toml_choice(options: Sequence[str]) -> Reader:
    """Return a reader of one of some words."""

    def read(value: Any, where: Where) -> str:
        if value not in options or not isinstance(value, str):
            hint = suggest(value, options) if isinstance(value, str) else f"write {' or '.join(options)}"
            raise where.wrong(f"{shown_value(value)} is unknown; {hint}")
        return value

    return read


def listing(read_item: Reader, *, least: int = 1) -> Reader:
    """Return a reader of lists whose items another reader reads."""

    def read(value: Any, where: Where) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise where.wrong(f"{shown_value(value)} is no list; write it in brackets, as in [ … ]")
        if len(value) < least:
            raise where.wrong(f"the list has {len(value)} items; it needs at least {least}")
        return tuple(read_item(item, where.item(position)) for position, item in enumerate(value, 1))

    return read


def toml_table(read_item: Reader) -> Reader:
    """Return a reader of tables whose keys are free and whose values another reader reads."""

    def read(value: Any, where: Where) -> dict[str, Any]:
        if not isinstance(value, dict):
            remedy = f"write it as [{where.place}] with a line for each key"
            raise where.wrong(f"{shown_value(value)} is no table; {remedy}")
        return {key: read_item(item, where.at(key)) for key, item in value.items()}

    return read


def record(fields: Fields) -> Reader:
    """Return a reader of tables with known keys."""
    return lambda value, where: read_fields(value, fields, where)


def rows_of_numbers(value: Any, where: Where) -> tuple[tuple[float, ...], ...]:
    """Read rows of numbers of one length."""
    found: tuple[tuple[float, ...], ...] = listing(listing(toml_number))(value, where)
    for position, row in enumerate(found, 1):
        if len(row) != len(found[0]):
            what = f"the row has {len(row)} numbers, but the first has {len(found[0])}"
            raise where.item(position).wrong(f"{what}; rows are equally long")
    return found
