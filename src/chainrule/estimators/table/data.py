"""What scikit-learn users call X and y, as tables with named columns and a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import issparse
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from chainrule._forks import check_polars
from chainrule.errors import TableError
from chainrule.model.source import Reading
from chainrule.tables.files.aside import in_memory
from chainrule.tables.files.write import free_name
from chainrule.tables.spelling.dressing import DressFinding, find_dress
from chainrule.tables.spelling.values import BLANKS, are_opposites, one_spelling, truth_of
from chainrule.tables.table import Table, from_frame
from chainrule.tables.task import refuse_doubt

AnyArray = np.ndarray[Any, Any]

TARGET, WEIGHT = "target", "sample_weight"
"""The columns that y and sample_weight become, unless X has columns of these names or y has a name of its own."""

MOST_WHOLE = 2.0**63
"""A class that is a number is a whole one, below this."""


def container(X: Any) -> Any:
    """Return a dict of columns or an Arrow table as a frame, a sparse matrix and lists as an array, and the rest as it is.

    A list whose rows hold text and numbers becomes an array of objects, so that numbers stay numbers.
    """
    check_polars()
    if issparse(X):  # one kind of which is a mapping
        return X.toarray()
    if isinstance(X, Mapping) or hasattr(X, "column_names"):
        table = from_frame(X, "X", missing=(), infinite="refuse")
        said = [pl.col(name).cast(pl.String).cast(pl.Categorical) for name in table.said]
        return in_memory(table.frame).with_columns(said)
    if isinstance(X, pl.LazyFrame):
        return X.collect()
    if isinstance(X, list | tuple) and np.asarray(X).dtype.kind in "US":
        return np.array(X, dtype=object)
    return X


def is_frame(X: Any) -> bool:
    """Return whether X has columns with types of their own: pandas, polars."""
    return hasattr(X, "columns")


def as_table(X: Any, reading: Reading, name: str = "X") -> Table:
    """Return a frame, or a validated array, as a table; an array's columns are called ``column_1`` and so on."""
    if isinstance(X, np.ndarray) and X.dtype.kind in "OUS":
        X = {f"column_{place}": X[:, place - 1].tolist() for place in range(1, X.shape[1] + 1)}
    return replace(reading.table(X), name=name)


def renamed(table: Table, names: Sequence[str]) -> Table:
    """Return the table with other names for its columns, in their order."""
    new = dict(zip(table.columns, names, strict=True))
    said = {new[name]: kind for name, kind in table.said.items()}
    return replace(table, frame=in_memory(table.frame).rename(new), said=said)


def n_targets(y: Any) -> int:
    """Return how many columns y has, 1 where it has one or is none."""
    shape = getattr(y, "shape", None)
    if shape is None:
        first = y[0] if isinstance(y, list | tuple) and y else None
        return len(first) if isinstance(first, list | tuple) and first else 1
    return int(shape[1]) if len(shape) == 2 and shape[1] > 0 else 1


def target_names(y: Any, taken: Sequence[str]) -> tuple[str, ...]:
    """Return what the columns of y are called: by names of its own, else target, or target_1 and so on."""
    n, own = n_targets(y), getattr(y, "name", None)
    named = [own] if n == 1 else list(getattr(y, "columns", [None] * n))
    found: list[str] = []
    for j, name in enumerate(named, 1):
        word = name if isinstance(name, str) and name else TARGET if n == 1 else f"{TARGET}_{j}"
        found.append(free_name(word, [*taken, *found], "_"))
    return tuple(found)


def columns_of(names: Sequence[str], values: AnyArray) -> dict[str, AnyArray]:
    """Return targets (n,) or (n, targets) as columns by name."""
    return {names[0]: values} if values.ndim == 1 else dict(zip(names, values.T, strict=True))


def class_values(y: Any, X: Any, name: str = "y") -> AnyArray:
    """Return classes (n,): text, truth values or numbers; raises ValueError for what are none, or are missing."""
    if (n := n_targets(y)) > 1:
        raise TableError(
            f"{name}: has {n} columns, and TableClassifier learns one target; for a label in each use chainrule.train, or "
            "MLPClassifier"
        )
    values = _values(y, X, name)
    if values.dtype == object:
        values = _of_one_kind(values, name)
    if values.dtype.kind in "OU":
        words = pl.Series("y", values.tolist(), pl.String).str.strip_chars(BLANKS)
        values = one_spelling(words).to_numpy().astype(values.dtype)
    if values.dtype.kind == "f" and (far := np.abs(values) >= MOST_WHOLE).any():
        row = int(np.argmax(far))
        raise TableError(
            f"{name}: row {row + 1}: {values[row]:g} is too large for a class that is a number; give classes as text"
        )
    check_classification_targets(values)
    return values


