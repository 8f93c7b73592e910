"""The export as C99: one header without allocation that needs nothing but math.h."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.equations.graph import Graph
from chainrule.errors import SettingsError
from chainrule.explain.program.plain import MATH_HAS
from chainrule.exports.columns import column_data
from chainrule.exports.program import Program, network_graph, parameter_slots
from chainrule.exports.written.head import first_lines, frame
from chainrule.exports.written.identifiers import identifier, identifiers
from chainrule.exports.written.languages import C_DOUBLE, C_HELPERS, C_NETWORK, c_number
from chainrule.exports.written.rowwise import Language, Lies, Statements, write_rowwise
from chainrule.model.group import Group
from chainrule.tables.spelling.months import month_numbers

LONGEST_TEXT = 4000
"""The most bytes of a text in C99, which promises 4095."""

DATE_PARTS = ("year", "month", "day", "weekday", "hour", "days")
_OWN = re.compile(r"\b(REAL\b|[RM](?=\()|(?:maximum|minimum|sign)_[rd]\b)")
_WHOLE = {"q": "eight", "w": "sixteen"}
"""What whole numbers of 8 and of 16 bits are called, by their letter."""

_KINDS = {
    "number": "a number, NAN",
    "truth": "1 or 0, NAN",
    "place": "a category, 0",
    "date": "a date or time, 0",
    "words": "a text, 0",
}


def write_c(program: Program, certificate: Sequence[str], name: str = "model") -> str:
    """Return the text of the header; what it defines begins with ``name``.

    Raises SettingsError for columns whose names are the same identifier, and for a text too long for C.
    """
    return _Header(program, identifier(name)).text(certificate)


def uses_fields(program: Program) -> dict[str, str]:
    """Return the field of each column in the struct of a row."""
    return identifiers((cell.name for cell in program.cells), "C")


class _Header:
    def __init__(self, program: Program, name: str) -> None:
        self.program, self.name = program, name
        self.fields = uses_fields(program)
        self.columns = [column_data(cell) for cell in program.cells]

    def text(self, certificate: Sequence[str]) -> str:
        body = "\n".join(self._body())
        helpers = "\n".join(self._helpers(body))
        flash, ram = self._sizes(body)
        usage = (
            f"C99, and C++, without allocation: include it in one file, fill a {self.name}_row and call {self.name}_predict. "
            "It needs math.h alone (link with -lm). Numbers come as double, categories, texts, dates and times as text in UTF-8. "
            f"The parameters take {flash:,} bytes, a call up to {ram:,} bytes of stack. "
            f"Networks are computed in float; define {self.name}_REAL as double and {self.name}_M(g) as g for double.",
            *self._field_lines(),
        )
        head = "\n".join(
            f" * {_in_comment(line)}".rstrip()
            for line in first_lines(self.program, "C99, written", usage, certificate)
        )
        guard = f"{self.name.upper()}_H"
        parts = [
            f"/*\n{head}\n */",
            f"#ifndef {guard}\n#define {guard}\n\n#include <math.h>\n",
            self._types(),
        ]
        return self._named("\n".join([*parts, helpers, body])) + f"\n#endif /* {guard} */\n"

    def _named(self, text: str) -> str:
        return re.sub(r"\bcr_", f"{self.name}_", _OWN.sub(rf"{self.name}_\1", text))

    def _field_lines(self) -> Iterator[str]:
        for column in self.columns:
            name = column["name"]
            if self.fields[name] != name:
                yield f"{self.fields[name]} is the column {name!r}."

    def _sizes(self, body: str) -> tuple[int, int]:
        """Return the bytes of the parameters, and the most that calls have on the stack at once."""
        stores = [_store(self.program, number, group) for number, group in enumerate(self.program.groups)]
        flash = sum(
            store.numbers.nbytes + sum(array.nbytes for _, array in store.whole.values()) for store in stores
        )
        kept = {"double": 8, "REAL": 4}
        sizes = [0]
        for function in re.split(r"\n}\n", body):
            found = re.findall(r"^ +(double|REAL) \w+\[(\d+)\]", function, re.MULTILINE)
            sizes.append(sum(kept[kind] * int(size) for kind, size in found))
        return flash, sum(sorted(sizes)[-2:])

    def _types(self) -> str:
        fields = "\n".join(
            f"    {'double ' if column['kind'] in ('number', 'truth') else 'const char *'}{self.fields[column['name']]};"
            f" /* {_KINDS[column['kind']]} where missing */"
            for column in self.columns
        )
        targets, n = len(self.program.model.target.parts), self.program.n_answers
        names = _in_comment(", ".join(self.program.answer_names))
        label = f"    int labels[{targets}]; /* the place of each target's class among its labels */\n"
        return (
            f"#ifndef {self.name}_REAL\n#define {self.name}_REAL float\n#define {self.name}_M(g) g##f\n#endif\n"
            f"#define {self.name}_R(x) (({self.name}_REAL)(x))\n\n"
            f"typedef struct {{\n{fields}\n}} cr_row;\n\n"
            f"typedef struct {{\n{'' if self.program.answers.kind == 'number' else label}"
            f"    double answers[{n}]; /* {names} */\n}} cr_answer;\n"
        )

    def _helpers(self, body: str) -> Iterator[str]:
        """Yield the functions that are called, in the types that they are called in."""
        for ending, real in (("_r", "REAL"), ("_d", "double")):
            for helper, source in C_HELPERS.items():
                if re.search(rf"\b{helper}{ending}\(", body):
                    yield source.format(real=real).replace(f" {helper}(", f" {helper}{ending}(")

    def _body(self) -> Iterator[str]:
        kinds = {column["kind"] for column in self.columns}
        if kinds & {"place", "date", "words"}:
            yield from self._reading(kinds)
        yield from self._labels()
        program = self.program
        cells = program.cells_graph()
        given = {name: Lies("v", start) for name, start in program.starts.items()}
        yield from _function(
            "cr_encode", "const double *v, double *x", cells, C_DOUBLE, given, {"x": Lies("x")}
        )
        for number, group in enumerate(program.groups, 1):
            store = _store(program, number - 1, group)
            yield from self._members(number, store)
            whole = program.whole_numbers(number - 1)
            graph, output = network_graph(group, keeps=MATH_HAS, whole=whole)
            given_too = [f"const {kind} *{letter}, " for letter, (kind, _) in store.whole.items()]
            arguments = f"const REAL *x, const {store.kind} *p, {''.join(given_too)}REAL *outputs"
            places = {"x": Lies("x"), **store.places}
            yield from _function(
                f"cr_network_{number}", arguments, graph, C_NETWORK, places, {output: Lies("outputs")}
            )
        answer = program.answer_graph()
        arguments = "const double *outputs, double *answers"
        given = {"outputs": Lies("outputs")}
        yield from _function("cr_answer_of", arguments, answer, C_DOUBLE, given, {"answers": Lies("answers")})
        yield from self._predict()

    def _members(self, number: int, store: _Store) -> Iterator[str]:
        for letter, (kind, rows) in store.whole.items():
            yield f"static const {kind} cr_{_WHOLE[letter]}_{number}[{len(rows)}][{rows.shape[1]}] = {{"
            for row in rows:
                yield "{"
                yield from (
                    f"{','.join(map(str, row[start : start + 40]))}," for start in range(0, len(row), 40)
                )
                yield "},"
            yield "};\n"
        array, kind = store.numbers, store.kind
        yield f"static const {kind} cr_members_{number}[{len(array)}][{array.shape[1]}] = {{"
        for flat in array:
            yield "    {"
            texts = [_stored_number(value, kind) for value in flat]
            for start in range(0, len(texts), 10):
                yield f"        {', '.join(texts[start : start + 10])},"
            yield "    },"
        yield "};\n"

    # Cells.

    def _reading(self, kinds: set[str]) -> Iterator[str]:
        texts = [column for column in self.columns if column["kind"] in ("place", "date", "words")]
        yield from _words("cr_blanks", "cr_n_blanks", list(texts[0]["blanks"]))
        yield from _words("cr_missing", "cr_n_missing", [word for word in texts[0]["missing"] if word])
        source = frame("row.h").split("\n", 2)[2]
        if "date" not in kinds:
            source = re.sub(r"typedef struct \{[^}]*\} cr_month;\n\n", "", source)
        if "place" not in kinds:
            source = re.sub(r"typedef struct \{[^}]*\} cr_numeric;\n\n", "", source)
        if not kinds & {"place", "date"}:
            source = re.sub(r"static int cr_is_digit[^}]*\}\n", "", source)
        yield source
        if "place" in kinds:
            yield frame("place.h")
        if "date" in kinds:
            yield from _months()
            yield frame("date.h")
        if "words" in kinds:
            yield from _letters(next(column for column in self.columns if column["kind"] == "words"))
            yield frame("words.h")
        for i, column in enumerate(self.columns):
            if column["kind"] == "place":
                levels = list(column["levels"])
                if levels:
                    yield from _words(f"cr_levels_{i}", "", levels)
                if column["numbers"]:
                    pairs = ", ".join(f"{{{c_number(k)}, {place}}}" for k, place in column["numbers"].items())
                    yield f"static const cr_numeric cr_numbers_{i}[{len(column['numbers'])}] = {{{pairs}}};"
            elif column["kind"] == "date":
                yield from _words(f"cr_spellings_{i}", "", column["spellings"])
            elif column["kind"] == "words":
                yield from _whole_numbers("unsigned long", f"cr_kept_{i}", column["kept"] or [0])
        yield ""

    def _cells(self) -> Iterator[str]:
        """Yield the lines that put what a row's cells are read as into v."""
        at = 0
        for i, (column, cell) in enumerate(zip(self.columns, self.program.cells, strict=True)):
            field = f"row->{self.fields[column['name']]}"
            match column["kind"]:
                case "number":
                    yield f"    v[{at}] = fabs({field}) <= 1.7976931348623157e308 ? {field} : (double)NAN;"
                case "truth":
                    yield f"    if ({field} == {field} && {field} != 0.0 && {field} != 1.0) {{\n        return {i + 1};\n    }}"
                    yield f"    v[{at}] = {field};"
                case "place":
                    levels = f"cr_levels_{i}" if column["levels"] else "0"
                    numbers = f"cr_numbers_{i}" if column["numbers"] else "0"
                    counts = (len(column["levels"]), len(column["numbers"]), column["gap"], column["other"])
                    yield (
                        f"    v[{at}] = cr_place({field}, {levels}, {counts[0]}, {numbers}, {counts[1]}, {counts[2]}, "
                        f"{counts[3]});"
                    )
                case "words":
                    kept = f"cr_kept_{i}, {len(column['kept'])}"
                    counted = f"cr_words({field}, {column['buckets']}UL, {kept}, v + {at})"
                    to = f"v[{at + len(column['kept'])}] = " if column["tells_missing"] else "(void)"
                    yield f"    {to}{counted};"
                case "date":
                    yield f"    if (!cr_date({field}, cr_spellings_{i}, {len(column['spellings'])}, parts)) {{"
                    yield f"        return {i + 1};\n    }}"
                    for k, part in enumerate(cell.inputs):
                        yield f"    v[{at + k}] = parts[{DATE_PARTS.index(part)}];"
            at += sum(cell.sizes.values())

    def _labels(self) -> Iterator[str]:
        if self.program.answers.kind != "number":
            for number, labels in enumerate(self.program.labels, 1):
                yield f"/* The labels of target {number}. */"
                yield from _words(f"cr_labels_{number}", "", [str(label) for label in labels], unused=True)

    def _predict(self) -> Iterator[str]:
        program = self.program
        n_values = program.n_values
        yield (
            "/*\n * Answer a row: 0, or the number of the column, from 1, whose cell is not of its kind, or -1 where an output\n"
            " * is not a finite number.\n */"
        )
        yield "static int cr_predict(const cr_row *row, cr_answer *answer)\n{"
        if any(column["kind"] == "date" for column in self.columns):
            yield "    double parts[6];"
        yield f"    double v[{n_values}];\n    double x[{program.n_inputs}];"
        yield f"    double outputs[{program.n_outputs}] = {{0}};"
        yield f"    REAL entering[{program.n_inputs}];\n    REAL a[{program.n_outputs}];"
        yield f"    for (int j = 0; j < {program.n_answers}; j++) {{\n        answer->answers[j] = (double)NAN;\n    }}"
        if program.answers.kind != "number":
            n = len(program.labels)
            yield f"    for (int j = 0; j < {n}; j++) {{\n        answer->labels[j] = -1;\n    }}"
        yield from self._cells()
        yield "    cr_encode(v, x);"
        yield f"    for (int i = 0; i < {program.n_inputs}; i++) {{\n        entering[i] = (REAL)x[i];\n    }}"
        for number, (group, share) in enumerate(zip(program.groups, program.model.shares, strict=True), 1):
            yield f"    for (int k = 0; k < {group.members}; k++) {{"
            letters = _store(program, number - 1, group).whole
            whole = "".join(f" cr_{_WHOLE[letter]}_{number}[k]," for letter in letters)
            yield f"        cr_network_{number}(entering, cr_members_{number}[k],{whole} a);"
            yield f"        for (int j = 0; j < {program.n_outputs}; j++) {{"
            yield f"            outputs[j] += {c_number(share / group.members)} * (double)a[j];\n        }}\n    }}"
        yield f"    for (int j = 0; j < {program.n_outputs}; j++) {{"
        yield "        if (!(fabs(outputs[j]) <= 1.7976931348623157e308)) {\n            return -1;\n        }\n    }"
        yield "    cr_answer_of(outputs, answer->answers);"
        yield from self._places()
        yield "    return 0;\n}"

    def _places(self) -> Iterator[str]:
        answers, n = self.program.answers, self.program.n_outputs
        limit = repr(self.program.limit)
        if answers.kind == "labels" or (answers.kind == "class" and n == 1):
            for j in range(n):
                yield f"    answer->labels[{j}] = outputs[{j}] > {limit};"
        elif answers.kind == "class":
            yield "    answer->labels[0] = 0;"
            yield f"    for (int j = 1; j < {n}; j++) {{"
            yield "        if (outputs[j] > outputs[answer->labels[0]]) {\n            answer->labels[0] = j;\n        }\n    }"


