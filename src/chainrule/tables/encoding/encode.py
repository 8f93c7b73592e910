"""From the cells of a table to the input neurons of a network, by arithmetic that can be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import DTypeLike

from chainrule._kept import cached_property
from chainrule._plain import IF_SET, AnyNumber, Plain, one_of
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError, TableError
from chainrule.tables.encoding.by_row import RowEncoder
from chainrule.tables.encoding.columns import ColumnEncoder, Input, fit_column
from chainrule.tables.encoding.scalings import SCALINGS
from chainrule.tables.encoding.steps import ColumnSteps
from chainrule.tables.schema import Schema
from chainrule.tables.spelling.values import DEFAULT_MISSING
from chainrule.tables.table import Table, listed_names, suggestion


@dataclass(frozen=True)
class InputValue(Plain):
    """The value of one input neuron for one row, with the cell and the arithmetic it comes from.

    ``cell`` is the cell as written, None if missing; ``parameters`` has the values of the formula's names. ``counted`` are the
    words of a text, and pieces of them, that ``v`` counts.
    """

    input: str
    column: str
    cell: str | None
    formula: str
    parameters: Mapping[str, AnyNumber]
    value: AnyNumber
    counted: Annotated[tuple[str, ...], IF_SET] = ()


@dataclass(frozen=True)
class Encoder(Plain):
    """How the columns of a table become ``d`` input neurons; plain data, fitted to the training rows."""

    scaling: Annotated[str, one_of(SCALINGS)]
    columns: tuple[ColumnEncoder, ...]

    def __post_init__(self) -> None:
        if not self.columns:
            raise SettingsError("columns: there is no column")
        if len({column.name for column in self.columns}) < len(self.columns):
            raise SettingsError("columns: two columns have the same name")

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The input neurons, in order: name, column, formula in ``v`` and its parameters."""
        return tuple(neuron for column in self.columns for neuron in column.inputs)

    @property
    def n_inputs(self) -> int:
        """The number of input neurons ``d``."""
        return len(self.inputs)

    def transform(self, table: Table, *, dtype: DTypeLike = np.float64) -> FloatArray:
        """Return the values of the input neurons for every row: shape (n, d), finite.

        Columns are found by name; others are ignored. Raises TableError if a column is not there, or has a
        cell that is not of its kind, naming line, column, value and remedy.
        """
        self._check_columns(table)
        encoded: FloatArray = np.zeros((table.n_rows, self.n_inputs), dtype=dtype)
        start = 0
        for column in self.columns if table.n_rows else ():
            column.write(table, encoded[:, start : start + len(column.inputs)])
            start += len(column.inputs)
        return encoded

    def explain_row(self, table: Table, row: int) -> list[InputValue]:
        """Return for each input neuron its value in one row (from 0), and where that value comes from."""
        if not 0 <= row < table.n_rows:
            raise SettingsError(f"there is no row {row}; the table has the rows 0 to {table.n_rows - 1}")
        return self.explain_rows(table.take([row]))[0]

    def explain_rows(self, table: Table) -> list[list[InputValue]]:
        """Return for every row and input neuron its value, and where that value comes from."""
        values = self.transform(table)
        explained: list[list[InputValue]] = [[] for _ in range(table.n_rows)]
        for column in self.columns:
            cells = table.text(column.name)
            counted = [{} if column.words is None else column.words.counted(cell or "") for cell in cells]
            for place, (neuron, used) in enumerate(
                zip(column.inputs, column.numbers_used(table), strict=True)
            ):
                for row, made in enumerate(explained):
                    v = {} if used is None else {"v": float(used[row])}
                    cell, value = cells[row], float(values[row, len(made)])
                    given = (neuron.formula, {**v, **neuron.parameters}, value)
                    words = tuple(counted[row].get(place, ()))
                    made.append(InputValue(neuron.name, column.name, cell, *given, words))
        return explained

    def steps(self, missing: Sequence[str] = DEFAULT_MISSING, decimal: str = ".") -> tuple[ColumnSteps, ...]:
        """Return the steps from the cells of each column to the values of its inputs, in their order.

        ``missing``: the words that mean a missing cell; ``decimal``: the sign of numbers in text without a dress.
        """
        return tuple(column.steps(missing, decimal) for column in self.columns)

    def by_row(
        self,
        missing: Sequence[str] = DEFAULT_MISSING,
        decimal: str = ".",
        *,
        dtype: DTypeLike = np.float64,
    ) -> RowEncoder:
        """Return the function of a row, a mapping of cells by column, that gives what `transform` gives for it, (d,).

        >>> from chainrule.tables.schema import infer_schema
        >>> table = from_frame({"A": [100, 90, 10]})
        >>> encoder = fit_encoder(table, infer_schema(table), scaling="minmax")
        >>> encoder.by_row()({"A": "55"}).tolist()
        [0.5]
        """
        return RowEncoder(self, tuple(missing), decimal, np.dtype(dtype).name)

    def _check_columns(self, table: Table) -> None:
        known = set(table.columns)
        lacking = [column.name for column in self.columns if column.name not in known]
        if lacking:
            what, are = ("the column", "is") if len(lacking) == 1 else (f"{len(lacking)} columns", "are")
            raise TableError(
                f"{table.name}: {what} {listed_names(list(map(repr, lacking)), most=10)} that the model was trained on {are} not "
                f"there; {suggestion(lacking[0], table.columns)}"
            )


def fit_encoder(
    table: Table, schema: Schema, *, scaling: str = "robust", rows: Sequence[int] | IntArray | None = None
) -> Encoder:
    """Fit an encoder for the inputs of a schema; every statistic comes from the training ``rows`` alone.

    ``scaling``: robust, standard, minmax or none. Raises TableError for cells that are not of their column's kind.

    >>> from chainrule.tables.schema import infer_schema
    >>> from chainrule.tables.table import from_frame
    >>> table = from_frame({"A": [100, 90, 10], "Target": [1.5, 2.5, 4.0]})
    >>> encoder = fit_encoder(table, infer_schema(table, target="Target"), scaling="minmax")
    >>> encoder.inputs[0].formula, encoder.inputs[0].parameters
    ('(v - low)/(high - low)', {'low': 10.0, 'high': 100.0})
    >>> encoder.transform(table).round(6).tolist()
    [[1.0], [0.888889], [0.0]]
    """
    if scaling not in SCALINGS:
        raise SettingsError(f"the scaling is {scaling!r}; it is one of {', '.join(SCALINGS)}")
    index = np.arange(table.n_rows) if rows is None else np.asarray(rows, dtype=np.int64)
    if not len(index):
        raise SettingsError("there are no training rows to fit the encoder to")
    if not schema.inputs:
        raise SettingsError("the schema has no inputs")
    columns = tuple(fit_column(table, column, scaling, index, schema.max_levels) for column in schema.inputs)
    return Encoder(scaling, columns)
