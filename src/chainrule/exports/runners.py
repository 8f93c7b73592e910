"""Running an export where it can be run, on rows of cells: each language by its own program, in a process of its own."""

from __future__ import annotations

import json
import math
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from chainrule._types import FloatArray, IntArray
from chainrule.errors import ChainruleError
from chainrule.exports.c99 import uses_fields
from chainrule.exports.made_rows import Row, Rows
from chainrule.exports.dialects import sql_name
from chainrule.exports.program import Program
from chainrule.exports.sql import key_name
from chainrule.tables.steps import LookUp, ReadDate
from chainrule.tables.targets import Targets
from chainrule.tables.values import float_text, is_plain_number

TIME = 600
"""The most seconds that a run may take."""


class Answered(NamedTuple):
    """What an export says of rows: its numbers (n, …), the place of each target's class (n, targets) or None, and who ran it."""

    answers: FloatArray
    places: IntArray | None
    by: str


class CantRun(Exception):
    """There is nothing here that runs an export."""


class ExportError(ChainruleError):
    """An export doesn't run, or doesn't say what the model says."""


def called(command: Sequence[str], text: bytes = b"", *, cwd: Path | None = None) -> bytes:
    """Return what a program writes; raises ExportError with the end of what it complains about where it fails."""
    done = subprocess.run(command, input=text, capture_output=True, check=False, cwd=cwd, timeout=TIME)
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise ExportError(f"the export doesn't run by {Path(command[0]).name}: {said[-500:]}")
    return done.stdout


def found(*names: str) -> str:
    """Return the first of some programs that there is; raises CantRun where there is none."""
    for name in names:
        if path := shutil.which(name):
            return path
    raise CantRun(f"{' or '.join(names)} is not installed")


def run_python(program: Program, content: bytes, rows: Rows) -> Answered:
    """Run plain Python, without any package."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.py"
        path.write_bytes(content)
        lines = called([sys.executable, "-I", "-S", str(path)], _ndjson(rows.cells))
    version = ".".join(map(str, sys.version_info[:3]))
    return _from_json(program, lines.decode(), f"Python {version}")


def run_javascript(program: Program, content: bytes, rows: Rows) -> Answered:
    """Run JavaScript by node."""
    node = found("node", "nodejs")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.mjs").write_bytes(content)
        (folder / "run.mjs").write_text(_DRIVER, encoding="utf-8")
        lines = called([node, str(folder / "run.mjs")], _ndjson(rows.cells))
    return _from_json(program, lines.decode(), f"node {called([node, '--version']).decode().strip()}")


_DRIVER = """import { readFileSync } from "node:fs";
import { predict } from "./model.mjs";
const lines = readFileSync(0, "utf8").split("\\n").filter((line) => line.trim());
process.stdout.write(lines.map((line) => JSON.stringify(answered(line))).join("\\n"));
function answered(line) {
  try {
    return predict(JSON.parse(line));
  } catch (error) {
    return { error: error.message };
  }
}
"""


def run_c(
    program: Program, content: bytes, rows: Rows, *, double: bool = False, flags: Sequence[str] = ()
) -> Answered:
    """Compile C99 and run it, in float or in double."""
    compiler, own = found("gcc", "clang", "cc"), c_name(content.decode())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.h").write_bytes(content)
        (folder / "run.c").write_text(c_driver(program, own), encoding="utf-8")
        real = [f"-D{own}_REAL=double", f"-D{own}_M(g)=g"] if double else []
        # Without -ffp-contract=off a processor with fused additions rounds otherwise.
        strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", "-ffp-contract=off"]
        called([compiler, *strict, *flags, *real, "run.c", "-o", "run", "-lm"], cwd=folder)
        data = called([str(folder / "run")], b"".join(c_rows(program, rows)))
    version = called([compiler, "--version"]).decode().splitlines()[0]
    return _from_numbers(program, data, version)


def c_name(text: str) -> str:
    """Return what the names that a header defines begin with."""
    name = re.search(r"^static int (\w+)_predict\(", text, re.MULTILINE)
    if name is None:
        raise ExportError("the header defines no function that predicts; export it again")
    return name[1]


def c_driver(program: Program, name: str) -> str:
    """Return a program in C that answers rows from standard input; what the header defines begins with ``name``."""
    fields = uses_fields(program)
    reads = []
    for cell in program.cells:
        kind = "text" if isinstance(cell.steps.reads, LookUp | ReadDate) else "number"
        reads.append(f"        row.{fields[cell.name]} = read_{kind}();")
    both = {kind: f"read_{kind}" in "\n".join(reads) for kind in ("number", "text")}
    targets = len(program.model.target.parts)
    labels = "".join(f"        put(answer.labels[{j}]);\n" for j in range(targets))
    return _C_DRIVER.format(
        reads="\n".join(reads),
        number=_C_NUMBER if both["number"] else "",
        text=_C_TEXT if both["text"] else "",
        free="        used = 0;\n" if both["text"] else "",
        labels="" if program.answers.kind == "number" else labels,
        n=program.n_answers,
        name=name,
    )


_C_NUMBER = """static double read_number(void)
{
    double value = 0.0;
    if (fread(&value, sizeof value, 1, stdin) != 1) {
        exit(1);
    }
    return value;
}
"""
_C_TEXT = """static char texts[1 << 20];
static int used = 0;

