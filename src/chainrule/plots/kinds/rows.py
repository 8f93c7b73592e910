"""Arrays as the plots take them: of the same length, with something in them; refused by name otherwise."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError


def same_length(**columns: Any) -> None:
    """Raise SettingsError unless all columns have as many entries as the first; None has none and is left out."""
    given = {name: len(values) for name, values in columns.items() if values is not None}
    first = next(iter(given))
    for name, count in given.items():
        if count != given[first]:
            raise SettingsError(
                f"{name}: {given[first]} entries were expected, as many as {first}, not {count}"
            )


def finite_rows(**columns: Any) -> tuple[FloatArray, ...]:
    """Return arrays (n,) as floats without the rows in which one isn't finite; raises SettingsError if no row is left."""
    found = {name: np.asarray(values, np.float64).ravel() for name, values in columns.items()}
    same_length(**found)
    known = np.all([np.isfinite(values) for values in found.values()], axis=0)
    if not known.any():
        raise SettingsError(f"{next(iter(found))}: there is no row with finite numbers to draw")
    return tuple(values[known] for values in found.values())


def grid_of(name: str, values: Any, x: Any, y: Any, *more: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return x (columns,), y (rows,) and values (rows, columns, *more); raises SettingsError for other shapes."""
    columns, rows = np.asarray(x, np.float64), np.asarray(y, np.float64)
    found, wanted = np.asarray(values, np.float64), (len(rows), len(columns), *more)
    if found.shape != wanted:
        raise SettingsError(
            f"{name}: the shape {wanted} was expected, a row for each y and a column for each x, not {found.shape}"
        )
    for axis, places in (("x", columns), ("y", rows)):
        if len(places) < 2 or not (np.diff(places) > 0).all():
            raise SettingsError(f"{axis}: at least two rising numbers were expected")
    return columns, rows, found


def class_indices(name: str, values: Any, classes: Sequence[object]) -> IntArray:
    """Return the class of each row (n,) as an index; raises SettingsError for what is none."""
    found = np.asarray(values)
    if found.size == 0:
        return np.zeros(0, np.int64)
    if found.dtype.kind not in "biu" and not (found.dtype.kind == "f" and (found == np.round(found)).all()):
        raise SettingsError(
            f"{name}: indices into the {len(classes)} classes were expected, not {found[0]!r}"
        )
    outside = np.flatnonzero((found < 0) | (found >= len(classes)))
    if len(outside):
        row = int(outside[0])
        raise SettingsError(
            f"{name}: row {row + 1} has {int(found[row])}, which is not the index of one of {len(classes)} classes"
        )
    return found.astype(np.int64)
