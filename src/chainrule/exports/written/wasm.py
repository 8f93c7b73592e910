"""The export as WebAssembly: the header in C99, compiled by clang, with functions that take a row cell by cell."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from chainrule.errors import SettingsError
from chainrule.exports.columns import column_data
from chainrule.exports.program import Program
from chainrule.exports.written.c99 import uses_fields, write_c
from chainrule.exports.written.head import first_lines, frame

TEXT = 4096
"""The most bytes of a cell's text."""

USAGE = (
    "A module that imports mathematics, `env` ({exp: Math.exp, expf: Math.exp, …}) and exports memory, `number(column, value)`, "
    "`text(column, size)`, which gives the address where a cell's UTF-8 is to be put, `missing(column)`, `predict()`, "
    "`answer(j)` and `label(target)`. Columns are counted from 0 in this order: {columns}. It computes networks in single "
    "precision.",
)


def write_wasm(program: Program, certificate: Sequence[str]) -> bytes:
    """Return the module; raises SettingsError where there is no clang that compiles to WebAssembly."""
    if shutil.which("clang") is None or shutil.which("wasm-ld") is None:
        raise SettingsError(
            "WebAssembly needs clang and lld (Debian: apt install clang lld): install them, or export to javascript"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "math.h").write_text(frame("math.h"), encoding="utf-8")
        (folder / "model.h").write_text(write_c(program, ()), encoding="utf-8")
        (folder / "module.c").write_text("\n".join(_module(program)), encoding="utf-8")
        command = [
            "clang",
            "-target",
            "wasm32",
            "-std=c99",
            "-O2",
            "-ffp-contract=off",
            "-nostdlib",
            "-ffreestanding",
            "-Werror",
            "-I.",
        ]
        linked = [
            "-Wl,-no-entry",
            "-Wl,-allow-undefined",
            "-Wl,-strip-all",
            "-o",
            "model.wasm",
            "module.c",
        ]
        done = subprocess.run([*command, *linked], cwd=folder, capture_output=True, check=False)
        if done.returncode:
            said = " ".join(done.stderr.decode(errors="replace").split())
            raise SettingsError(
                f"clang can't compile to WebAssembly here: {said[:300]}; export to javascript"
            )
        made = (folder / "model.wasm").read_bytes()
    columns = ", ".join(repr(cell.name) for cell in program.cells)
    usage = [line.replace("{columns}", columns) for line in USAGE]
    said = "\n".join(first_lines(program, "WebAssembly, made", usage, certificate))
    return made + _section("chainrule", said.encode())


def _section(name: str, content: bytes) -> bytes:
    """Return a custom section, which a runtime skips."""
    body = _leb(len(name)) + name.encode() + content
    return b"\0" + _leb(len(body)) + body


def _leb(number: int) -> bytes:
    """Return a whole number in LEB128."""
    made = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        made.append(low | (0x80 if number else 0))
        if not number:
            return bytes(made)


def _module(program: Program) -> Iterator[str]:
    fields = uses_fields(program)
    texts = [column_data(cell)["kind"] in ("place", "date", "words") for cell in program.cells]
    yield '#include "model.h"\n#define EXPORTED(name) __attribute__((export_name(name)))'
    # Where nothing of a library is, what the compiler makes of loops still has to be there.
    yield "void *memset(void *to, int value, __SIZE_TYPE__ n);\nvoid *memset(void *to, int value, __SIZE_TYPE__ n)\n{"
    yield "    volatile char *at = to;\n    while (n-- > 0) {\n        *at++ = (char)value;\n    }\n    return to;\n}"
    yield "__SIZE_TYPE__ strlen(const char *text);\n__SIZE_TYPE__ strlen(const char *text)\n{"
    yield "    const volatile char *at = text;\n    while (*at) {\n        at++;\n    }"
    yield "    return (__SIZE_TYPE__)(at - text);\n}"
    yield f"static model_row row;\nstatic model_answer said;\nstatic char texts[{len(texts)}][{TEXT + 1}];"
    yield 'EXPORTED("number") void number_of(int column, double value)\n{\n    switch (column) {'
    for i, cell in enumerate(program.cells):
        if not texts[i]:
            yield f"    case {i}:\n        row.{fields[cell.name]} = value;\n        break;"
    yield "    default:\n        (void)value;\n    }\n}"
    yield 'EXPORTED("text") char *text_of(int column, int size)\n{'
    yield f"    if (size < 0 || size > {TEXT} || column < 0 || column >= {len(texts)}) {{\n        return 0;\n    }}"
    yield "    texts[column][size] = 0;\n    switch (column) {"
    for i, cell in enumerate(program.cells):
        if texts[i]:
            yield f"    case {i}:\n        row.{fields[cell.name]} = texts[{i}];\n        break;"
    yield "    default:\n        return 0;\n    }\n    return texts[column];\n}"
    yield 'EXPORTED("missing") void missing_of(int column)\n{\n    switch (column) {'
    for i, cell in enumerate(program.cells):
        yield f"    case {i}:\n        row.{fields[cell.name]} = {'0' if texts[i] else '(double)NAN'};\n        break;"
    yield "    default:;\n    }\n}"
    yield 'EXPORTED("predict") int predicted(void)\n{\n    return model_predict(&row, &said);\n}'
    yield 'EXPORTED("answer") double answer_of(int j)\n{\n    return said.answers[j];\n}'
    label = "said.labels[target]" if program.answers.kind != "number" else "target * 0"
    yield f'EXPORTED("label") int label_of(int target)\n{{\n    return {label};\n}}'
