"""The parts of dates and times that become inputs."""

from datetime import datetime, time

import numpy as np
import polars as pl

from chainrule._types import FloatArray

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DATE_PARTS = ("year", "month", "day", "weekday", "hour", "days")
PART_WORDS = {
    "year": "the year of the date",
    "month": "the month of the date, 1 to 12",
    "day": "the day of the month",
    "weekday": "the day of the week, 1 (Monday) to 7",
    "hour": "the hour of the day, minutes as a fraction of it",
    "days": "the days from 1970-01-01 to the date",
}
"""What the number of each part is."""

_MICROSECONDS_PER_HOUR = 3.6e9
_FIRST_DAY = datetime(1970, 1, 1).toordinal()


def date_parts(dates: pl.Series) -> dict[str, FloatArray]:
    """Take dates apart: part -> values as float64, shape (n,), NaN where a date is missing.

    ``year``; ``month`` 1 to 12; ``day`` of the month; ``weekday`` 1 (Monday) to 7; ``hour`` 0 to 24 with its
    minutes as a fraction; ``days`` elapsed since 1970-01-01. A column of times has the hour only.
    """
    times = dates if dates.dtype == pl.Time else dates.dt.time()
    hour = _floats(times.cast(pl.Int64)) / (1000 * _MICROSECONDS_PER_HOUR)
    if dates.dtype == pl.Time:
        return {"hour": hour}
    elapsed = _floats(dates.cast(pl.Datetime("us")).cast(pl.Int64)) / (24 * _MICROSECONDS_PER_HOUR)
    whole = {name: _floats(getattr(dates.dt, name)()) for name in ("year", "month", "day", "weekday")}
    return {**whole, "hour": hour, "days": elapsed}


def parts_of(moment: datetime | time) -> dict[str, float]:
    """Take one moment apart, as `date_parts` does a column of them."""
    since = ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1_000_000 + moment.microsecond
    hour = float(since * 1000) / (1000 * _MICROSECONDS_PER_HOUR)
    if isinstance(moment, time):
        return {"hour": hour}
    elapsed = (moment.toordinal() - _FIRST_DAY) * 86_400_000_000 + since
    return {
        "year": float(moment.year), "month": float(moment.month), "day": float(moment.day),
        "weekday": float(moment.isoweekday()), "hour": hour, "days": float(elapsed) / (24 * _MICROSECONDS_PER_HOUR),
    }  # fmt: skip


def part_named(label: str) -> str | None:
    """Return the part that the label of an input tells of, such as "month (cosine)" or "Monday"; None for no part.

    >>> part_named("month (cosine)"), part_named("Monday"), part_named("missing")
    ('month', 'weekday', None)
    """
    word = label.partition(" (")[0]
    return "weekday" if word in WEEKDAYS else word if word in PART_WORDS else None


def middle(dates: pl.Series) -> pl.Series:
    """Return the middle one of the dates that are there (the earlier of two), as a column of one row."""
    present = dates.drop_nulls().sort()
    return present.slice((len(present) - 1) // 2, 1)


def _floats(column: pl.Series) -> FloatArray:
    return column.cast(pl.Float64).to_numpy().astype(np.float64)
