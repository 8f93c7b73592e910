"""What a prediction owes to each column: integrated gradients that add up to the difference from a baseline.

Along the straight line from the encoded baseline x' to the encoded row x, with Q the predicted quantity::

    attribution of input i = (x_i - x'_i) · integral over t from 0 to 1 of dQ/dx_i at x' + t (x - x')

The attributions of a column's inputs are added; all columns together give Q(x) - Q(x'). Source: Sundararajan,
Taly & Yan, "Axiomatic attribution for deep networks", ICML 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from chainrule._blas import one_blas_thread
from chainrule._doors import setting
from chainrule._plain import Plain
from chainrule._types import FloatArray
from chainrule.errors import SettingsError, TableError
from chainrule.explain.attribute.outcome import Outcome, encoded_row, outcome_of
from chainrule.model.model import Model
from chainrule.tables.encoding.columns import ColumnEncoder
from chainrule.tables.spelling.spellings import is_time_only
from chainrule.tables.table import Table, from_frame, suggestion

TOLERANCE = 1e-6
"""How far the attributions may be from adding up, as a share of the largest |Q| on the way."""

MOST_POINTS = 200_000
"""The most points of the path at which the gradient is taken."""

FIRST_PIECES = 16
"""The equal pieces of the path that the integration begins with."""

NARROWEST = 1e-13
"""The narrowest piece: a difference left in it is a jump of the network's output, which no gradient sees."""

BASELINES = ("typical", "missing")

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(2)


@dataclass(frozen=True)
class ColumnShare(Plain):
    """One column's attribution: its cell, the baseline's cell, and what the way from one to the other adds."""

    column: str
    cell: str | None
    baseline: str | None
    value: float


@dataclass(frozen=True)
class Attributions(Plain, names=(..., "holds")):
    """Integrated gradients of one prediction.

    ``total`` is the sum of the columns' values, ``difference`` is ``value - baseline_value``, ``error`` what is left
    between them, ``tolerance`` what may be left; ``points`` is how many points of the path were looked at, and
    ``pieces`` into how many pieces it was cut. ``jump`` is the largest jump of the output found on the way, 0 where
    there is none.
    """

    quantity: str
    row: int
    member: int | None
    baseline: str
    value: float
    baseline_value: float
    columns: tuple[ColumnShare, ...]
    total: float
    difference: float
    error: float
    tolerance: float
    points: int
    pieces: int
    jump: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the columns' values add up to the difference within the tolerance."""
        return bool(self.error <= self.tolerance)


@one_blas_thread()
@np.errstate(all="ignore")
def integrated_gradients(
    model: Model,
    table: Table,
    row: int,
    *,
    of: str | None = None,
    label: object = None,
    member: int | None = None,
    target: str | None = None,
    baseline: str | Mapping[str, object] = "typical",
    tolerance: float = TOLERANCE,
) -> Attributions:
    """Return what each column adds to the prediction for a row (from 0), from a baseline.

    ``of``, ``label``, ``member`` and ``target`` choose the quantity as in `outcome_of`. ``baseline``: ``typical`` has numbers,
    truth values and dates at the value that stands in for missing ones (the training rows' median, majority, middle),
    categories at the most frequent level of ``table``, and texts without words; ``missing`` has every cell missing; a
    mapping gives cells by column, the others typical. The path is cut where pieces and their halves disagree, until
    ``tolerance`` (a share of the largest |Q| on the path) holds. Raises SettingsError for words that don't fit the model.

    >>> import chainrule
    >>> rows = {"a": [float(i % 5) for i in range(40)], "b": [float(i % 8) for i in range(40)]}
    >>> rows["y"] = [2 * a + b for a, b in zip(rows["a"], rows["b"])]
    >>> model = chainrule.train(rows, "y", hidden=[4], members=1, epochs=20).model
    >>> found = integrated_gradients(model, model.table(rows), 0)
    >>> found.holds, [share.column for share in found.columns]
    (True, ['a', 'b'])
    """
    x = encoded_row(model, table, row)
    if not 0 < tolerance < 1:
        raise SettingsError(f"tolerance {tolerance!r} must be between 0 and 1, such as 1e-6")
    outcome = outcome_of(model, x, of=of, label=label, member=member, target=target)
    start, cells, words = baseline_row(model, table, baseline)
    path = _Path(outcome, start, x)
    path.integrate(tolerance)
    ends = outcome.values(np.stack([start, x]))
    shares, place = [], 0
    for column in model.encoder.columns:
        name, stop = column.name, place + len(column.inputs)
        value = float(np.sum(path.sums[place:stop]))
        shares.append(ColumnShare(name, table.cell(row, name), cells[name], value))
        place = stop
    total, difference = float(np.sum(path.sums)), float(ends[1] - ends[0])
    sums = (total, difference, abs(total - difference), tolerance * path.largest)
    which = (outcome.name, row + 1, None if member is None else member + 1, words)
    found = (float(ends[1]), float(ends[0]), tuple(shares))
    return Attributions(*which, *found, *sums, path.points, path.pieces, path.jump)


