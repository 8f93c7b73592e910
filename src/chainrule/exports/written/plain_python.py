"""The export as plain Python: one file that needs nothing but the standard library, and answers rows as dicts."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.explain.program.plain import MATH_HAS
from chainrule.exports.columns import column_data, in_common
from chainrule.exports.program import Program
from chainrule.exports.written.head import first_lines, frame_for
from chainrule.exports.written.languages import PYTHON, PYTHON_HELPERS, python_number, used
from chainrule.exports.written.rowwise import Statements
from chainrule.exports.written.untyped import Functions, packed_members, program_functions, whole_layout

SCALED = '''
def scaled(eight, words, units, layout):
    """Return parameters from whole numbers: weights of 8 bits with scales, others of 16, each array with a unit."""
    eight, words = base64.b64decode(eight), base64.b64decode(words)
    eight = iter(struct.unpack(f"<{len(eight)}b", eight))
    words = iter(struct.unpack(f"<{len(words) // 2}h", words))
    made = []
    for (size, n_in, n_out), unit in zip(layout, units):
        word = [next(words) * unit for _ in range(size // n_in if n_in else size)]
        if n_in:
            word = [next(eight) * word[at // (n_in * n_out) * n_out + at % n_out] for at in range(size)]
        made += word
    return made
'''

USAGE = (
    'Python 3.11 or newer, no packages: `from NAME import predict; predict({"column": cell, ...})`, where a cell is text, a '
    "number, a truth value, a date, or None where it is missing. From a shell: `python -I -S NAME.py < rows.ndjson`.",
    "It computes in double precision.",
)


def write_python(program: Program, certificate: Sequence[str]) -> str:
    """Return the source of the export."""
    return "\n".join(_lines(program, certificate)) + "\n"


def _lines(program: Program, certificate: Sequence[str]) -> Iterator[str]:
    yield (
        '"""'
        + "\n".join(first_lines(program, "Plain Python, written", USAGE, certificate)).replace("\\", "/")
        + '\n"""\n'
    )
    body = list(_functions(program))
    yield "import base64\nimport struct\nimport sys"
    data = [column_data(cell) for cell in program.cells]
    uses = [*(column["kind"] for column in data), "read_row", "main"]
    yield frame_for("row.py", uses).split('"""', 2)[2].strip() + "\n"
    if program.weights:
        yield SCALED
    for name in used(PYTHON_HELPERS, body):
        yield f"\n{PYTHON_HELPERS[name]}"
    constants, columns = in_common([_written(column) for column in data])
    yield "\n" + "\n".join(f"{name} = {text}" for name, text in constants.items())
    yield "COLUMNS = ["
    for column in columns:
        yield f"    {{{', '.join(f'{key!r}: {text}' for key, text in column.items())}}},"
    yield "]\n"
    for number, group in enumerate(program.groups, 1):
        if program.weights:
            yield f"LAYOUT_{number} = {whole_layout(program, number - 1)}"
        yield f"MEMBERS_{number} = ["
        whole = f'scaled("{{bytes}}", "{{words}}", {{units}}, LAYOUT_{number})'
        yield from (
            f"    {packed}," for packed in packed_members(program, number - 1, group, _packed, whole)
        )
        yield "]\n"
    yield from body
    yield '\n\nif __name__ == "__main__":\n    main(predict, sys.stdin)'


def _written(data: dict[str, Any]) -> dict[str, str]:
    return {key: _literal(value) for key, value in data.items() if key != "spellings"}


def _packed(flat: Any) -> str:
    array = np.asarray(flat)
    sign = "f" if array.dtype == np.float32 else "d"
    data = base64.b64encode(array.astype(f"<f{array.dtype.itemsize}").tobytes()).decode()
    return f'struct.unpack("<{array.size}{sign}", base64.b64decode("{data}"))'


def _functions(program: Program) -> Iterator[str]:
    yield from program_functions(program, Functions(PYTHON, _function, "network_{}", MATH_HAS))
    yield from _predict(program)


def _function(
    name: str, arguments: str, result: str, size: int, what: str, written: Statements
) -> Iterator[str]:
    yield f'\ndef {name}({arguments}):\n    """{what}"""'
    yield f"    {result} = [0.0] * {size}"
    yield from (f"    {line}" for line in [*written.tables, *written.buffers, *written.lines])
    yield f"    return {result}\n"


def _predict(program: Program) -> Iterator[str]:
    what = "Return the answer for a row, by the target's name; raise ValueError for a cell that is not of its kind."
    yield f'\ndef predict(row):\n    """{what}"""'
    yield "    x = encode(read_row(row, COLUMNS))"
    yield f"    outputs = [0.0] * {program.n_outputs}"
    for number, (group, share) in enumerate(zip(program.groups, program.model.shares, strict=True), 1):
        yield f"    for p in MEMBERS_{number}:"
        yield f"        a = network_{number}(x, p)"
        each = python_number(share / group.members)
        yield f"        outputs = [mean + {each} * a_j for mean, a_j in zip(outputs, a)]"
    yield "    if not all(map(math.isfinite, outputs)):"
    yield '        raise ValueError("the output of the network is not a finite number")'
    yield "    answers = answer(outputs)"
    yield f"    return {_result(program)}"


def _result(program: Program) -> str:
    """Return the expression of an answer as a dict."""
    answers, parts = program.answers, program.model.target.parts
    if answers.kind == "number":
        made = [f'{part.name!r}: {{"value": answers[{j}]}}' for j, part in enumerate(parts)]
        return f"{{{', '.join(made)}}}"
    limit = repr(program.limit)
    made = []
    for j, part in enumerate(parts):
        labels = _literal(list(part.labels))
        if answers.kind == "labels" or program.n_outputs == 1:
            at = j if answers.kind == "labels" else 0
            place = f"1 if outputs[{at}] > {limit} else 0"
        else:
            place = "outputs.index(max(outputs))"
        entry = f'"label": {labels}[{place}]'
        if program.model.gives_probabilities:
            given = f"[1 - answers[{j}], answers[{j}]]" if answers.kind == "labels" else "answers"
            entry += (
                f', "probabilities": dict(zip({_literal([str(label) for label in part.labels])}, {given}))'
            )
        else:
            entry += ', "outputs": outputs' if answers.kind == "class" else f', "outputs": [outputs[{j}]]'
        made.append(f"{part.name!r}: {{{entry}}}")
    return f"{{{', '.join(made)}}}"


def _literal(value: Any) -> str:
    """Return plain data as Python writes it; texts in ASCII."""
    return ascii(value)
