"""Running the explanations that an export in JavaScript carries, beside those of chainrule."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.explain.attribute.gradients import FIRST_PIECES, integrated_gradients
from chainrule.explain.attribute.outcome import Scale, outcome_of, scales_of
from chainrule.explain.trace.sources import trace_rows
from chainrule.exports.program import Program
from chainrule.exports.run.base import called, found
from chainrule.exports.run.made_rows import table_rows
from chainrule.formula.nodes import names_in
from chainrule.formula.parse import parse
from chainrule.formula.rounding import evaluate_rounded
from chainrule.model.model import Model
from chainrule.tables.table import Table

ROWS = 5
"""The rows that explanations are tried on."""

NUMBERS = 1e-9
"""How far a number of the calculation may be from chainrule's, as a share of itself or of 1 if that is more."""

TOLERANCE, COARSE, FINER = 1e-3, 1e-2, 0.1
"""How exact attributions are asked for, as a share of the largest prediction on the way; how coarse those of other scales and of
single networks, which run through the same integral; and how much finer again where rounding cut the way elsewhere."""

SAME_WAY, OTHER_WAY = 1e-9, 10.0
"""How far attributions may be from chainrule's, as such a share, where the way was cut alike, and else how many tolerances."""


FIRST_POINTS = 6 * FIRST_PIECES
"""The points of a way that isn't cut beyond its first pieces and their halves."""


class ExplainedRows(NamedTuple):
    """What came of it: the ``rows`` tried, the ``numbers`` compared, the largest differences, and what is ``wrong``."""

    rows: int
    numbers: int
    largest: float
    attributed: float
    wrong: tuple[str, ...]

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        return (
            f"Explanations checked on {self.rows:,} rows of the table: {self.numbers:,} numbers and what their formulas give are "
            f"those of chainrule within {self.largest:.2g}, attributions within {self.attributed:.2g} of the largest "
            "prediction on the way."
        )


def certify_explanations(
    program: Program, content: bytes, table: Table, *, as_written: bool = False
) -> ExplainedRows:
    """Run what an export explains of rows of a table, and compare it; raises CantRun where nothing runs it.

    It is made for the table, or ``as_written`` for another one, whose most frequent levels it started from.
    """
    model = program.model
    count = min(ROWS, table.n_rows)
    places = np.linspace(0, table.n_rows - 1, count).astype(np.int64).tolist()
    rows = table_rows(program, table).cells
    members = [k % model.members + 1 for k in range(count)]
    x = model.encoder.transform(table.take(places))
    asked = [list(_asked_of(model, x[k], k)) for k in range(count)]
    wrong: list[str] = []
    numbers, cut, elsewhere, largest, attributed = 0, 0, 0, 0.0, 0.0
    told: list[dict[str, Any]] = [
        {"row": rows[at], "member": member, "asked": [one.told() for one in each]}
        for at, member, each in zip(places, members, asked, strict=True)
    ]
    for at, member, each, said in zip(places, members, asked, said_of(content, told), strict=True):
        where = f"row {at + 1}"
        if "error" in said:
            wrong.append(f"{where} is not explained: {said['error']}")
            continue
        for one, attributions in zip(each, said["attributions"], strict=True):
            off, other = _beside(model, table, at, one, attributions, as_written)
            cut += math.isnan(off) or attributions["points"] > FIRST_POINTS
            if math.isnan(off):
                elsewhere += 1
                finer = one._replace(tolerance=one.tolerance * FINER)
                (again,) = said_of(content, [{"row": rows[at], "asked": [finer.told()]}])
                off, other = _beside(model, table, at, finer, again["attributions"][0], as_written, last=True)
            attributed = max(attributed, off)
            wrong += [f"{where}: {other}"] if other else []
        trace = trace_rows(model, table, at + 1, member)
        for line in said["formulas"]:
            numbers += 1
            off = max(_off(line["result"], float(trace[line["address"]])), _unexplained(line))
            largest = max(largest, off)
            if not off <= NUMBERS:
                wrong.append(
                    f"{where}: {line['address']} = {line['numbers']} = {line['result']!r}, and chainrule says "
                    f"{float(trace[line['address']])!r}"
                )
    # Rounding decides now and then where a way is cut, not most of the time.
    if elsewhere > max(1, cut / 2):
        wrong.append("the way of most attributions is cut elsewhere than chainrule cuts it")
    return ExplainedRows(count, numbers, largest, attributed, tuple(wrong[:3]))