class _Store(NamedTuple):
    """Where a group's parameters lie: in floating point (k, …), as whole numbers of 8 and 16 bits or None, and the places."""

    numbers: NDArray[Any]
    eight: NDArray[np.int8] | None
    sixteen: NDArray[np.int16] | None
    places: Mapping[str, Lies]

    @property
    def kind(self) -> str:
        """The type of the numbers in C."""
        return "float" if self.numbers.dtype == np.float32 else "double"

    @property
    def whole(self) -> dict[str, tuple[str, NDArray[Any]]]:
        """The whole numbers by their letter in a function, each with its type in C."""
        both = {"q": ("signed char", self.eight), "w": ("short", self.sixteen)}
        return {
            letter: (kind, array)
            for letter, (kind, array) in both.items()
            if array is not None and array.size
        }


def _store(program: Program, number: int, group: Group) -> _Store:
    numbers, slots = program.whole_numbers(number), parameter_slots(group)
    flat = np.asarray(group.parameters)
    if not numbers:
        return _Store(flat, None, None, {name: Lies("p", slot.start) for name, slot in slots.items()})
    parts: dict[str, list[NDArray[Any]]] = {"q": [], "w": []}
    at = {"q": 0, "w": 0}
    places: dict[str, Lies] = {}

    def put(name: str, letter: str, array: NDArray[Any]) -> None:
        places[name] = Lies(f"(REAL){letter}", at[letter])
        parts[letter].append(array.reshape(len(flat), -1))
        at[letter] += parts[letter][-1].shape[1]

    for place, (name, own) in enumerate(numbers.items()):
        put(f"{name}q", "w" if own.scales is None else "q", own.whole)
        if own.scales is not None:
            put(f"{name}s", "w", own.scales)
        places[f"{name}t"] = Lies("p", place)
    units = np.stack([own.units for own in numbers.values()], axis=1)
    eight, sixteen = (np.concatenate([np.zeros((len(flat), 0), np.int8), *parts[k]], axis=1) for k in "qw")
    return _Store(units, eight.astype(np.int8), sixteen.astype(np.int16), places)


