"""How answers depend on a column, or on two together: partial dependence, with single rows.

With the rows x_i of a table, A the columns in question and the others B, the answer Q at the cell v of A is::

    PD(v) = 1/n · sum over i of Q(A = v, B = B_i)

each row keeps its own other cells (Friedman, "Greedy function approximation", Annals of Statistics 29, 2001, section 8.2).
A single row's Q(A = v, B = B_i) is its individual conditional expectation (Goldstein et al., "Peeking inside the black box",
JCGS 24, 2015); where these lines are not parallel, what the column does depends on the others. Where columns go together,
some of the rows asked about are like none that there is.

How far two columns act together is the share of the variance of their joint PD over the grid of cells that is left when the
effect of each is taken out, as in a two-way analysis of variance (with all cells weighed alike; after the H² of Friedman &
Popescu, "Predictive learning via rule ensembles", Annals of Applied Statistics 2, 2008)::

    joint = sum over v, w of (PD(v, w) - PD(v, ·) - PD(·, w) + PD(·, ·))² / sum of (PD(v, w) - PD(·, ·))²
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._plain import AnyNumber, Plain
from chainrule._types import FloatArray
from chainrule.errors import SettingsError, TableError
from chainrule.explain.columns.dial import DAY, Dial, dial_of
from chainrule.explain.columns.quantities import AnswerNumber, quantities
from chainrule.explain.columns.rows import MOST_ROWS, looked
from chainrule.model.model import Model, check_finite
from chainrule.model.source import Source
from chainrule.tables.table import Table

PLACES = 41
"""The numbers at which a column is set, where it has more different ones."""

PLACES_OF_TWO = 12
"""The same of each of two columns."""

ENDS = (0.01, 0.99)
"""Between which of the column's quantiles these numbers lie: beyond them there is hardly a row."""

MOST_PREDICTIONS = 1_000_000
"""The most predictions: with more places there are fewer rows."""

MOST_LINES = 60
"""The most single rows that are kept: evenly chosen."""

YEAR = 365.2425 * DAY


@dataclass(frozen=True)
class DependenceCurve(Plain):
    """One answer at each place of a column: the ``mean`` over the rows, and single rows' ``lines`` (rows, places).

    ``short`` is its class, or its target.
    ``missing`` is the mean where the cell is missing, NaN where the model has no word for that.
    """

    quantity: str
    short: str
    mean: tuple[AnyNumber, ...]
    lines: tuple[tuple[AnyNumber, ...], ...]
    missing: AnyNumber

    @property
    def moves(self) -> float:
        """How far the mean moves over the places."""
        return max(self.mean) - min(self.mean)


@dataclass(frozen=True)
class CellsTried(Plain):
    """The cells that a column is set to: as text, and for numbers as ``values``; dates are years, times of day hours.

    ``seen`` are the table's own values at 101 quantiles, for words ``counts`` how many rows have each.
    """

    column: str
    kind: str
    texts: tuple[str, ...]
    values: tuple[float, ...]
    seen: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Dependence(Plain):
    """How each answer depends on one column; ``numbers`` are the places (from 1) in the table of the rows that have lines.

    ``rows`` is how many rows the means are over, ``of`` which they are in words.
    """

    places: CellsTried
    curves: tuple[DependenceCurve, ...]
    numbers: tuple[int, ...]
    rows: int
    of: str
    seed: int

    def __getitem__(self, quantity: str) -> DependenceCurve:
        """Return the curve of an answer by name."""
        return next(one for one in self.curves if one.quantity == quantity)


@dataclass(frozen=True)
class Surface(Plain):
    """One answer over two columns: the ``mean`` (places of the second, places of the first), and how far they act together.

    ``joint`` is the share of the variance of the means that is not that of each column by itself.
    """

    quantity: str
    mean: tuple[tuple[AnyNumber, ...], ...]
    joint: AnyNumber


@dataclass(frozen=True)
class Interaction(Plain):
    """How each answer depends on two columns together."""

    first: CellsTried
    second: CellsTried
    surfaces: tuple[Surface, ...]
    rows: int
    of: str
    seed: int


