"""Running plain Python and JavaScript, which answer rows that come as lines of JSON."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.exports.program import Program
from chainrule.exports.run.base import SaidOfRows, called, found
from chainrule.exports.run.made_rows import CellRows, Row
from chainrule.tables.encoding.targets import Targets


def run_python(program: Program, content: bytes, rows: CellRows) -> SaidOfRows:
    """Run plain Python, without any package."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.py"
        path.write_bytes(content)
        lines = called([sys.executable, "-I", "-S", str(path)], _ndjson(rows.cells))
    version = ".".join(map(str, sys.version_info[:3]))
    return _from_json(program, lines.decode(), f"Python {version}")


def run_javascript(program: Program, content: bytes, rows: CellRows) -> SaidOfRows:
    """Run JavaScript by node."""
    node = found("node", "nodejs")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.mjs").write_bytes(content)
        (folder / "run.mjs").write_text(_DRIVER, encoding="utf-8")
        lines = called([node, str(folder / "run.mjs")], _ndjson(rows.cells))
    return _from_json(program, lines.decode(), f"node {called([node, '-v']).decode().strip()}")


_DRIVER = """import { readFileSync } from "node:fs";
import { predict } from "./model.mjs";
const lines = readFileSync(0, "utf8").split("\\n").filter((line) => line.trim());
process.stdout.write(lines.map((line) => JSON.stringify(answers_of(line))).join("\\n"));
function answers_of(line) {
  try {
    return predict(JSON.parse(line));
  } catch (error) {
    return { error: error.message };
  }
}
"""


def _ndjson(rows: Sequence[Row]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def _from_json(program: Program, text: str, by: str) -> SaidOfRows:
    """Return answers that came as lines of JSON; NaN for a row whose answer is an error."""
    targets = program.model.target.parts
    answers, places = [], []
    for line in text.splitlines():
        said = json.loads(line)
        if "error" in said and not any(part.name == "error" for part in targets):
            answers.append([math.nan] * program.n_answers)
            places.append([-1] * len(targets))
            continue
        each = [said[part.name] for part in targets]
        answers.append([number for one in each for number in _numbers(program, one)])
        if program.answers.kind != "number":
            pairs = zip(each, targets, strict=True)
            places.append([list(part.labels).index(one["label"]) for one, part in pairs])
    return SaidOfRows(np.array(answers), np.array(places) if places else None, by)


def _numbers(program: Program, said: Mapping[str, Any]) -> list[float]:
    if "value" in said:
        return [said["value"]]
    if "probabilities" in said:
        found = list(said["probabilities"].values())
        return found[1:] if isinstance(program.model.target, Targets) else found
    return list(said["outputs"])