def spelled_as(y: Any, classes: AnyArray) -> Any:
    """Return classes in the spelling of those that are known, where blanks and the case of yes and no are what differs."""
    values = np.asarray(y)
    if values.ndim != 1 or not all(isinstance(value, str) for value in (*values.tolist(), *classes.tolist())):
        return y
    known = {truth_of(word): word for word in classes.tolist()} if are_opposites(classes.tolist()) else {}
    words = (word.strip(BLANKS) for word in values.tolist())
    return np.array([known.get(truth_of(word), word) for word in words], dtype=object)


def check_differ(values: AnyArray, says: str, name: str, *, among: bool) -> None:
    """Raise TableError where all values (n,) are the same, which ``says`` says; ``among``: other rows have no weight."""
    if (values != values[0]).any():
        return
    if not among:
        what, remedy = "every row", "give rows with another target"
    elif len(values) == 1:
        what, remedy = "the only row that counts", "give more rows a sample_weight above 0"
    else:
        what, remedy = "every row that counts", "give rows with another target a sample_weight above 0"
    raise TableError(f"{name}: {what} {says}, so there is nothing to learn; {remedy}")


def dress_of_target(y: Any, reading: Reading) -> DressFinding | None:
    """Return the dress of a target whose numbers are text, None for another."""
    values = np.asarray(y)
    if values.ndim != 1 or not len(values) or not all(isinstance(value, str) for value in values.tolist()):
        return None
    text = pl.Series(values.tolist(), dtype=pl.String).str.strip_chars(BLANKS)
    return find_dress(text, reading.decimal, reading.thousands, "", "")


def number_values(y: Any, X: Any, name: str = "y", reading: Reading | None = None) -> AnyArray:
    """Return numbers (n,) in float64, (n, targets) of several columns; text is read as ``reading`` says.

    Raises ValueError for what are none, or are missing or infinite, or have two readings.
    """
    reading = reading or Reading()
    if n_targets(y) > 1:
        columns = np.asarray(y).T
        return np.stack(
            [number_values(column, X, f"{name}[:, {j}]", reading) for j, column in enumerate(columns)], axis=1
        )
    values = _values(y, X, name)
    if values.dtype.kind not in "OUS":
        return np.asarray(values, np.float64)
    found = dress_of_target(values, reading)
    if found is not None and found.dress is not None:
        refuse_doubt(name, name, found, None)
        numbers = found.dress.read(pl.Series(values.tolist(), dtype=pl.String).str.strip_chars(BLANKS))
        if numbers.null_count() == 0:
            return numbers.to_numpy()
    try:
        return np.array([float(value) for value in values.tolist()])
    except (ValueError, TypeError) as error:
        raise TableError(
            f"{name}: {error}; TableRegressor predicts numbers, TableClassifier classes"
        ) from error


def _values(y: Any, X: Any, name: str) -> AnyArray:
    """Return a column as an array without missing values, as many as X has rows."""
    values: AnyArray = np.asarray(column_or_1d(y, warn=True))
    if values.dtype.kind in "US" and isinstance(y, list | tuple):
        objects = np.array(y, dtype=object)
        values = values if all(isinstance(value, str) for value in objects) else objects
    if values.dtype.kind in "mM":
        raise TableError(
            f"{name}: holds dates or durations, which can't be predicted; give numbers or classes"
        )
    if values.dtype == object:
        for row, value in enumerate(values.tolist()):
            if _is_missing(value):
                raise TableError(f"{name}: row {row + 1}: the target is missing; leave the row out")
    elif values.dtype.kind not in "US":
        with np.errstate(invalid="ignore"):  # numbers near the largest of both signs add up to none
            check_array(values, ensure_2d=False, dtype=None, input_name=name)
    check_consistent_length(X, values)
    return values


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas' own missing value says nothing about itself
        return True


def _of_one_kind(values: AnyArray, name: str) -> AnyArray:
    """Return objects as text, truth values, or numbers; raises TableError where they are of several kinds."""
    listed = values.tolist()
    kinds: tuple[Any, ...] = (bool | np.bool_, str, Integral, Real)
    dtypes: tuple[Any, ...] = (bool, object, np.int64, np.float64)
    for kind, dtype in zip(kinds, dtypes, strict=True):
        if all(isinstance(value, kind) for value in listed):
            return values.astype(dtype)
    first = listed[0]
    other = next((row for row, value in enumerate(listed) if type(value) is not type(first)), 0)
    raise TableError(
        f"{name}: Unknown label type: row 1 is {first!r} and row {other + 1} is {listed[other]!r}; classes are all text, "
        "all truth values, or all numbers"
    )
