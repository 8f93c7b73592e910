"""Strict reading of plain data from a file: the right type in the right place, or a ModelFileError."""

import math
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from chainrule.errors import ModelFileError

_Part = TypeVar("_Part")


def read_record(
    value: object, where: str, keys: Collection[str], optional: Collection[str] = ()
) -> dict[str, Any]:
    """Return a JSON object that has exactly these keys, and perhaps some of the ``optional`` ones."""
    if not isinstance(value, dict):
        raise ModelFileError(f"{where}: an object was expected, not {_name(value)}")
    for key in keys:
        if key not in value:
            raise ModelFileError(f"{where}: {key!r} is not there")
    for key in value:
        if key not in keys and key not in optional:
            raise ModelFileError(f"{where}: {key!r} is not known here")
    return value


def read_list(value: object, where: str, part: Callable[[object, str], _Part]) -> tuple[_Part, ...]:
    """Return a JSON array, each part read by ``part(value, where)``."""
    if not isinstance(value, list | tuple):
        raise ModelFileError(f"{where}: a list was expected, not {_name(value)}")
    return tuple(part(item, f"{where}[{i}]") for i, item in enumerate(value))


def read_text(value: object, where: str) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise ModelFileError(f"{where}: text was expected, not {_name(value)}")
    return value


def read_choice(value: object, where: str, choices: Collection[str]) -> str:
    """Return a string that is one of ``choices``."""
    text = read_text(value, where)
    if text not in choices:
        raise ModelFileError(f"{where}: {text!r} is not one of {', '.join(sorted(choices))}")
    return text


def read_flag(value: object, where: str) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise ModelFileError(f"{where}: true or false was expected, not {_name(value)}")
    return value


def read_count(value: object, where: str) -> int:
    """Return a whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ModelFileError(f"{where}: a count was expected, not {_name(value)}")
    return value


def read_number(value: object, where: str) -> float:
    """Return a finite number."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise ModelFileError(f"{where}: a finite number was expected, not {_name(value)}")


def _name(value: object) -> str:
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a huge number"
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))
