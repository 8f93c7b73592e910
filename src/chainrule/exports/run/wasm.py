"""Running WebAssembly by node."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path

import numpy as np

from chainrule.exports.program import Program
from chainrule.exports.run.base import SaidOfRows, called, found
from chainrule.exports.run.made_rows import CellRows
from chainrule.tables.encoding.steps import HashWords, LookUp, ReadDate

_DRIVER = """import { readFileSync } from "node:fs";
const env = {};
for (const name of Object.getOwnPropertyNames(Math)) {
  if (typeof Math[name] === "function") env[name] = env[name + "f"] = Math[name];
}
function erfc(x) {
  // The series near 0, and a continued fraction far from it, to the last digits of a double.
  const size = Math.abs(x);
  if (size < 2.5) {
    let term = x, sum = x;
    for (let n = 1; n < 120; n++) { term *= (-x * x) / n; sum += term / (2 * n + 1); }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (size + fraction);
  const tail = Math.exp(-x * x) / Math.sqrt(Math.PI) / (size + fraction);
  return x > 0 ? tail : 2 - tail;
}
env.erfc = env.erfcf = erfc;
env.erf = env.erff = (x) => 1 - erfc(x);
const { instance } = await WebAssembly.instantiate(readFileSync("model.wasm"), { env });
const { memory, number, text, missing, predict, answer, label } = instance.exports;
const { rows, answers, labels } = JSON.parse(readFileSync(0, "utf8"));
const encoder = new TextEncoder();
const said = [];
for (const row of rows) {
  row.forEach((cell, i) => {
    if (cell === null) return missing(i);
    if (typeof cell === "number") return number(i, cell);
    const bytes = encoder.encode(cell);
    new Uint8Array(memory.buffer).set(bytes, text(i, bytes.length));
  });
  const code = predict();
  const each = Array.from({ length: answers }, (_, j) => (code === 0 ? answer(j) : null));
  said.push([each, Array.from({ length: labels }, (_, j) => label(j))]);
}
process.stdout.write(JSON.stringify(said));
"""


def run_wasm(program: Program, content: bytes, rows: CellRows) -> SaidOfRows:
    """Run WebAssembly by node: numbers as they are read from the table, texts as they are."""
    node = found("node", "nodejs")
    columns = []
    for cell in program.cells:
        if isinstance(cell.steps.reads, HashWords | LookUp | ReadDate):
            columns.append([_text(row[cell.name]) for row in rows.cells])
        else:
            numbers = np.asarray(cell.steps.reads.column(rows.table, cell.name), np.float64)
            columns.append([None if math.isnan(value) else value for value in numbers.tolist()])
    targets = 0 if program.answers.kind == "number" else len(program.model.target.parts)
    asked = {"rows": list(zip(*columns, strict=True)), "answers": program.n_answers, "labels": targets}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.wasm").write_bytes(content)
        (folder / "run.mjs").write_text(_DRIVER, encoding="utf-8")
        said = json.loads(called([node, "run.mjs"], json.dumps(asked).encode(), cwd=folder))
    answers = np.array([[math.nan if value is None else value for value in each] for each, _ in said])
    places = np.array([each for _, each in said], np.int64) if targets else None
    return SaidOfRows(answers, places, f"node {called([node, '-v']).decode().strip()}")


def _text(cell: object) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
