"""The export as JavaScript: one ES module without imports, for node and browsers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.exports.columns import column_data, in_common
from chainrule.exports.program import Program
from chainrule.exports.written.explained import EXPLAINED, explanations
from chainrule.exports.written.head import first_lines, frame_for
from chainrule.exports.written.javascript_functions import mean_over_members, written_function
from chainrule.exports.written.languages import JAVASCRIPT, JAVASCRIPT_HELPERS, used
from chainrule.exports.written.untyped import Functions, packed_members, program_functions, whole_layout

SCALED = """// Parameters from whole numbers: weights of 8 bits with a scale for each neuron, others of 16; a unit for each array.
function scaled(bytes, words, units, layout) {
  const eight = Int8Array.from(atob(bytes), (sign) => sign.charCodeAt(0));
  const view = new DataView(Uint8Array.from(atob(words), (sign) => sign.charCodeAt(0)).buffer);
  let [i, j] = [0, 0];
  return Float64Array.from(
    layout.flatMap(([size, nIn, nOut], k) => {
      const first = j;
      j += nIn ? size / nIn : size;
      const word = (at) => view.getInt16(2 * (first + at), true) * units[k];
      const scale = (at) => word(Math.floor(at / (nIn * nOut)) * nOut + (at % nOut));
      return Array.from({ length: size }, (_, at) => (nIn ? eight[i++] * scale(at) : word(at)));
    }),
  );
}
"""

USAGE = (
    'An ES module, for node and browsers: `import { predict } from "./NAME.mjs"; predict({"column": cell, ...})`, '
    "where a cell is text, a number, a truth value, a Date (by its UTC clock), or null where it is missing.",
    "It computes in double precision.",
)


def write_javascript(program: Program, certificate: Sequence[str]) -> str:
    """Return the source of the export."""
    return "\n".join(_lines(program, certificate)) + "\n"


def _lines(program: Program, certificate: Sequence[str]) -> Iterator[str]:
    usage = (*USAGE, *(EXPLAINED if program.typical is not None else ()))
    yield from (f"// {line}" for line in first_lines(program, "JavaScript, written", usage, certificate))
    body = list(_functions(program))
    data = [column_data(cell) for cell in program.cells]
    uses = [*(column["kind"] for column in data), "readRow", "unpacked"]
    yield "\n" + frame_for("row.mjs", uses).split("\n", 2)[2].rstrip() + "\n"
    explained = [] if program.typical is None else list(explanations(program, program.typical))
    yield from (JAVASCRIPT_HELPERS[name] for name in used(JAVASCRIPT_HELPERS, [*body, *explained]))
    if program.weights:
        yield SCALED
    constants, columns = in_common([_column(column) for column in data])
    yield from (f"const {name} = {text};" for name, text in constants.items())
    yield "const COLUMNS = ["
    yield from (
        f"  {{ {', '.join(f'{key}: {text}' for key, text in column.items())} }}," for column in columns
    )
    yield "];\n"
    for number, group in enumerate(program.groups, 1):
        if program.weights:
            yield f"const LAYOUT_{number} = {_data(whole_layout(program, number - 1))};"
        yield f"const MEMBERS_{number} = ["
        yield from (
            f"  {packed},"
            for packed in packed_members(
                program, number - 1, group, _packed, f'scaled("{{bytes}}", "{{words}}", {{units}}, LAYOUT_{number})'
            )
        )
        yield "];\n"
    yield from [*body, *explained]


def _column(data: dict[str, Any]) -> dict[str, str]:
    """Return how a column is read, as it is written: with patterns and maps."""
    made = {_key(name): _written(name, value) for name, value in data.items() if name != "spellings"}
    if data["kind"] == "place":
        made |= {name: f"new Map({_data(list(data[name].items()))})" for name in ("levels", "numbers")}
    return made


def _key(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


def _written(name: str, value: Any) -> str:
    if name == "pattern":
        return _pattern(value)
    if name == "patterns":
        return f"[{', '.join(map(_pattern, value))}]"
    return _data(value)


def _pattern(pattern: str) -> str:
    """Return a regular expression: names of groups are written otherwise, and a slash ends it."""
    text = pattern.replace("(?P<", "(?<").replace("/", r"\/").replace("\\ ", " ")
    return "/" + "".join(c if " " <= c < "\x7f" else json.dumps(c)[1:-1] for c in text) + "/"


def _data(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _packed(flat: Any) -> str:
    array = np.asarray(flat)
    data = base64.b64encode(array.astype(f"<f{array.dtype.itemsize}").tobytes()).decode()
    return f'unpacked("{data}", {array.dtype.itemsize})'


def _functions(program: Program) -> Iterator[str]:
    yield from program_functions(program, Functions(JAVASCRIPT, written_function, "network{}"))
    yield from _mean_outputs(program)
    yield from _predict(program)


def _mean_outputs(program: Program) -> Iterator[str]:
    what = "From the input neurons to the mean of the networks' outputs."
    yield from mean_over_members(program, "meanOutputs", "network", "", what, program.n_outputs)
    if program.answers.kind != "number":
        yield "// The place of each target's class among its labels."
        yield f"const placesOf = (outputs) => [{', '.join(_places(program))}];\n"


def _places(program: Program) -> Iterator[str]:
    for j in range(len(program.model.target.parts)):
        if program.answers.kind == "labels" or program.n_outputs == 1:
            yield f"outputs[{j}] > {program.limit!r} ? 1 : 0"
        else:
            yield "outputs.indexOf(Math.max(...outputs))"


def _predict(program: Program) -> Iterator[str]:
    yield "// The hash of the model."
    yield f'export const MODEL = "{program.sha256}";\n'
    yield "// The answer for a row, by the name of the target; throws a TypeError for a cell that is not of its kind."
    yield "export function predict(row) {"
    yield "  const outputs = meanOutputs(encode(readRow(row, COLUMNS)));"
    yield '  if (!outputs.every(Number.isFinite)) throw new TypeError("the output of the network is not a finite number");'
    yield "  const answers = answer(outputs);"
    yield from [] if program.answers.kind == "number" else ["  const places = placesOf(outputs);"]
    yield f"  return {_result(program)};\n}}"


def _result(program: Program) -> str:
    """Return the expression of an answer as an object."""
    answers, parts = program.answers, program.model.target.parts
    if answers.kind == "number":
        made = [f"[{_data(part.name)}]: {{ value: answers[{j}] }}" for j, part in enumerate(parts)]
        return f"{{ {', '.join(made)} }}"
    made = []
    for j, part in enumerate(parts):
        entry = f"label: {_data(list(part.labels))}[places[{j}]]"
        if program.model.gives_probabilities:
            at = [f"1 - answers[{j}]", f"answers[{j}]"] if answers.kind == "labels" else []
            at = at or [f"answers[{k}]" for k in range(len(part.labels))]
            each = [f"[{_data(str(label))}]: {p}" for label, p in zip(part.labels, at, strict=True)]
            entry += f", probabilities: {{ {', '.join(each)} }}"
        else:
            entry += ", outputs: " + ("Array.from(outputs)" if answers.kind == "class" else f"[outputs[{j}]]")
        made.append(f"[{_data(part.name)}]: {{ {entry} }}")
    return f"{{ {', '.join(made)} }}"
