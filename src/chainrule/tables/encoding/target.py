"""From the target column to what the output neurons should say, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
import polars as pl

from chainrule._doors import setting
from chainrule._plain import IF_SET, Form, Plain, check_keys, one_of, read_number
from chainrule._types import Array, FloatArray, IntArray
from chainrule.errors import ModelFileError, SettingsError, TableError
from chainrule.tables.cells import boolean_cells, known_rows, level_codes, located, number_cells, shown
from chainrule.tables.encoding.scalings import SCALINGS, fit_scaling, parsed
from chainrule.tables.schema import Schema
from chainrule.tables.spelling.dress import Dress
from chainrule.tables.spelling.values import (
    are_opposites,
    as_text,
    check_texts,
    one_spelling,
    to_booleans,
    to_numbers,
    truth_of,
)
from chainrule.tables.table import Table, listed_names
from chainrule.tables.task import TASKS

Label: TypeAlias = str | bool | int | float

_INVERTIBLE = tuple(name for name, scaling in SCALINGS.items() if scaling.inverse)


def _read_label(value: object, where: str) -> Label:
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return value
        raise ModelFileError(f"{where}: the label is too large a number")
    return read_number(value, where)


@dataclass(frozen=True)
class TargetEncoder(Plain, place="target"):
    """The target: its classes, or the scaling of its numbers; plain data, fitted to the training rows.

    ``clamp`` has the ``lowest`` and the ``highest`` number of those rows where answers are drawn in to them, else it
    is None; ``dress`` is how its numbers are written, where that is not as a program writes them.
    """

    name: str
    task: Annotated[str, one_of(TASKS)]
    labels: tuple[Annotated[Label, Form(lambda label: label, _read_label)], ...]
    scaling: Annotated[str, one_of(_INVERTIBLE)]
    parameters: Mapping[str, float]
    clamp: Annotated[Mapping[str, float] | None, IF_SET] = None
    dress: Annotated[Dress | None, IF_SET] = None

    def __post_init__(self) -> None:
        labels, scaling, clamp = self.labels, SCALINGS[self.scaling], self.clamp
        check_texts((self.name, *labels), "labels")
        if self.task == "classification":
            one_type = len({type(label) for label in labels}) == 1
            if len(labels) < 2 or not one_type or list(labels) != sorted(set(labels)):
                raise SettingsError("labels: two or more labels of one type, in order, are expected")
            if scaling.name != "none":
                raise SettingsError("scaling: classes have no scaling")
            if clamp is not None:
                raise SettingsError("clamp: classes have no clamp")
            if self.dress is not None:
                raise SettingsError("dress: classes are no numbers")
        elif labels:
            raise SettingsError("labels: a number has no labels")
        check_keys(self.parameters, "parameters", scaling.parameters)
        if not scaling.are_sound(self.parameters):
            raise SettingsError(f"parameters: {scaling.name} can't be computed with {self.parameters}")
        if clamp is not None:
            check_keys(clamp, "clamp", ("lowest", "highest"))
            low, high = clamp["lowest"], clamp["highest"]
            if low > high:
                raise SettingsError(f"clamp: the lowest number, {low:g}, is above the highest, {high:g}")

    @property
    def parts(self) -> tuple[TargetEncoder, ...]:
        """The encoder of each target: this one."""
        return (self,)

    @property
    def names(self) -> tuple[str, ...]:
        """The column of each target."""
        return (self.name,)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many outputs a network may have for it: one for a number or two classes, else one for each class."""
        return {0: (1,), 2: (1, 2)}.get(self.n_classes, (self.n_classes,))

    def known(self, table: Table) -> IntArray:
        """Return the rows that have a target, in order."""
        return known_rows(table, self.names)

    def numbers(self, table: Table) -> FloatArray:
        """Return the rows' numbers (n,) in the units of the table; raises TableError for a cell that is none."""
        return number_cells(table, self.name, self.dress)

    @property
    def n_classes(self) -> int:
        """The number of classes K; 0 for a number."""
        return len(self.labels)

    @property
    def formula(self) -> str:
        """The arithmetic of a number as a formula in ``v``; empty for classes."""
        return SCALINGS[self.scaling].formula if self.task == "regression" else ""

    @property
    def inverse_formula(self) -> str:
        """The way from a network's output ``y`` to the answer in the table's units; empty for classes.

        ``y*std + mean``, or with a clamp ``min(max(y*std + mean, lowest), highest)``; the numbers of its other symbols
        are `inverse_parameters`.
        """
        if self.task != "regression":
            return ""
        back = SCALINGS[self.scaling].inverse
        return back if self.clamp is None else f"min(max({back}, lowest), highest)"

    @property
    def inverse_parameters(self) -> dict[str, float]:
        """The numbers of the symbols in ``inverse_formula``, but for ``y``."""
        return {**self.parameters, **(self.clamp or {})}

    def transform(self, table: Table, *, single: bool = False) -> FloatArray:
        """Return what the output neurons should say: (n, K) one-hot for classes, (n, 1) scaled for a number.

        ``single``: two classes as one column, 1 for the second. Raises TableError naming line and value for a
        target that is missing, a class that training did not have, or a cell that is no number.
        """
        if self.task == "classification":
            codes, n = self.codes(table), self.n_classes
            if single and n != 2:
                raise SettingsError(f"{n} classes don't go into a single column; only two do")
            if single:
                return codes.astype(np.float64)[:, None]
            hot = np.zeros((len(codes), n))
            hot[np.arange(len(codes)), codes] = 1
            return hot
        if single:
            what = "only two classes go into a single column"
            raise SettingsError(f"the target {self.name!r} is a number; {what}")
        values = self.numbers(table)
        _refuse_missing(table, self.name, np.isnan(values))
        scaled = SCALINGS[self.scaling].evaluate(values, self.parameters)
        if not np.isfinite(scaled).all():
            where = located(table, int(np.argmin(np.isfinite(scaled))), self.name)
            raise TableError(f"{where} is too large to be scaled; correct it or leave the row out")
        return scaled[:, None]

    def codes(self, table: Table) -> IntArray:
        """Return the place of every row's class among ``labels``: shape (n,)."""
        if self.task != "classification":
            raise SettingsError(f"the target {self.name!r} is a number, it has no classes")
        column = table.column(self.name)
        _refuse_missing(table, self.name, column.is_null().to_numpy())
        if isinstance(self.labels[0], str):
            codes = self._word_codes(table)
        elif isinstance(self.labels[0], bool):
            codes = _places(boolean_cells(table, self.name), np.array([0.0, 1.0]))
        elif column.dtype.is_integer() and isinstance(self.labels[0], int):
            codes = _places(column.to_numpy(), np.array(self.labels))
        else:
            codes = _places(number_cells(table, self.name), np.array(self.labels, dtype=np.float64))
        unseen = np.flatnonzero(codes < 0)
        if len(unseen):
            what = f"is none of the classes that were trained ({listed_names(self.labels)})"
            where = located(table, int(unseen[0]), self.name)
            raise TableError(f"{where} {what}; correct it or leave the row out")
        return codes

    def trained(self, table: Table) -> IntArray:
        """Return the rows whose class is one of the labels, in order; of numbers all. A cell of another kind is of no class."""
        if not self.labels:
            return np.arange(table.n_rows)
        column = table.column(self.name)
        if isinstance(self.labels[0], str):
            return np.flatnonzero(self._word_codes(table) >= 0)
        text = as_text(column)
        values = to_numbers(text, table.decimal).cast(pl.Float64)
        if isinstance(self.labels[0], bool):
            truth = to_booleans(text).cast(pl.Float64)
            values = truth.zip_with(truth.is_not_null(), values)
        numbers = values.fill_null(float("nan")).to_numpy()
        return np.flatnonzero(_places(numbers, np.array(self.labels, dtype=np.float64)) >= 0)

    def _word_codes(self, table: Table) -> IntArray:
        """Return the place of every row's word among the labels, -1 or less for another; case counts but for yes and no."""
        if not are_opposites(self.labels):
            return level_codes(table, self.name, list(map(str, self.labels)))
        truth = to_booleans(as_text(table.column(self.name))).cast(pl.Int64)
        first = int(bool(truth_of(str(self.labels[0]))))
        return ((truth != first).cast(pl.Int64).fill_null(-1)).to_numpy(writable=True)

    def decode(self, probabilities: Array) -> Array:
        """Return the label of the most probable class of each row: shape (n,), of the labels' own type.

        ``probabilities``: (n, K), or (n,) or (n, 1) with the probability of the second of two classes, which
        is compared with 1/2. The first class wins a tie.
        """
        p = np.asarray(probabilities)
        if p.ndim == 2 and p.shape[1] == self.n_classes and self.n_classes > 1:
            places = p.argmax(axis=1)
        elif self.n_classes == 2 and (p.ndim == 1 or (p.ndim == 2 and p.shape[1] == 1)):
            places = (p.reshape(-1) > 0.5).astype(np.int64)
        else:
            raise SettingsError(f"probabilities of shape {p.shape} don't fit {self.n_classes} classes")
        return np.array(self.labels)[places]

    def inverse(self, values: Array) -> FloatArray:
        """Return the answers that a network's outputs stand for, by ``inverse_formula``, of the same shape."""
        if self.clamp is None:
            return self.undo(values)
        y = np.asarray(values, dtype=np.float64)
        symbols = {"y": y, **self.inverse_parameters}
        return np.asarray(parsed(self.inverse_formula).evaluate_like(symbols, y, np))

    def undo(self, values: Array) -> FloatArray:
        """Return scaled numbers in the units of the table, of the same shape and without the clamp."""
        if self.task != "regression":
            raise SettingsError(f"the target {self.name!r} has classes, not numbers; use decode")
        return SCALINGS[self.scaling].undo(np.asarray(values, dtype=np.float64), self.parameters)

    def drawn_in(self, values: Array) -> FloatArray:
        """Return scaled numbers drawn in to where the clamp lets answers be, of the same shape."""
        scaled = np.asarray(values, dtype=np.float64)
        if self.clamp is None:
            return scaled
        ends = np.array([self.clamp["lowest"], self.clamp["highest"]])
        low, high = SCALINGS[self.scaling].evaluate(ends, self.parameters)
        return np.clip(scaled, low, high)

    def clamped_at(self, values: Array) -> FloatArray:
        """Return for each output the bound that its answer was drawn in to, of the same shape; NaN where it wasn't."""
        back = self.undo(values)
        if self.clamp is None:
            return np.full_like(back, np.nan)
        low, high = self.clamp["lowest"], self.clamp["highest"]
        return np.where(back > high, high, np.where(back < low, low, np.nan))


