"""Weights in a file: lines of address, value and perhaps frozen, as CSV or JSON, become settings."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chainrule._doors import setting
from chainrule.errors import SettingsError, TableError
from chainrule.training.settings.by_hand import NoParameterError, ReadName
from chainrule.training.settings.record import Problem, Settings
from chainrule.training.settings.resolve import Resolved, resolve

COLUMNS = ("address", "value", "frozen")
"""What a line says; the last can be left out."""

MOST_BYTES = 64_000_000
"""The largest file of weights that is read."""

_FROZEN = {
    "yes": True,
    "true": True,
    "1": True,
    "frozen": True,
    "no": False,
    "false": False,
    "0": False,
    "": False,
}


@dataclass(frozen=True)
class WeightLine:
    """A line of a file: where it is, the address, the number as written, and whether it is frozen, as written."""

    where: str
    address: object
    value: object
    frozen: object


def with_weights_from(settings: Settings) -> Settings:
    """Return the settings with the numbers of their file as ``initial`` and ``frozen``.

    Raises SettingsError where those are given as well, TableError, which names file and line, for a file that can't be
    read, or a line that is none.
    """
    path = settings.weights_from
    if path is None:
        return settings
    if settings.initial or settings.frozen:
        other = setting("initial" if settings.initial else "frozen")
        raise SettingsError(
            f"weights are given by {setting('weights_from')} and by {other}: leave one of them out"
        )
    initial: dict[str, float] = {}
    places: dict[str, str] = {}
    frozen = []
    for line in _lines(Path(path)):
        if not isinstance(line.address, str) or not line.address.strip():
            raise TableError(f"{line.where}: the address is missing: write one such as W[1][1,2]")
        address = "".join(line.address.split())
        if (first := places.setdefault(address, line.where)) != line.where:
            raise TableError(f"{line.where}: {address} was set already, in {first}: leave one of the two out")
        initial[address] = _number(line, address)
        if _is_frozen(line, address):
            frozen.append(address)
    if not initial:
        raise TableError(f"{path}: there is no weight in it: write lines such as W[1][1,2],0.15")
    return replace(settings, initial=initial, frozen=tuple(frozen))


def resolve_by_hand(settings: Settings, problem: Problem, read: ReadName | None = None) -> Resolved:
    """Return the training that settings give, as `resolve` does; ``read`` reads the names of parameters.

    Raises TableError, which names file and line, for an address of a file of weights that leads nowhere.
    """
    try:
        return resolve(settings, problem, read)
    except NoParameterError as error:
        if settings.weights_from is None:
            raise
        where = settings.weights_from
        for line in _lines(Path(where)):
            if isinstance(line.address, str) and "".join(line.address.split()) == error.address:
                where = line.where
                break
        raise TableError(f"{where}: {error.reason}") from None


def _number(line: WeightLine, address: str) -> float:
    value = line.value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        said = "is missing" if line.value in (None, "") else f"{line.value!r:.40} is not a finite number"
        raise TableError(f"{line.where}: the value of {address} {said}: write one such as 0.15")
    return float(value)


def _is_frozen(line: WeightLine, address: str) -> bool:
    word = line.frozen
    if isinstance(word, bool) or word is None:
        return bool(word)
    found = _FROZEN.get(str(word).strip().lower())
    if found is None:
        raise TableError(f"{line.where}: whether {address} is frozen is said by yes or no, not by {word!r}")
    return found


def _lines(path: Path) -> Iterator[WeightLine]:
    try:
        with path.open("rb") as file:
            found = file.read(MOST_BYTES + 1)
        text = found.decode("utf-8-sig")
    except FileNotFoundError:
        raise TableError(f"{path} is not there: check the name of the file of weights") from None
    except OSError as error:
        raise TableError(f"{path} can't be read: {error.strerror}; check its permissions") from None
    except UnicodeDecodeError:
        raise TableError(f"{path} is not text in UTF-8: save it so") from None
    if len(found) > MOST_BYTES:
        raise TableError(f"{path} is larger than {MOST_BYTES:,} bytes: give a file of weights alone")
    return _of_json(path, text) if path.suffix.lower() == ".json" else _of_csv(path, text)


def _of_csv(path: Path, text: str) -> Iterator[WeightLine]:
    """Read address, value and frozen by the header, or in this order where the first line has an address."""
    columns: tuple[str, ...] = COLUMNS
    rows = csv.reader(text.splitlines())
    try:
        for cells in rows:
            words, where = [cell.strip() for cell in cells], f"{path}: line {rows.line_num}"
            if not any(words):
                continue
            if rows.line_num == 1 and "address" in (heads := [word.lower() for word in words]):
                columns = tuple(heads)
                if unknown := [head for head in heads if head not in COLUMNS]:
                    raise TableError(
                        f"{where}: the column {unknown[0]!r} is none of {', '.join(COLUMNS)}: leave it out"
                    )
                if "value" not in heads or len(set(heads)) < len(heads):
                    raise TableError(
                        f"{where}: the columns are {', '.join(COLUMNS)}, each once; the last can be left out"
                    )
                continue
            if len(words) > len(columns):
                hint = (
                    "put the address in quotes, as it has a comma"
                    if words[0].count("[") > words[0].count("]")
                    else ("give an address, a value and perhaps frozen")
                )
                raise TableError(f"{where}: {len(words)} cells are too many: {hint}")
            made = dict(zip(columns, words, strict=False))
            yield WeightLine(where, made.get("address"), made.get("value"), made.get("frozen"))
    except csv.Error as error:
        raise TableError(f"{path}: line {rows.line_num} is no CSV: {error}") from None


def _of_json(path: Path, text: str) -> Iterator[WeightLine]:
    """Read an object of values by address, or a list of objects with address, value and perhaps frozen."""
    twice: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                twice.append(name)
            found[name] = value
        return found

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        at = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise TableError(f"{path} is not JSON{at}: correct it") from None
    if twice:
        raise TableError(f"{path}: {twice[0]} is there twice: leave one of the two out")
    if isinstance(data, dict):
        for number, (address, value) in enumerate(data.items(), 1):
            yield WeightLine(f"{path}: entry {number}", address, value, None)
        return
    if not isinstance(data, list):
        raise TableError(f'{path}: values by address are expected, such as {{"W[1][1,2]": 0.15}}')
    for number, entry in enumerate(data, 1):
        where = f"{path}: entry {number}"
        if not isinstance(entry, dict) or set(entry) - set(COLUMNS):
            raise TableError(f"{where}: an object with {', '.join(COLUMNS)} is expected")
        yield WeightLine(where, entry.get("address"), entry.get("value"), entry.get("frozen"))