def _function(
    name: str,
    arguments: str,
    graph: Graph,
    language: Language,
    inputs: Mapping[str, Lies],
    outputs: Mapping[str, Lies],
) -> Iterator[str]:
    written: Statements = write_rowwise(graph, language, inputs, outputs)
    yield f"static void {name}({arguments})\n{{"
    yield from (f"    {line}" for line in [*written.tables, *written.buffers, *written.lines])
    yield "}\n"


def _stored_number(value: Any, kind: str) -> str:
    text = str(value) if kind == "float" else repr(float(value))
    text = text if any(sign in text for sign in ".e") else f"{text}.0"
    return f"{text}f" if kind == "float" else text


def _letters(column: Mapping[str, Any]) -> Iterator[str]:
    """Yield which letters become small ones, and what parts words, as code points, and the signs of a piece."""
    cases = [f"{{{', '.join(map(str, case))}}}" for case in column["cases"]]
    yield f"static const long cr_cases[{len(cases)}][4] = {{"
    yield from (f"    {line}" for line in textwrap.wrap(", ".join(cases), 112, break_long_words=False))
    yield f"}};\nstatic const int cr_n_cases = {len(cases)};"
    yield from _whole_numbers("unsigned long", "cr_separators", [ord(sign) for sign in column["separators"]])
    yield f"static const int cr_n_separators = {len(column['separators'])};"
    yield f"enum {{ cr_piece = {column['piece']} }};\n"


