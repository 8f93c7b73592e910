"""The certificate of an export: what it says of rows, a table's and made ones, beside what the engine says of the same cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chainrule._random import Purpose, generator
from chainrule._types import BoolArray, FloatArray, IntArray
from chainrule.engines import JUDGE
from chainrule.exports.program import Program
from chainrule.exports.run.base import CantRun, SaidOfRows
from chainrule.exports.run.made_rows import CellRows, made_rows, table_rows
from chainrule.model.model import Model, Prediction
from chainrule.tables.encoding.scalings import SCALINGS
from chainrule.tables.table import Table

SINGLE, DOUBLE = 1e-6, 1e-9
"""How far an export that computes in single precision may be from the engine, and one in double from double precision.

Of a probability; of a number as a share of its target's spread, or of the number itself where that is larger.
"""

ROUNDING = 8.0
"""How many times what single precision rounds an export in it may be off, where that is more."""

SHAKES, EPSILON = 3, 2.0**-24
"""How often all numbers are shaken to see what rounding does, and by how much of themselves."""


class Truth(NamedTuple):
    """What is right for rows: the engine's answers and places, those in double precision, and the rows that have one.

    ``rounding`` is about how far single precision is from double precision there, ``margins`` how far decisions are from ties.
    """

    engine: FloatArray
    double: FloatArray
    rounding: FloatArray
    places: IntArray | None
    margins: FloatArray
    known: BoolArray


@dataclass(frozen=True)
class ExportCertificate:
    """What came of running an export.

    ``largest`` is the largest difference from the engine where single precision holds, ``largest_double`` that from double
    precision of an export that computes in it; ``rounded`` rows are those where the engine's own rounding is larger than
    the tolerance, and ``ties`` those whose label differs, at most by rounding. ``wrong`` says what is too far off, by row.
    """

    by: str
    rows: int
    made: int
    left_out: int
    rounded: int
    largest: float
    largest_double: float | None
    ties: int
    wrong: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is too far off."""
        return not self.wrong

    @property
    def words(self) -> list[str]:
        """Say what was run and what came of it."""
        tables = [f"{self.rows:,} rows of a table"] if self.rows else []
        said = (
            f"Checked with {self.by} on {' and '.join([*tables, f'{self.made:,} made rows'])} (each level, unseen and missing "
            f"ones, each missing word, blanks, edges of floats, leap days): the largest difference from chainrule's engine "
            f"is {self.largest:.2g}"
        )
        if self.largest_double is not None:
            said += f", and from double precision {self.largest_double:.2g}"
        said += f"; {self.ties or 'no'} label{'s differ' if self.ties != 1 else ' differs'}"
        said += ", by rounding at a tie." if self.ties else "."
        if self.rounded:
            said += (
                f" On {self.rounded:,} of the rows single precision itself, the engine's too, is off by more than "
                f"{SINGLE / ROUNDING:.2g}; there a program in single precision is held to {ROUNDING:g} times that."
            )
        if self.left_out:
            said += f" {self.left_out:,} rows whose output is no finite number were left out."
        return [said]


def truth(program: Program, rows: CellRows) -> Truth:
    """Return what is right for rows: read by the model's own way from cells, and worked out by its engine and by the judge."""
    model = program.model
    x = model.encoder.transform(rows.table)
    with np.errstate(all="ignore"):
        mean = model.mean(model.outputs(x))
        engine, double = _answers(program, mean), _answers(program, _judged(model, x))
        rounding = np.abs(engine - double)
        for perturbed, shaken in _shaken(model, x):
            rounding = np.maximum(rounding, np.abs(_answers(program, _judged(perturbed, shaken)) - double))
    places = model.answer_of(mean).codes
    if places is not None and places.ndim == 1:
        places = places[:, None]
    known = np.isfinite(engine).all(axis=1) & np.isfinite(double).all(axis=1)
    return Truth(engine, double, rounding, places, _margins(program, mean), np.asarray(known))


def _judged(model: Model, x: FloatArray) -> FloatArray:
    """Return the members' mean outputs in double precision."""
    return model.mean(model.outputs(x, JUDGE))


def _shaken(model: Model, x: FloatArray) -> Iterator[tuple[Model, FloatArray]]:
    """Yield the model and the inputs with each number off by as much as single precision rounds: what sums make of that."""
    rng = generator(0, Purpose.EXPORT, 1)

    def off(numbers: FloatArray) -> FloatArray:
        wide = np.asarray(numbers, np.float64)
        return np.asarray(wide * (1 + EPSILON * rng.choice([-1.0, 1.0], wide.shape)))

    for _ in range(SHAKES):
        yield model.with_parameters(lambda group: off(group.parameters)), off(x)


def _answers(program: Program, mean: FloatArray) -> FloatArray:
    """Return the numbers of the answers (n, …) of mean outputs, as the model gives them."""
    return _numbers(program, program.model.answer_of(mean), mean)


