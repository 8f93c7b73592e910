"""A date or a time from the parts of its spelling; exports in plain Python carry this function as it stands here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time


def moment_of(
    part: Mapping[str, str], months: Mapping[str, int | str], *, time_only: bool
) -> datetime | time | None:
    """Return the date or the time of the parts of a text, by the letters of its spelling; None where there is no such one."""
    hour = int(part.get("H") or 0)
    if "I" in part:
        hour = int(part["I"])
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (part["p"] in "pP")
    rest = int(part.get("M") or 0), int(part.get("S") or 0), int((part.get("f") or ".0")[1:7].ljust(6, "0"))
    try:
        if time_only:
            return time(hour, *rest)
        if "G" in part:
            return datetime.fromisocalendar(int(part["G"]), int(part["V"]), int(part.get("u") or 1))
        year = int(part["Y"] if "Y" in part else ("20" if part["y"] < "70" else "19") + part["y"])
        month = int(part["m"] if "m" in part else months.get(part["b"].lower(), 0))
        return datetime(year, month, int(part.get("d") or 1), hour, *rest)
    except ValueError:
        return None