static const char *read_text(void)
{
    int n = 0;
    char *text = texts + used;
    if (fread(&n, sizeof n, 1, stdin) != 1) {
        exit(1);
    }
    if (n < 0) {
        return 0;
    }
    if (used + n + 1 > (int)sizeof texts || fread(text, 1, (size_t)n, stdin) != (size_t)n) {
        exit(1);
    }
    text[n] = 0;
    used += n + 1;
    return text;
}
"""
_C_DRIVER = """#include <stdio.h>
#include <stdlib.h>
#include "model.h"

static void put(double value)
{{
    fwrite(&value, sizeof value, 1, stdout);
}}

{number}{text}
int main(void)
{{
    {name}_row row;
    {name}_answer answer;
    int more = getchar();
    for (; more == 1; more = getchar()) {{
{free}{reads}
        put({name}_predict(&row, &answer));
{labels}        for (int j = 0; j < {n}; j++) {{
            put(answer.answers[j]);
        }}
    }}
    return 0;
}}
"""


def c_rows(program: Program, rows: Rows) -> Iterator[bytes]:
    """Yield rows as the driver reads them: numbers as they are read from the table, texts as they are."""
    columns: list[Sequence[bytes]] = []
    for cell in program.cells:
        if isinstance(cell.steps.reads, LookUp | ReadDate):
            columns.append([_c_text(row[cell.name]) for row in rows.cells])
        else:
            numbers = cell.steps.reads.column(rows.table, cell.name)
            columns.append([struct.pack("<d", value) for value in np.asarray(numbers, np.float64)])
    for parts in zip(*columns, strict=True):
        yield b"\1" + b"".join(parts)


def _c_text(cell: Any) -> bytes:
    if cell is None:
        return struct.pack("<i", -1)
    text = (str(cell).lower() if isinstance(cell, bool) else str(cell)).encode()
    return struct.pack("<i", len(text)) + text


def _from_numbers(program: Program, data: bytes, by: str) -> Answered:
    """Return what the driver in C has written: what predict returned, places, numbers."""
    targets = 0 if program.answers.kind == "number" else len(program.model.target.parts)
    found = np.frombuffer(data, "<f8").reshape(-1, 1 + targets + program.n_answers)
    answers = np.where(found[:, :1] == 0, found[:, 1 + targets :], np.nan)
    return Answered(answers, found[:, 1 : 1 + targets].astype(np.int64) if targets else None, by)


def _ndjson(rows: Sequence[Row]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def _from_json(program: Program, text: str, by: str) -> Answered:
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
    return Answered(np.array(answers), np.array(places) if places else None, by)


def _numbers(program: Program, said: Mapping[str, Any]) -> list[float]:
    if "value" in said:
        return [said["value"]]
    if "probabilities" in said:
        found = list(said["probabilities"].values())
        return found[1:] if isinstance(program.model.target, Targets) else found
    return list(said["outputs"])


Runner = Callable[[Program, bytes, Rows], Answered]
"""What runs an export's content on rows."""


def run_onnx(program: Program, content: bytes, rows: Rows) -> Answered:
    """Run ONNX by ONNX Runtime, or by the package's own evaluator."""
    try:
        import onnxruntime
    except ImportError:
        return run_onnx_reference(program, content, rows)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    said = session.run(None, onnx_inputs(program, rows))
    return _from_arrays(program, said, f"ONNX Runtime {onnxruntime.__version__}")


def run_onnx_reference(program: Program, content: bytes, rows: Rows) -> Answered:
    """Run ONNX by the evaluator of the package onnx."""
    try:
        from onnx import __version__ as version
        from onnx.reference import ReferenceEvaluator
    except ImportError as error:
        raise CantRun("neither onnxruntime nor onnx is installed") from error
    with np.errstate(all="ignore"):
        said = ReferenceEvaluator(content).run(None, onnx_inputs(program, rows))
    return _from_arrays(program, said, f"the evaluator of onnx {version}")


def onnx_inputs(program: Program, rows: Rows) -> dict[str, Any]:
    """Return the arrays that go into ONNX: numbers, dates in seconds, texts without blanks, numbers among them plain."""
    made: dict[str, Any] = {}
    for cell in program.cells:
        reads = cell.steps.reads
        if isinstance(reads, LookUp):
            texts = rows.table.text(cell.name)
            made[cell.name] = np.array(["" if text is None else _plain_form(text) for text in texts], object)
        elif isinstance(reads, ReadDate):
            made[cell.name] = seconds_of(reads.column(rows.table, cell.name))
        else:
            made[cell.name] = np.asarray(reads.column(rows.table, cell.name), np.float64)
    return made