def _whole_numbers(kind: str, name: str, numbers: Sequence[int]) -> Iterator[str]:
    yield f"static const {kind} {name}[{len(numbers)}] = {{"
    yield from (f"    {line}" for line in textwrap.wrap(", ".join(map(str, numbers)), 112))
    yield "};"


def _months() -> Iterator[str]:
    """Yield the names of months, each in the forms that make no difference, but for letters of ASCII."""
    forms = {
        "".join(sign.lower() if sign.isascii() else sign for sign in form): number
        for name, number in month_numbers().items()
        for form in (name, name.upper(), name.capitalize())
    }
    lines = textwrap.wrap(", ".join(f"{{{_text(name)}, {number}}}" for name, number in forms.items()), 112)
    yield "static const cr_month cr_months[] = {\n    " + "\n    ".join(lines) + "};\n"


def _words(name: str, count: str, words: Sequence[str], *, unused: bool = False) -> Iterator[str]:
    """Yield a table of texts, and how many they are where that has a name."""
    texts = [_text(word) for word in words]
    kind = "static const char *const"
    yield f"{kind} {name}[{max(1, len(texts))}] = {{{', '.join(texts) or '0'}}};"
    if count:
        yield f"static const int {count} = {len(texts)};"


def _text(text: str) -> str:
    """Return a text as C writes it: bytes beyond ASCII in three octal digits, no trigraphs."""
    data = text.encode("utf-8")
    if len(data) > LONGEST_TEXT:
        raise SettingsError(
            f"the level {text[:30]!r}… has {len(data):,} bytes, and a text in C99 at most {LONGEST_TEXT:,}: shorten it in the "
            "table and train again, or export to javascript or python"
        )
    made = "".join(chr(c) if 32 <= c < 127 and chr(c) not in '"\\?' else f"\\{c:03o}" for c in data)
    return f'"{made}"'


def _in_comment(text: str) -> str:
    """Return a text that can't end a comment."""
    plain = text.encode("ascii", "backslashreplace").decode()
    return plain.replace("*/", "* /").replace("/*", "/ *")