def baseline_row(
    model: Model, table: Table, baseline: str | Mapping[str, object]
) -> tuple[FloatArray, dict[str, str | None], str]:
    """Return a baseline's encoded row (d,), its cells by column as text, and what it is in words."""
    columns = {column.name: column for column in model.encoder.columns}
    if not isinstance(baseline, str):
        given = dict(baseline)
    elif baseline in BASELINES:
        given = dict.fromkeys(columns) if baseline == "missing" else {}
    else:
        raise SettingsError(
            f"{setting('baseline')} {baseline!r} is unknown: choose {' or '.join(BASELINES)}, or give cells by column"
        )
    for name in given:
        if name not in columns:
            names = list(columns)
            raise SettingsError(f"baseline: {name!r} is no input of the model; {suggestion(name, names)}")
    made = {
        name: _given(column, given[name]) if name in given else _typical(column, table)
        for name, column in columns.items()
    }
    cells = {name: cell for name, (_, cell) in made.items()}
    words = "medians of the training rows, most frequent levels of the table"
    if any(column.words is not None for column in columns.values()):
        words += ", empty texts"
    if baseline == "missing":
        words = "every cell missing"
    elif given:
        words = f"{', '.join(f'{name} = {cells[name]}' for name in given)}; else {words}"
    return np.concatenate([encoded for encoded, _ in made.values()]), cells, words


def encoded_cell(column: ColumnEncoder, cells: Sequence[object] | pl.Series) -> FloatArray:
    """Return the inputs of one column for one cell (None: missing), (inputs,)."""
    out: FloatArray = np.zeros((1, len(column.inputs)))
    column.write(from_frame({column.name: cells}, "the baseline"), out)
    return np.asarray(out[0])


def _given(column: ColumnEncoder, cell: object) -> tuple[FloatArray, str | None]:
    try:
        return encoded_cell(column, [cell]), None if cell is None else str(cell)
    except TableError as error:
        raise SettingsError(str(error)) from error


def _typical(column: ColumnEncoder, table: Table) -> tuple[FloatArray, str | None]:
    out = np.zeros(len(column.inputs))
    if column.kind == "category":
        encoded = np.zeros((table.n_rows, len(out)))
        column.write(table, encoded)
        most = int(np.argmax(encoded.sum(axis=0)))
        out[most] = 1.0
        return out, column.inputs[most].name.removeprefix(f"{column.name}: ")
    if column.words is not None:
        # An empty text, which counts no words: any other would be some row's own, and would go along with what is exported.
        return out, "no words"
    for place, part in enumerate(column.parts):
        # Its arithmetic puts the typical value in where a cell is missing.
        out[place] = part.apply(np.array([np.nan]))[0]
    if column.kind == "number":
        return out, f"{column.parts[0].fill:g}"
    if column.kind == "boolean":
        return out, "true" if column.parts[0].fill else "false"
    return out, "the middle time" if is_time_only(column.spelling) else "the middle date"


class _Path:
    """The integral along the path, cut into pieces that are halved where they disagree with their halves."""

    def __init__(self, outcome: Outcome, start: FloatArray, end: FloatArray) -> None:
        self.outcome, self.start, self.step = outcome, start, end - start
        self.sums = np.zeros_like(start)
        self.points = self.pieces = 0
        self.largest = self.jump = 0.0

    def integrate(self, tolerance: float) -> None:
        """Add up the pieces into ``sums`` (d,), until what is uncertain is within the tolerance."""
        edges = np.linspace(0, 1, FIRST_PIECES + 1)
        left, width = edges[:-1], np.diff(edges)
        parts, changes = self._pieces(left, width)
        while len(left):
            halves_left = np.stack([left, left + width / 2], axis=1).reshape(-1)
            halves_width = np.repeat(width / 2, 2)
            halves, half_changes = self._pieces(halves_left, halves_width)
            together = halves.reshape(-1, 2, halves.shape[1]).sum(axis=1)
            # Two judges of a piece: its halves, and the change of Q itself, which needs no quadrature.
            unsure = np.maximum(np.abs(parts - together).sum(axis=1), np.abs(together.sum(axis=1) - changes))
            allowed = tolerance * self.largest / (2 * len(left))
            narrow = width <= NARROWEST
            done = (unsure <= allowed) | narrow | (self.points >= MOST_POINTS)
            if narrow.any():
                self.jump = max(self.jump, float(np.abs(changes - together.sum(axis=1))[narrow].max()))
            self.sums += together[done].sum(axis=0)
            self.pieces += 2 * int(done.sum())
            again = np.repeat(~done, 2)
            left, width = halves_left[again], halves_width[again]
            parts, changes = halves[again], half_changes[again]

    def _pieces(self, left: FloatArray, width: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return each piece's integral for every input (m, d), and the change of Q over it (m,)."""
        inside = left[:, None] + width[:, None] * (1 + _NODES) / 2
        slopes = self._slopes(inside.reshape(-1)).reshape(*inside.shape, -1)
        parts = (slopes * (_WEIGHTS / 2)[None, :, None]).sum(axis=1) * width[:, None] * self.step
        ends = self._along(self.outcome.values, np.concatenate([left, left + width]))
        self.largest = max(self.largest, float(np.abs(ends).max()))
        return parts, ends[len(left) :] - ends[: len(left)]

    def _slopes(self, t: FloatArray) -> FloatArray:
        self.points += len(t)
        return self._along(self.outcome.gradients, t)

    def _along(self, of_rows: Callable[[FloatArray], FloatArray], t: FloatArray) -> FloatArray:
        blocks = np.array_split(t, -(-len(t) // self.outcome.rows_at_once))
        return np.concatenate([of_rows(self.start + some[:, None] * self.step) for some in blocks])
