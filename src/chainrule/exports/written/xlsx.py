"""The export as a workbook: every number of the calculation is a cell with its formula, of networks small enough to look at."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from chainrule.equations.graph import COMPARISONS, Graph, Target, trace_forward
from chainrule.errors import SettingsError
from chainrule.exports.columns import column_data, refuse_words
from chainrule.exports.dates import parts_graph
from chainrule.exports.explaining import FormulaForm, explained_arrays, formula_forms
from chainrule.exports.program import Cell, Program, parameter_slots
from chainrule.exports.written.dialects import Dialect
from chainrule.exports.written.head import first_lines
from chainrule.exports.written.unrolled import QuerySteps, Texts

MOST_PARAMETERS = 5_000
"""The most parameters of a workbook: it is there to be looked at."""

MOST_TEXT = 10_000_000
"""The most bytes of a workbook's texts that are read."""

LONGEST = 8_000
"""The most characters of a cell's formula; Excel has 8,192."""

XLSX = Dialect(
    "xlsx",
    Target(
        "a spreadsheet",
        {
            **{op: f"{{0}}{op}{{1}}" for op in ("+", "-", "*", "/", *COMPARISONS)},
            "==": "{0}={1}", "!=": "{0}<>{1}", "neg": "-{0}", "&": "AND({0},{1})", "where": "IF({0},{1},{2})",
            **{op: f"{op.upper()}({{0}})" for op in ("exp", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan")},
            **{op: f"{op.upper()}({{0}})" for op in ("abs", "sign")},
            "log": "LN({0})", "log1p": "LN(1+{0})", "expm1": "(EXP({0})-1)", "log2": "LOG({0},2)", "floor": "INT({0})",
            "round": "(({0}+6755399441055744)-6755399441055744)", "pow": "POWER({0},{1})",
            "maximum": "MAX({0},{1})", "minimum": "MIN({0},{1})",
        },
    ),
    "{0}", "{0}", "{0}", 0, missing="NOT(ISNUMBER({0}))", number=lambda value: repr(float(value)).removesuffix(".0"),
)  # fmt: skip
"""How operations are written in cells, where a missing number is an empty text."""

USAGE = (
    "A workbook: change the cells of the sheet Row, and see what follows. Each number of the calculation is a cell that has "
    "its formula; beside it stands the formula in symbols. Numbers and truth values come as such, categories as text without "
    "blanks around it, numbers among them in their plain form, dates and times as the spreadsheet's own; a missing cell is "
    "empty. It computes in double precision.",
)


def xlsxwriter() -> ModuleType:
    """Return the package XlsxWriter; raises SettingsError where it isn't installed."""
    try:
        import xlsxwriter
    except ImportError as error:
        raise SettingsError("xlsx needs the package XlsxWriter: pip install 'chainrule[excel]'") from error
    module: ModuleType = xlsxwriter
    return module


def texts_of(content: bytes) -> bytes:
    """Return the texts of a workbook; none of what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, packed.open("xl/sharedStrings.xml") as file:
            return file.read(MOST_TEXT)
    except (zipfile.BadZipFile, KeyError, OSError, NotImplementedError, RuntimeError, zlib.error, EOFError):
        return b""


class CellFormula(str):
    """The formula of a cell."""


class SheetLine(NamedTuple):
    """A line of a sheet: what it is called, its formula in symbols, and the number or the formula of its cell."""

    name: str
    symbols: str
    value: Any


def write_xlsx(program: Program, certificate: Sequence[str]) -> bytes:
    """Return the workbook; raises SettingsError without the package, and for a network that is too large to be looked at."""
    refuse_words(program, "a workbook", "has no formula for that")
    size = sum(np.asarray(group.parameters).size for group in program.groups)
    if size > MOST_PARAMETERS:
        raise SettingsError(
            f"a workbook of {size:,} parameters is none to look at, at most {MOST_PARAMETERS:,}: train a small network "
            "(hidden layers of few neurons, one member), or export to javascript or python"
        )
    package, file = xlsxwriter(), io.BytesIO()
    sheets = Sheets(program).written(certificate)
    with package.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        # The same model gives the same bytes.
        book.set_properties({"created": datetime(2020, 1, 1), "title": "chainrule"})
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
        for name, (widths, lines) in sheets.items():
            sheet = book.add_worksheet(name)
            for column, width in enumerate(widths):
                sheet.set_column(column, column, width)
            for row, line in enumerate(lines):
                for column, value in enumerate(line):
                    form = bold if not row and name != "Read me" else wrapped if len(widths) == 1 else None
                    if isinstance(value, CellFormula):
                        sheet.write_formula(row, column, str(value))
                    elif isinstance(value, float):
                        sheet.write_number(row, column, value)
                    elif value:
                        # A text that looks like a formula, such as a column's name, stays one.
                        sheet.write_string(row, column, str(value), form)
    return file.getvalue()


class Sheets:
    """The sheets of a workbook as they are made, and the cell of each number by the name that formulas have for it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.columns = [column_data(cell) for cell in program.cells]
        self.places: dict[str, str] = {}
        self.steps = QuerySteps(XLSX)
        self.done = 0

    def written(self, certificate: Sequence[str]) -> dict[str, tuple[list[int], list[tuple[Any, ...]]]]:
        """Return the sheets by name: the widths of their columns, and their lines."""
        program = self.program
        head = [(line,) for line in first_lines(program, "A workbook, written", USAGE, certificate)]
        made: dict[str, tuple[list[int], list[tuple[Any, ...]]]] = {"Read me": ([110], head)}
        made["Row"] = ([28, 20], [("column", "cell"), *((column["name"], None) for column in self.columns)])
        words = self._words()
        made["Words"] = ([18] * len(words[0]), words) if words else ([18], [])
        forms = [dict(formula_forms(program, number)) for number in range(len(program.groups))]
        inputs = list(self._inputs(forms[0]["x"]))
        made["Inputs"] = ([24, 60, 24], self._placed("Inputs", inputs))
        last: list[Any] = []
        member = 0
        for number, (group, share) in enumerate(zip(program.groups, program.model.shares, strict=True)):
            for k in range(group.members):
                member += 1
                lines, outputs = self._network(number, k, member, forms[number])
                made[f"Network {member}"] = ([24, 90, 24], lines)
                last.append((share / group.members, outputs))
        made["Answer"] = ([28, 90, 24], self._answer(last, forms[0]))
        return made

    def _placed(self, sheet: str, lines: Sequence[SheetLine]) -> list[tuple[Any, ...]]:
        """Return a sheet's lines below a head, with formulas in which names are cells."""
        made: list[tuple[Any, ...]] = [("number", "in symbols", "value")]
        own = f"'{sheet}'!"
        for line in lines:
            value = self._formula(line.value, own) if isinstance(line.value, str) else line.value
            made.append((line.name, line.symbols, value))
        return made

    def _formula(self, text: str, own: str) -> CellFormula:
        """Return a cell's formula: names are cells, those of the same sheet without its name."""
        made = _NAME.sub(lambda found: self.places[found[0]].removeprefix(own), text)
        if len(made) > LONGEST:
            raise SettingsError(
                f"a cell's formula would have {len(made):,} characters, at most {LONGEST:,}: train a narrower network, or export "
                "to javascript or python"
            )
        return CellFormula(f"={made}")

    def _words(self) -> list[tuple[Any, ...]]:
        """Return the words that mean a missing cell, and the levels of categories with their places, in columns."""
        columns: list[list[Any]] = []
        for i, column in enumerate(self.columns):
            if column["kind"] == "place":
                for what, words in (
                    ("missing", [word for word in column["missing"] if word]),
                    ("level", list(column["levels"])),
                ):
                    columns.append([f"{what} of {column['name']}", *words])
                    letter = _letters(len(columns) - 1)
                    end = max(2, len(words) + 1)
                    self.places[f"n_{what}_{i}"] = f"'Words'!${letter}$2:${letter}${end}"
        rows = max(map(len, columns), default=0)
        return [tuple(one[row] if row < len(one) else None for one in columns) for row in range(rows)]

    # Numbers of the calculation.

    def _add(self, lines: list[SheetLine], sheet: str, line: SheetLine, name: str) -> None:
        lines.append(line)
        self.places[name] = f"'{sheet}'!$C${len(lines) + 1}"

    def _new(self, lines: list[SheetLine], sheet: str, named: Mapping[str, SheetLine]) -> None:
        """Add the columns that steps have got since the last time, those in ``named`` with a name."""
        fresh = [
            (name, text)
            for step in self.steps.steps
            for name, text in step.items()
            if name not in self.places
        ]
        # In the order of steps, so that each comes after those it needs.
        for name, text in fresh:
            found = named.get(name, SheetLine("", "a step on the way", text))
            self._add(lines, sheet, found._replace(value=text), name)

    def _inputs(self, forms: Sequence[FormulaForm]) -> Iterator[SheetLine]:
        lines: list[SheetLine] = []
        given: dict[str, Any] = {}
        for i, (cell, column) in enumerate(zip(self.program.cells, self.columns, strict=True)):
            self.places[f"n_cell_{i}"] = f"'Row'!$B${i + 2}"
            text = _READS[column["kind"]].format(
                cell=f"n_cell_{i}",
                missing=f"n_missing_{i}",
                level=f"n_level_{i}",
                gap=column.get("gap"),
                other=column.get("other"),
                origin=origin_of(cell),
            )
            name = f"n_read_{i}"
            self._add(lines, "Inputs", SheetLine(f"{cell.name} as read", _WORDS[column["kind"]], text), name)
            if column["kind"] == "date":
                graph = parts_graph(list(cell.inputs), time_only=column["time_only"], rows=1)
                made = self.steps.graph(graph, {"seconds": np.array([name], object)})
                parts = {input_: made[part] for part, input_ in cell.inputs.items()}
                self._new(lines, "Inputs", {})
                given |= parts
            else:
                given[cell.inputs["value"]] = np.array([name], object)
        self.x = self.steps.graph(self.program.cells_graph(), given)["x"]
        self.x = self._kept(self.x)
        names = {
            name: SheetLine(f"x[{i}]", _symbols(form), "")
            for i, (name, form) in enumerate(zip(self.x.flat, forms, strict=True), 1)
        }
        self._new(lines, "Inputs", names)
        yield from lines

    def _kept(self, texts: Texts) -> Texts:
        """Give each number of an array a column of its own, numbers among them, too."""
        level = max([-1, *(self.steps.level(text) for text in texts.flat)])
        known = set(self.places)
        made = [
            text if self.steps.level(text) >= 0 and text not in known else self.steps.column(text, level)
            for text in texts.flat
        ]
        return np.array(made, object).reshape(texts.shape)

    def _network(
        self, number: int, k: int, member: int, forms: Mapping[str, Any]
    ) -> tuple[list[tuple[Any, ...]], Texts]:
        """Return the lines of a member's sheet, and the names of its outputs."""
        group, sheet = self.program.groups[number], f"Network {member}"
        flat = np.asarray(group.parameters[k], np.float64)
        lines: list[SheetLine] = []
        given: dict[str, Texts] = {"x": self.x}
        for name, slot in parameter_slots(group).items():
            own = np.empty(slot.shape, object)
            for at in np.ndindex(*slot.shape):
                own[at] = called = f"n_{member}_{name}_{'_'.join(map(str, at))}"
                address = f"{slot.name}[{slot.layer}][{','.join(str(i + 1) for i in at)}]"
                value = float(flat[slot.start : slot.stop].reshape(slot.shape)[at])
                self._add(lines, sheet, SheetLine(address, "as training left it", value), called)
            given[name] = own
        graph = trace_forward(group.network, rows=1)
        wanted = {
            address: re.sub(r"\[(\d+)\]$", r"\1", address)
            for address in explained_arrays(self.program, number)
            if re.sub(r"\[(\d+)\]$", r"\1", address) in graph.outputs
        }
        for name in graph.outputs.keys() - set(wanted.values()):
            del graph.outputs[name]
        made = self.steps.graph(graph, given)
        named: dict[str, SheetLine] = {}
        for address, name in wanted.items():
            own = self._kept(made[name]).reshape(-1)
            made[name] = own
            for i, (column, form) in enumerate(zip(own, forms[address], strict=True), 1):
                named[column] = SheetLine(f"{address}[{i}]", _symbols(form), "")
        self._new(lines, sheet, named)
        last = f"a{len(group.network.layers)}"
        return self._placed(sheet, lines), made[last].reshape(1, -1)

    def _answer(
        self, parts: Sequence[tuple[float, Texts]], forms: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        program = self.program
        lines: list[SheetLine] = []
        mean = Graph()
        total: Any = 0.0
        for k, (share, a) in enumerate(parts):
            total = total + share * mean.input(f"a{k}", a.shape)
        mean.output("mean", total)
        means = self._kept(self.steps.graph(mean, {f"a{k}": a for k, (_, a) in enumerate(parts)})["mean"])
        answers = self._kept(self.steps.graph(program.answer_graph(), {"outputs": means})["answers"])
        named = {
            name: SheetLine(said, _symbols(form), "")
            for said, name, form in zip(
                [f"mean_a[{j + 1}]" for j in range(means.size)], means.flat, forms["mean_a"], strict=True
            )
        }
        key = next((key for key in ("answer", "prediction", "probability") if key in forms), "mean_a")
        for said, name, form in zip(program.answer_names, answers.flat, forms[key], strict=True):
            named[name] = SheetLine(said, _symbols(form), "")
        self._new(lines, "Answer", named)
        self.answers = [self.places[name] for name in answers.flat]
        self.labels = []
        if program.answers.kind != "number":
            limit = repr(program.limit)
            for j, part in enumerate(program.model.target.parts):
                words = [_text(str(label)) for label in part.labels]
                if program.answers.kind == "labels" or program.n_outputs == 1:
                    text = f"IF({means.flat[j]}>{limit},{words[1]},{words[0]})"
                else:
                    text = words[-1]
                    for k in range(len(words) - 2, -1, -1):
                        above = ",".join(f"{means.flat[k]}>={other}" for other in means.flat[k + 1 :])
                        text = f"IF(AND({above}),{words[k]},{text})"
                self._add(lines, "Answer", SheetLine(part.name, "the answer", text), f"n_label_{j}")
                self.labels.append(self.places[f"n_label_{j}"])
        return self._placed("Answer", lines)


SECONDS = 86_400
"""The seconds of a day, of which a spreadsheet counts dates."""


def origin_of(cell: Cell) -> int | None:
    """Return the spreadsheet's number of 1970-01-01 for dates, 0 for times of day, None for what is neither."""
    data = column_data(cell)
    return None if data["kind"] != "date" else 0 if data["time_only"] else 25_569


_NAME = re.compile(r"\b(?:c\d+|n_\w+)\b(?![(!])")

_READS = {
    "number": 'IF(ISNUMBER({cell}),{cell},"")',
    "truth": 'IF(ISLOGICAL({cell}),IF({cell},1,0),IF(ISNUMBER({cell}),{cell},""))',
    "date": 'IF(ISNUMBER({cell}),({cell}-{origin})*86400,"")',
    "place": (
        'IF({cell}="",{gap},IF(SUMPRODUCT(1*EXACT({cell}&"",{missing}))>0,{gap},'
        'IF(SUMPRODUCT(1*EXACT({cell}&"",{level}))=0,{other},'
        'SUMPRODUCT(EXACT({cell}&"",{level})*(ROW({level})-2)))))'
    ),
}
_WORDS = {
    "number": "the number in the cell; empty where it is missing",
    "truth": "1 if true, 0 if false; empty where it is missing",
    "date": "seconds since 1970-01-01, or since midnight; empty where it is missing",
    "place": "the place among the levels, from 0; behind them that of missing cells and of all others",
}


def _symbols(form: FormulaForm) -> str:
    """Return a formula in symbols, with the values of names that are no addresses."""
    made = form.formula
    for k, terms in enumerate(form.sums, 1):
        joined = " + ".join(terms)
        made = made.replace(f"Σ_{k}", f"({joined})" if form.brackets[k - 1] and len(terms) > 1 else joined)
    values = ", ".join(f"{name} = {value:g}" for name, value in form.values.items())
    return f"{made}   with {values}" if values else made


def _text(text: str) -> str:
    """Return a text as formulas write it."""
    return '"' + text.replace('"', '""') + '"'


def _letters(column: int) -> str:
    """Return the letters of a column (from 0)."""
    return (_letters(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)
