"""JSON from files that may be hostile: bounded before it is parsed, strict in what it accepts."""

import json
import reprlib
from math import isfinite
from typing import Any

import numpy as np

MAX_VALUES = 1_000_000
"""The most separators and brackets in one text: bounds the memory that parsing it takes."""

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlist = 8


class Fault(Exception):
    """What is wrong with some content, before it is known whether it was to be written or was read."""


def show(value: Any) -> str:
    """A value for a message: on one line and short, whatever a hostile file holds."""
    return _SHORT.repr(value)


def parse_object(text: str, what: str, max_depth: int) -> dict[str, Any]:
    """Parse a JSON object: no name twice, no NaN or infinity, at most `max_depth` deep and MAX_VALUES wide.

    Raises Fault, with `what` as the subject of its sentence.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for name, item in pairs:
            if name in value:
                raise Fault(f"{what} has the name {show(name)} twice")
            value[name] = item
        return value

    def finite(digits: str) -> float:
        value = float(digits)
        if not isfinite(value):
            raise Fault(f"{what} holds the number {show(digits)}")
        return value

    _check_extent(text, what, max_depth)
    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=finite, parse_float=finite)
    except json.JSONDecodeError as error:
        raise Fault(f"{what} is not JSON at character {error.pos}") from None
    except ValueError:
        raise Fault(f"{what} holds an integer of thousands of digits") from None
    if not isinstance(value, dict):
        raise Fault(f"{what} is not a JSON object")
    return value


def _check_extent(text: str, what: str, max_depth: int) -> None:
    """Bound depth and number of values before any is parsed: `[[],[],…` takes 30 times its size."""
    unescaped = text.encode("utf-8", "surrogatepass").replace(b"\\\\", b"").replace(b'\\"', b"")
    signs = np.frombuffer(unescaped, np.uint8)
    # After an odd number of quotes we are in a string; eight bits are enough to know odd from even.
    outside = np.cumsum(signs == ord('"'), dtype=np.uint8) % 2 == 0
    step = np.zeros(256, np.int8)
    step[list(b"[{")], step[list(b"]}")] = 1, -1
    signs = signs[outside & ((step[signs] != 0) | (signs == ord(",")))]
    if signs.size > MAX_VALUES:
        raise Fault(f"{what} holds more than {MAX_VALUES:,} values")
    if signs.size and np.cumsum(step[signs], dtype=np.int32).max() > max_depth:
        raise Fault(f"{what} is nested deeper than {max_depth}")
