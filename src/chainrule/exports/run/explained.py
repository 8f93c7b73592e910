"""Running the explanations that an export in JavaScript carries, beside those of chainrule."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.explain.attribute.gradients import integrated_gradients
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

TOLERANCE = 1e-4
"""How exact attributions are asked for, as a share of the largest prediction on the way."""


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
    places = np.linspace(0, table.n_rows - 1, count).astype(np.int64)
    rows = table_rows(program, table).cells
    members = [k % model.members + 1 for k in range(count)]
    asked = [{"row": rows[at], "member": member} for at, member in zip(places, members, strict=True)]
    wrong: list[str] = []
    numbers, largest, attributed = 0, 0.0, 0.0
    for at, member, said in zip(places.tolist(), members, said_of(content, asked), strict=True):
        where = f"row {at + 1}"
        if "error" in said:
            wrong.append(f"{where} is not explained: {said['error']}")
            continue
        start: Any = _levels(model, said["attributions"]) if as_written else "typical"
        right = integrated_gradients(
            model, table, at, target=model.target.names[0], baseline=start, tolerance=TOLERANCE
        )
        attributed = max(attributed, _apart(said["attributions"], right.columns, right.tolerance / TOLERANCE))
        if said["attributions"]["quantity"] != right.quantity or attributed > 10 * TOLERANCE:
            wrong.append(f"{where}: the attributions of {right.quantity} differ by {attributed:.2g}")
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
    return ExplainedRows(count, numbers, largest, attributed, tuple(wrong[:3]))


def said_of(content: bytes, asked: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what an export explains of rows: attributions, and the formulas of a member's numbers."""
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
function explained({ row, member, ...options }) {
  try {
    return { attributions: attributions(row, options), formulas: formulas(row, { member }) };
  } catch (error) {
    return { error: error.message };
  }
}
"""


def _levels(model: Model, said: Mapping[str, Any]) -> dict[str, object]:
    """Return the levels that attributions started from, by column; of an input for other levels a word that is none."""
    cells = {one["column"]: one["baseline"] for one in said["columns"]}
    columns = [column for column in model.encoder.columns if column.kind in ("category", "text")]
    made: dict[str, object] = {}
    for column in columns:
        cell = cells[column.name]
        if column.kind == "text":
            made[column.name] = cell
            continue
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