def fit_target(
    table: Table,
    schema: Schema,
    *,
    scaling: str | None = None,
    rows: Sequence[int] | IntArray | None = None,
    clamp: bool = False,
    weights: str | None = None,
) -> TargetEncoder:
    """Fit the target's encoder to the training ``rows``: its classes in order, or the scaling of its numbers.

    ``scaling`` of a number: standard (the default; of one row none), minmax or none; with ``clamp`` answers are drawn in to the
    lowest and the highest of the rows' numbers. ``weights``: the column that says which rows count. Raises TableError for a
    target that is missing in a training row, or the same in all of them, and SettingsError for a scaling or a clamp of classes.

    >>> from chainrule.tables.schema import infer_schema
    >>> from chainrule.tables.table import from_frame
    >>> table = from_frame({"a": [1.5, 2, 4, 3], "y": ["no", "yes", "no", "no"]})
    >>> target = fit_target(table, infer_schema(table, target="y"))
    >>> target.labels, target.transform(table, single=True).tolist()
    (('no', 'yes'), [[0.0], [1.0], [0.0], [0.0]])
    >>> target.decode([0.2, 0.9]).tolist()
    ['no', 'yes']
    """
    if schema.target is None or schema.task is None:
        raise SettingsError("the schema has no target")
    if schema.more_targets:
        raise SettingsError(f"there are {len(schema.targets)} targets, and this is about one")
    (dress,) = schema.target_dresses
    return fit_one(
        table, schema.target, schema.task, scaling, rows, clamp=clamp, weights=weights, dress=dress
    )