class _Asked(NamedTuple):
    """Attributions that are asked for: of a scale, of one network (from 1) or their mean, how exact."""

    of: Scale
    member: int | None
    tolerance: float

    @property
    def place(self) -> int | None:
        """The network's place, from 0."""
        return None if self.member is None else self.member - 1

    def told(self) -> dict[str, Any]:
        """Return it as options of the export."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def _asked_of(model: Model, x: FloatArray, row: int) -> Iterator[_Asked]:
    """Yield what is asked of the inputs x (d,) of a row: the prediction, coarser its other scales, and one of one network.

    Where a logit is infinite there is no difference that attributions add up to.
    """
    scales, target = scales_of(model), model.target.names[0]
    asked = [_Asked(scales[0], None, TOLERANCE), *(_Asked(scale, None, COARSE) for scale in scales[1:])]
    if model.members > 1:
        asked.append(_Asked(scales[row % len(scales)], row % model.members + 1, COARSE))
    for one in asked:
        outcome = outcome_of(model, x, of=one.of, member=one.place, target=target)
        if one.of != "logit" or np.isfinite(outcome.values(x[None])).all():
            yield one


def _beside(
    model: Model, table: Table, row: int, one: _Asked, said: Any, as_written: bool, last: bool = False
) -> tuple[float, str]:
    """Return how far attributions are from chainrule's, and what is wrong with them.

    NaN where the way was cut elsewhere, unless it is the ``last`` time that they are asked for.
    """
    right = integrated_gradients(
        model,
        table,
        row,
        of=one.of,
        member=one.place,
        target=model.target.names[0],
        baseline=_levels(model, said) if as_written else "typical",
        tolerance=one.tolerance,
    )
    alike = said["points"] == right.points
    if not alike and not last:
        return math.nan, ""
    off = _apart(said, right.columns, right.tolerance / one.tolerance)
    if said["quantity"] == right.quantity and off <= (SAME_WAY if alike else OTHER_WAY * one.tolerance):
        return off, ""
    return off, f"the attributions of {right.quantity} differ by {off:.2g}"


def said_of(content: bytes, asked: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what an export explains of each ``row``: attributions for each of the options ``asked``, formulas of a ``member``."""
    node = found("node", "nodejs")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.mjs").write_bytes(content)
        (folder / "run.mjs").write_text(_DRIVER, encoding="utf-8")
        lines = called([node, str(folder / "run.mjs")], "\n".join(map(json.dumps, asked)).encode())
    yield from map(json.loads, lines.decode().split("\n"))


_DRIVER = """import { readFileSync } from "node:fs";
import { attributions, formulas } from "./model.mjs";
const lines = readFileSync(0, "utf8").split("\\n").filter((line) => line.trim());
const plain = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
process.stdout.write(lines.map((line) => JSON.stringify(explained(JSON.parse(line)), plain)).join("\\n"));
function explained({ row, member, asked }) {
  try {
    const lines = member ? formulas(row, { member }) : [];
    return { attributions: asked.map((options) => attributions(row, options)), formulas: lines };
  } catch (error) {
    return { error: error.message };
  }
}
"""


def _levels(model: Model, said: Mapping[str, Any]) -> dict[str, object]:
    """Return the levels that attributions started from, by column; of an input for other levels a word that is none."""
    cells = {one["column"]: one["baseline"] for one in said["columns"]}
    columns = [column for column in model.encoder.columns if column.kind == "category"]
    made: dict[str, object] = {}
    for column in columns:
        cell = cells[column.name]
        none = "".join(column.levels) + "?"
        made[column.name] = cell if cell in column.levels else None if cell == "missing" else none
    return made


def _apart(said: Mapping[str, Any], right: Sequence[Any], size: float) -> float:
    """Return by how much attributions differ, as a share of a size."""
    pairs = zip(said["columns"], right, strict=True)
    off = [
        abs(float(one["value"]) - other.value) if one["column"] == other.column else math.inf
        for one, other in pairs
    ]
    return max(off) / size if size else max(off)


def _off(one: Any, other: float) -> float:
    """Return by how much a number differs, as a share of the other or of 1."""
    one = float(str(one).replace("Infinity", "inf"))
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    off = abs(one - other) / max(1.0, abs(other))
    return off if math.isfinite(off) else math.inf


def _unexplained(line: Mapping[str, Any]) -> float:
    """Return by how much what a formula with numbers gives is off its result, beyond rounding; 0 where it overflows."""
    root, known = parse(line["numbers"]).root, {"nan": math.nan, "inf": math.inf}
    if not set(names_in(root)) <= known.keys():
        return math.inf  # a name without a number
    with np.errstate(all="ignore"):
        value, bound = evaluate_rounded(root, known)
    if not math.isfinite(value):
        return 0.0
    off = _off(line["result"], value)
    return 0.0 if off <= 4 * bound / max(1.0, abs(value)) else off