def _numbers(program: Program, prediction: Prediction, mean: FloatArray) -> FloatArray:
    """Return the numbers of an answer (n, …): in the targets' units, probabilities, or outputs."""
    if program.answers.kind == "number":
        return np.asarray(prediction.labels, np.float64).reshape(len(mean), -1)
    return np.asarray(mean if prediction.probabilities is None else prediction.probabilities, np.float64)


def _margins(program: Program, mean: FloatArray) -> FloatArray:
    """Return how far each decision is from a tie, (n, targets)."""
    if program.answers.kind == "class" and mean.shape[1] > 1:
        ordered = np.sort(mean, axis=1)
        return ordered[:, -1:] - ordered[:, -2:-1]
    return np.asarray(np.abs(mean - program.limit))


def units_of(program: Program) -> FloatArray:
    """Return what a difference of each number of an answer is measured by: 1, or the spread of a target's numbers."""
    if program.answers.kind != "number":
        return np.ones(program.n_answers)
    spreads = [
        SCALINGS[part.scaling].spread_of(part.parameters) if SCALINGS[part.scaling].spread else 1.0
        for part in program.model.target.parts
    ]
    return np.array(spreads)


def certify_export(
    program: Program,
    run: Callable[[CellRows], SaidOfRows],
    table: Table | None,
    *,
    double: bool,
    exact: Callable[[CellRows], SaidOfRows] | None = None,
    made: CellRows | None = None,
) -> ExportCertificate:
    """Run an export on a table's rows and on made rows, and compare it with the engine; raises CantRun where nothing runs it.

    ``double``: it computes in double precision; ``exact`` runs one that doesn't in double precision all the same.
    """
    parts = [made or made_rows(program), *([table_rows(program, table)] if table is not None else [])]
    wrong: list[str] = []
    largest, largest_double, rounded, ties, left_out, by = 0.0, 0.0, 0, 0, 0, ""
    scale = units_of(program)
    for rows, what in zip(parts, ("made row", "row"), strict=False):
        right = truth(program, rows)
        unit = np.maximum(scale, np.abs(right.double))
        own = right.rounding
        allowed = np.maximum(SINGLE * unit, ROUNDING * own)
        runs = [(run, DOUBLE * unit if double else allowed, right.double if double else right.engine)]
        if exact is not None:
            runs.append((exact, DOUBLE * unit, right.double))
        for k, (runner, tolerance, beside) in enumerate(runs):
            said = runner(rows)
            off = np.abs(said.answers - beside)
            far = ~(off <= tolerance) & right.known[:, None]
            wrong += _far(rows, said, beside, far, what)
            if double or k:
                largest_double = max(largest_double, _most(off / unit, right.known))
            if k == 0:
                by = said.by
                held = right.known & (own <= SINGLE * unit / ROUNDING).all(axis=1)
                largest = max(largest, _most(np.abs(said.answers - right.engine) / unit, held))
                found, bad = _labels(said, right, np.maximum(allowed, own + tolerance).max(axis=1), what)
                ties, wrong = ties + found, wrong + bad
        rounded += int((right.known & ~(ROUNDING * own <= SINGLE * unit).all(axis=1)).sum())
        left_out += int((~right.known).sum())
    in_double = largest_double if double or exact is not None else None
    n_rows = 0 if table is None else len(parts[1])
    return ExportCertificate(
        by, n_rows, len(parts[0]), left_out, rounded, largest, in_double, ties, tuple(wrong)
    )


def _most(off: FloatArray, rows: BoolArray) -> float:
    return float(off[rows].max()) if rows.any() else 0.0


def _far(rows: CellRows, said: SaidOfRows, right: FloatArray, far: BoolArray, what: str) -> list[str]:
    """Say what is too far off in the first row that is."""
    if not far.any():
        return []
    row = int(np.argmax(far.any(axis=1)))
    j = int(np.argmax(far[row]))
    found, wanted = float(said.answers[row, j]), float(right[row, j])
    cells = ", ".join(f"{name} = {value!r}" for name, value in rows.cells[row].items())
    return [
        f"{int(far.any(axis=1).sum()):,} rows are too far off, first {what} {row + 1} ({cells}): {found!r} instead of {wanted!r}"
    ]


def _labels(said: SaidOfRows, right: Truth, tolerance: FloatArray, what: str) -> tuple[int, list[str]]:
    """Return how many labels differ by rounding, and what differs otherwise."""
    if right.places is None:
        return 0, []
    if said.places is None:
        return 0, ["it gives no labels"]
    differ = (said.places != right.places) & right.known[:, None]
    bad = differ & (right.margins > 2 * tolerance[:, None])
    if not bad.any():
        return int(differ.sum()), []
    row = int(np.argmax(bad.any(axis=1)))
    return 0, [
        f"{int(bad.any(axis=1).sum()):,} labels differ that are no ties, first that of {what} {row + 1}: "
        f"{said.places[row].tolist()} instead of {right.places[row].tolist()}"
    ]


def not_run(reason: CantRun) -> tuple[str, ...]:
    """Say that an export was not run."""
    why = " ".join(str(reason).split())
    return (f"Not checked where it was written: {why}. `chainrule check` does it where it can be run.",)