def fit_one(
    table: Table,
    name: str,
    task: str,
    scaling: str | None,
    rows: Sequence[int] | IntArray | None,
    *,
    clamp: bool,
    weights: str | None = None,
    dress: Dress | None = None,
) -> TargetEncoder:
    """Fit the encoder of one target, as `fit_target` has it, by its column and its task."""
    part = table if rows is None else table.narrowed([name]).take(rows)
    if not part.n_rows:
        raise SettingsError("there are no training rows to fit the target to")
    _refuse_missing(part, name, part.column(name).is_null().to_numpy())
    single = table.n_rows == 1
    if one_spelling(part.column(name)).n_unique() == 1 and not single:
        every = f"{shown(part, 0, name)} in {'every' if part.n_rows > 1 else 'the only'} training row"
        more = f" with a weight above 0 ({setting('weights', weights)})" if weights else ""
        what = f"is {every}{more}, so there is nothing to learn; give rows with another target"
        raise TableError(f"{table.name}: the target {name!r} {what}{' a weight' * bool(weights)}")
    if task == "classification":
        if scaling is not None:
            given = setting("target_scaling", scaling)
            raise SettingsError(f"the target {name!r} has classes, which are not scaled ({given})")
        if clamp:
            why = f"{setting('clamp')} is for numbers, and the target {name!r} has classes"
            raise SettingsError(f"{why}: leave it out")
        column = one_spelling(part.column(name))
        if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            column = as_text(column)
        return TargetEncoder(name, task, tuple(column.unique().sort().to_list()), "none", {})
    chosen = ("none" if single else "standard") if scaling is None else scaling
    if chosen not in _INVERTIBLE:
        raise SettingsError(f"the scaling of the target is {chosen!r}; it is one of {', '.join(_INVERTIBLE)}")
    values = number_cells(part, name, dress)
    fitted, parameters = fit_scaling(chosen, values)
    if fitted != chosen:
        what = f"the target {name!r} varies too little to be scaled"
        raise TableError(f"{table.name}: {what}; use the scaling none")
    bounds = {"lowest": float(values.min()), "highest": float(values.max())} if clamp else None
    return TargetEncoder(name, task, (), fitted, parameters, bounds, dress)


def _refuse_missing(table: Table, name: str, missing: Array) -> None:
    if missing.any():
        row = int(np.argmax(missing))
        raise TableError(f"{located(table, row, name)} the target is missing; leave the row out")


def _places(values: Array, labels: Array) -> IntArray:
    """Return the place of each value in the sorted labels, -1 where it is not among them."""
    places = np.minimum(np.searchsorted(labels, values), len(labels) - 1)
    found: IntArray = np.where(labels[places] == values, places, -1)
    return found
