"""Numbers and texts as they are written: for a reader, for a screen, and as plain data that JSON can hold, and back."""

from __future__ import annotations

import math
import re
import unicodedata
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


def percent(share: float) -> str:
    """Return a share in percent; what isn't all of it, or nothing, doesn't become so by rounding."""
    text = f"{share:.0%}"
    return {"100%": "nearly 100%", "0%": "nearly 0%"}.get(text, text) if 0 < share < 1 else text


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


_SUSPECTS = re.compile(r"[^\t\n -~]")

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what moves a cursor, colors a screen, turns a line, joins, tags, or can't be written as UTF-8."""

_IGNORED = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""What else nothing is shown of: Unicode's Default_Ignorable_Code_Point, such as variation selectors, without those."""


def is_unseen(sign: str) -> bool:
    """Tell whether a character may change what is seen without being seen, or is none."""
    return unicodedata.category(sign) in _UNSEEN or _IGNORED.match(sign) is not None


def visible(text: str) -> str:
    """Return a text of several lines with what is unseen in it (`is_unseen`) spelled out, in the way of JSON.

    >>> visible(chr(27) + "[31m red") == chr(92) + "u001b[31m red"
    True
    """
    return _SUSPECTS.sub(lambda found: _spelled(found[0]) if is_unseen(found[0]) else found[0], text)


def _spelled(sign: str) -> str:
    """Return a character as JSON spells it: one or two units of UTF-16."""
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def printable(text: object) -> str:
    """Return a text from a table or a file on one line, with what is unseen in it, or no plain blank, spelled out.

    A cell could otherwise move the cursor, color the screen, or look like another.
    """
    return "".join(
        sign if sign.isprintable() and not (sign > "~" and is_unseen(sign)) else ascii(sign)[1:-1]
        for sign in str(text)
    )