def dependence(
    model: Model,
    table: Source,
    columns: str | Sequence[str],
    *,
    places: Sequence[float] | None = None,
    label: object = None,
    target: str | None = None,
    seed: int = 0,
    **reading: Any,
) -> Dependence | Interaction:
    """Return how a model's answers depend on a column of a table, or on two.

    ``places``: the numbers at which one number column is set, instead of a grid. ``label``: the one class, ``target`` the one
    target asked for; else all. Of more than 20,000 rows, or more than a million predictions, so many rows are drawn by ``seed``.
    Raises SettingsError for words, TableError for a table that doesn't fit the model.

    >>> import chainrule
    >>> rows = {"a": [float(i % 5) for i in range(40)], "b": ["u", "v"] * 20, "y": [float(i % 5) for i in range(40)]}
    >>> model = chainrule.train(rows, "y", hidden=[4], members=1, epochs=5).model
    >>> dependence(model, rows, "b").places.texts, dependence(model, rows, ["a", "b"]).first.texts
    (('u', 'v'), ('0', '1', '2', '3', '4'))
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    if len(names) not in (1, 2) or len(set(names)) < len(names):
        raise SettingsError(
            f"{setting('column')}: one column, or two different ones, are expected, not {', '.join(names) or 'none'}"
        )
    read = model.table(table, **reading)
    if not read.n_rows:
        raise TableError(f"{read.name}: there is no row")
    asked = quantities(model, label, target)
    dials = [dial_of(model, read, name) for name in names]
    if len(dials) == 1:
        return _of_one(model, read, dials[0], asked, seed, places)
    if places is not None:
        raise SettingsError(f"{setting('places')} are for one column; leave them out")
    return _of_two(model, read, dials, asked, seed)


def _of_one(
    model: Model,
    table: Table,
    dial: Dial,
    asked: Sequence[AnswerNumber],
    seed: int,
    given: Sequence[float] | None,
) -> Dependence:
    values, encoded = _grid(dial, PLACES, given)
    chosen = looked(table, np.arange(table.n_rows), seed, min(MOST_ROWS, MOST_PREDICTIONS // len(encoded)))
    x = model.encoder.transform(chosen.part)
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_LINES)).round().astype(np.int64))
    gap = [dial.inputs([float("nan")])[0]] if dial.is_number and dial.has_missing else []
    made = np.stack([_asked(model, chosen.part, x, [(dial, one)], asked) for one in [*encoded, *gap]])
    curves = []
    for number, one in enumerate(asked):
        own = made[: len(encoded), number]
        missing = float(made[-1, number].mean()) if gap else float("nan")
        lines = tuple(map(tuple, own[:, kept].T.tolist()))
        curves.append(DependenceCurve(one.name, one.short, tuple(own.mean(axis=1).tolist()), lines, missing))
    numbers = tuple((chosen.rows[kept] + 1).tolist())
    return Dependence(_places(dial, values, table), tuple(curves), numbers, len(x), chosen.words, seed)


def _of_two(
    model: Model, table: Table, dials: Sequence[Dial], asked: Sequence[AnswerNumber], seed: int
) -> Interaction:
    (first_values, first), (second_values, second) = (_grid(dial, PLACES_OF_TWO) for dial in dials)
    cells = len(first) * len(second)
    chosen = looked(table, np.arange(table.n_rows), seed, max(1, min(MOST_ROWS, MOST_PREDICTIONS // cells)))
    x, part = model.encoder.transform(chosen.part), chosen.part
    means = np.array(
        [
            [
                _asked(model, part, x, [(dials[0], one), (dials[1], other)], asked).mean(axis=1)
                for one in first
            ]
            for other in second
        ]
    )
    surfaces = tuple(
        Surface(one.name, tuple(map(tuple, means[:, :, number].tolist())), joint_share(means[:, :, number]))
        for number, one in enumerate(asked)
    )
    ends = (_places(dials[0], first_values, table), _places(dials[1], second_values, table))
    return Interaction(*ends, surfaces, len(x), chosen.words, seed)


def joint_share(means: FloatArray) -> float:
    """Return the share of the variance of a grid (rows, columns) that is not of its rows or of its columns, NaN without any.

    >>> joint_share(np.add.outer([0.0, 1.0], [0.0, 2.0])), joint_share(np.multiply.outer([-1.0, 1.0], [-1.0, 1.0]))
    (0.0, 1.0)
    """
    centered = means - means.mean()
    alone = centered - centered.mean(axis=0) - centered.mean(axis=1, keepdims=True)
    total = float((centered**2).sum())
    return float((alone**2).sum()) / total if total > 1e-24 * float((means**2).sum()) else float("nan")


def _asked(
    model: Model,
    part: Table,
    x: FloatArray,
    cells: Sequence[tuple[Dial, FloatArray]],
    asked: Sequence[AnswerNumber],
) -> FloatArray:
    """Return the quantities (quantities, n) for encoded rows with columns set to cells."""
    rows = x.copy()
    for dial, one in cells:
        rows[:, dial.own] = one
    made = check_finite(model.answer(rows), part)
    return np.stack([one.of(made) for one in asked])


def _grid(dial: Dial, most: int, given: Sequence[float] | None = None) -> tuple[FloatArray, FloatArray]:
    """Return the places of a column as numbers (m,), none for words, and the inputs (m, inputs) of each."""
    if not dial.is_number:
        if given is not None:
            raise SettingsError(
                f"{setting('places')} are for numbers, and {dial.name!r} is a {dial.column.kind}"
            )
        return np.zeros(0), dial.encoded
    values = np.unique(dial.values) if given is None else np.asarray(given, np.float64)
    if given is not None and not (len(values) and np.isfinite(values).all()):
        raise SettingsError(f"{setting('places')}: at least one number, and finite ones, are expected")
    if not len(values):
        raise SettingsError(
            f"{setting('column')}: {dial.name!r} has no value in this table; choose a column that has some"
        )
    if given is None and len(values) > most:
        low, high = np.quantile(dial.values, ENDS)
        values = np.linspace(low, high, most)
    return values, dial.inputs(values)


def _places(dial: Dial, values: FloatArray, table: Table) -> CellsTried:
    kind = dial.column.kind
    if not dial.is_number:
        out = np.zeros((table.n_rows, len(dial.own)))
        dial.column.write(table, out)
        counts = tuple(int((out == one).all(axis=1).sum()) for one in dial.encoded)
        return CellsTried(dial.name, kind, dial.words, (), (), counts)
    seen = np.quantile(dial.values, np.linspace(0, 1, 101)) if len(dial.values) else np.zeros(0)
    texts = tuple(map(dial.text, values.tolist()))
    return CellsTried(dial.name, kind, texts, _told(dial, values), _told(dial, seen), ())


def _told(dial: Dial, values: FloatArray) -> tuple[float, ...]:
    """Return numbers as they are, dates as years, times of day as hours."""
    if dial.column.kind == "datetime":
        values = values / (DAY / 24) if dial.is_time else 1970 + values / YEAR
    return tuple(values.tolist())
