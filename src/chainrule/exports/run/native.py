"""Running C99: the header is compiled with a program that reads rows from standard input."""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.exports.program import Program
from chainrule.exports.run.base import ExportError, SaidOfRows, called, found
from chainrule.exports.run.made_rows import CellRows
from chainrule.exports.written.c99 import uses_fields
from chainrule.tables.encoding.steps import HashWords, LookUp, ReadDate


def run_c(
    program: Program, content: bytes, rows: CellRows, *, double: bool = False, flags: Sequence[str] = ()
) -> SaidOfRows:
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
    version = called([compiler, "-dumpversion"]).decode().strip()
    return _from_numbers(program, data, f"{Path(compiler).name} {version}")


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
        kind = "text" if isinstance(cell.steps.reads, HashWords | LookUp | ReadDate) else "number"
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


def c_rows(program: Program, rows: CellRows) -> Iterator[bytes]:
    """Yield rows as the driver reads them: numbers as they are read from the table, texts as they are."""
    columns: list[Sequence[bytes]] = []
    for cell in program.cells:
        if isinstance(cell.steps.reads, HashWords | LookUp | ReadDate):
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


def _from_numbers(program: Program, data: bytes, by: str) -> SaidOfRows:
    """Return what the driver in C has written: what predict returned, places, numbers."""
    targets = 0 if program.answers.kind == "number" else len(program.model.target.parts)
    found = np.frombuffer(data, "<f8").reshape(-1, 1 + targets + program.n_answers)
    answers = np.where(found[:, :1] == 0, found[:, 1 + targets :], np.nan)
    return SaidOfRows(answers, found[:, 1 : 1 + targets].astype(np.int64) if targets else None, by)
