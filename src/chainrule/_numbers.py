"""Numbers and texts as they are written: for a reader, for a screen, and as plain data that JSON can hold, and back."""

from __future__ import annotations

import math
import re
from typing import Any

from chainrule._doors import setting
from chainrule.errors import SettingsError


def number_to_data(value: float) -> float | str:
    """Return a number as JSON can hold it: itself, or ``"inf"``, ``"-inf"``, ``"nan"``."""
    value = float(value)
    return value if math.isfinite(value) else str(value)


def number_from_data(data: Any) -> float:
    """Return the number of `number_to_data`; raises SettingsError for anything else."""
    try:
        if data in ("inf", "-inf", "nan") or (isinstance(data, int | float) and not isinstance(data, bool)):
            return float(data)
    except OverflowError:
        data = "a huge number"
    raise SettingsError(f"{data!r} is not a number of an explanation")


DIGITS = 6
"""The digits that count of a number, where nothing else is asked for."""

LONGEST_WHOLE = 9
"""The most digits before the point that are written out; longer numbers get a power of ten."""


def number_text(value: float, digits: int = DIGITS) -> str:
    """Return a number with so many digits that count; whole digits before the point are never dropped.

    >>> [number_text(v) for v in (0.1 + 0.2, 1234567.5, 1.5e-7, -2.0, 1e12)]
    ['0.3', '1234568', '1.5e-7', '-2', '1e12']
    """
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    whole = math.floor(math.log10(abs(value))) + 1
    text = f"{value:.{max(digits, whole) if whole <= LONGEST_WHOLE else digits}g}"
    mantissa, _, power = text.partition("e")
    return f"{mantissa}e{int(power)}" if power else mantissa


def checked_digits(digits: int) -> int:
    """Return the number of digits if it can be one; raises SettingsError otherwise."""
    if isinstance(digits, bool) or not isinstance(digits, int) or not 1 <= digits <= 17:
        raise SettingsError(
            f"{setting('digits')} {digits!r} must be a whole number from 1 to 17: a float has no more"
        )
    return digits


_CONTROLS = re.compile(
    r"[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""What moves a cursor, colors a screen, turns the direction of a line, or can't be written as UTF-8."""


def visible(text: str) -> str:
    """Return a text of several lines with its control characters spelled out, in the way of JSON.

    >>> visible(chr(27) + "[31m red") == chr(92) + "u001b[31m red"
    True
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def printable(text: object) -> str:
    """Return a text from a table or a file on one line, with control characters spelled out.

    A cell could otherwise move the cursor, or color the screen.
    """
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in str(text))