def seconds_of(moments: pl.Series) -> FloatArray:
    """Return dates as seconds since 1970-01-01, times as seconds since midnight, NaN where missing."""
    if moments.dtype == pl.Time:
        return moments.cast(pl.Int64).cast(pl.Float64).to_numpy() / 1e9
    return moments.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64).to_numpy() / 1e6


def _plain_form(text: str) -> str:
    return float_text(float(text)) if is_plain_number(text) else text


def _from_arrays(program: Program, said: Sequence[Any], by: str) -> Answered:
    """Return the outputs of ONNX, in their order."""
    if program.answers.kind == "number":
        return Answered(np.stack([np.asarray(one, np.float64) for one in said], axis=1), None, by)
    labels, numbers = said[::2], said[1::2]
    places = [
        [list(part.labels).index(label) for label in np.asarray(each).tolist()]
        for part, each in zip(program.model.target.parts, labels, strict=True)
    ]
    answers = np.stack(numbers, axis=1) if program.answers.kind == "labels" else np.asarray(numbers[0])
    return Answered(np.asarray(answers, np.float64), np.array(places).T, by)


def run_sqlite(program: Program, content: bytes, rows: Rows) -> Answered:
    """Run SQL by SQLite, of the standard library."""
    import sqlite3

    with closing(sqlite3.connect(":memory:")) as database:
        types = {"number": "REAL", "text": "TEXT"}
        _filled(database, program, rows, types)
        try:
            said = database.execute(content.decode()).fetchall()
        except sqlite3.Error as error:
            raise ExportError(f"the export doesn't run by SQLite: {error}") from error
    return _from_table(program, said, f"SQLite {sqlite3.sqlite_version}")


def run_duckdb(program: Program, content: bytes, rows: Rows) -> Answered:
    """Run SQL by DuckDB."""
    try:
        import duckdb
    except ImportError as error:
        raise CantRun("duckdb is not installed") from error
    with closing(duckdb.connect(":memory:")) as database:
        _filled(database, program, rows, {"number": "DOUBLE", "text": "VARCHAR"})
        try:
            said = database.execute(content.decode()).fetchall()
        except duckdb.Error as error:
            raise ExportError(f"the export doesn't run by DuckDB: {error}") from error
    return _from_table(program, said, f"DuckDB {duckdb.__version__}")


def _filled(database: Any, program: Program, rows: Rows, types: Mapping[str, str]) -> None:
    """Make the table that the query reads, of rows as `sql_columns` has them."""
    columns = sql_columns(program, rows)
    told = [f"{sql_name(key_name(program))} INTEGER"]
    told += [
        f"{sql_name(name)} {types['number' if isinstance(cells, np.ndarray) else 'text']}"
        for name, cells in columns.items()
    ]
    database.execute(f'CREATE TABLE "input" ({", ".join(told)})')
    values = [
        [
            None if isinstance(cell, float) and math.isnan(cell) else cell
            for cell in (cells.tolist() if isinstance(cells, np.ndarray) else cells)
        ]
        for cells in columns.values()
    ]
    marks = ", ".join("?" * len(told))
    database.executemany(
        f'INSERT INTO "input" VALUES ({marks})',
        [(k, *row) for k, row in enumerate(zip(*values, strict=True))],
    )


def sql_columns(program: Program, rows: Rows) -> dict[str, Any]:
    """Return the columns of a table for a query: numbers, texts as they are but numbers plain, dates as ISO 8601 has them."""
    made: dict[str, Any] = {}
    for cell in program.cells:
        reads = cell.steps.reads
        if isinstance(reads, LookUp):
            texts = rows.table.text(cell.name)
            made[cell.name] = [
                _plain_form(text) if text is not None and is_plain_number(text) else _as_sql(row[cell.name])
                for text, row in zip(texts, rows.cells, strict=True)
            ]
        elif isinstance(reads, ReadDate):
            moments = reads.column(rows.table, cell.name)
            form = "%H:%M:%S%.6f" if moments.dtype == pl.Time else "%Y-%m-%d %H:%M:%S%.6f"
            made[cell.name] = moments.dt.strftime(form).to_list()
        else:
            made[cell.name] = np.asarray(reads.column(rows.table, cell.name), np.float64)
    return made


def _as_sql(cell: Any) -> Any:
    return str(cell).lower() if isinstance(cell, bool) else cell


def _from_table(program: Program, said: Sequence[Sequence[Any]], by: str) -> Answered:
    """Return what a query says, row by row: the key, the labels, the numbers."""
    targets = program.model.target.parts
    n = 0 if program.answers.kind == "number" else len(targets)
    numbers = [[math.nan if value is None else value for value in row[1 + n :]] for row in said]
    places = (
        [[list(part.labels).index(row[1 + j]) for j, part in enumerate(targets)] for row in said]
        if n
        else None
    )
    return Answered(np.array(numbers, np.float64), None if places is None else np.array(places), by)


def run_postgres(program: Program, content: bytes, rows: Rows) -> Answered:
    """Say that PostgreSQL is not run: it is a server, and which one to use is not ours to choose."""
    raise CantRun("PostgreSQL is a server, and none is started for this")
