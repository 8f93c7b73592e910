"""The export as SQL: one query over a table of rows, in steps of plain arithmetic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.equations.graph import Graph
from chainrule.equations.registry import check_choice
from chainrule.errors import SettingsError
from chainrule.exports.columns import column_data, refuse_words
from chainrule.exports.dates import civil_graph
from chainrule.exports.program import Cell, Program, network_graph, parameter_slots
from chainrule.exports.written.dialects import DIALECTS, Dialect, sql_name, sql_number, sql_text
from chainrule.exports.written.head import first_lines
from chainrule.exports.written.unrolled import QuerySteps, Texts
from chainrule.tables.files.write import free_name

TABLE = "input"
MOST_PARAMETERS = 500_000
"""The most parameters of a query: some tens of megabytes of text."""


def key_name(program: Program) -> str:
    """Return the name of the column that tells rows apart."""
    return free_name("id", {cell.name for cell in program.cells}, " of row")


def sql_usage(program: Program, dialect: Dialect) -> list[str]:
    """Return how rows go in and answers come out."""
    kinds = {column["kind"] for column in map(column_data, program.cells)}
    said = [
        f"For {dialect.target.name}. It answers the rows of a table or view {TABLE!r}, which has the model's columns under "
        f"their own names and {key_name(program)!r}, which tells rows apart: numbers and truth values (1, 0) are numeric, NULL "
        "where missing; categories are text, numbers among them in their plain form (1, not 1.0)."
    ]
    if "date" in kinds:
        said.append(
            "Dates and times are timestamps, or text as in 2024-12-31, 2024-12-31 23:59, 2024-12-31 23:59:59.5 or 23:59:59."
        )
    return [*said, "It computes in double precision."]


def write_sql(program: Program, certificate: Sequence[str], dialect: str = "sqlite") -> str:
    """Return the query; raises SettingsError for a model that the dialect can't hold."""
    check_choice("dialect", dialect, tuple(DIALECTS))
    refuse_words(program, "SQL", "has no operation for that")
    return "\n".join(_lines(program, certificate, DIALECTS[dialect])) + "\n"


def _lines(program: Program, certificate: Sequence[str], dialect: Dialect) -> Iterator[str]:
    size = sum(np.asarray(group.parameters).size for group in program.groups)
    if size > MOST_PARAMETERS:
        raise SettingsError(
            f"a query of {size:,} parameters is too long, at most {MOST_PARAMETERS:,}: export to onnx or c, "
            "or train a smaller network"
        )
    yield from (
        f"-- {line}"
        for line in first_lines(program, "SQL, written", sql_usage(program, dialect), certificate)
    )
    steps = QuerySteps(dialect)
    answers, means = _answers(program, steps)
    chosen = dict(_chosen(program, answers, means))
    taken = dict(_table_columns(program, dialect))
    yield "WITH"
    before, kept = sql_name(TABLE), [f"{sql_name(key_name(program))} AS row_id", *taken.values()]
    blocks = [f"s0 AS MATERIALIZED (\nSELECT {_listed(kept)}\nFROM {before})"]
    used_later = _needed_later(steps.steps, [*means.flat, *answers.flat])
    live: list[str] = list(taken)
    constants = Constants()
    for number, (step, later) in enumerate(zip(steps.steps, used_later, strict=True), 1):
        live = [name for name in live if name in later]
        tables: list[str] = []
        if dialect.apart:
            step, tables = constants.apart(step)
            blocks += constants.written()
        columns = ["row_id", *live, *(f"{text} AS {name}" for name, text in step.items())]
        if len(columns) > dialect.columns:
            raise SettingsError(
                f"a step of the query has {len(columns):,} columns, and {dialect.target.name} at most {dialect.columns:,}: "
                "export to onnx, c or javascript, or train a narrower network"
            )
        live += list(step)
        blocks.append(
            f"s{number} AS MATERIALIZED (\nSELECT {_listed(columns)}\nFROM {', '.join([f's{number - 1}', *tables])})"
        )
    yield ",\n".join(blocks)
    given = [
        f"row_id AS {sql_name(key_name(program))}",
        *(f"{text} AS {sql_name(name)}" for name, text in chosen.items()),
    ]
    yield f"SELECT {_listed(given)}\nFROM s{len(steps.steps)}\nORDER BY row_id;"


_LITERAL = re.compile(r"(?<![\w.])[0-9][0-9.]*e[-+]?[0-9]+")

MOST_APART, MOST_TABLES, FEWEST_APART = 1_900, 60, 100
"""The most constants of a table, the most tables of a step, and the fewest constants of a step that are worth it."""


class Constants:
    """Constants that stand in tables of one row rather than in expressions.

    SQLite compares each constant of an expression with all those before it: 65,000 take half a minute before the first row.
    """

    def __init__(self) -> None:
        self.tables = 0
        self.fresh: list[str] = []

    def apart(self, step: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Return the expressions of a step with names in the place of constants, and the tables that have these."""
        found = dict.fromkeys(literal for text in step.values() for literal in _LITERAL.findall(text))
        count = -(-len(found) // MOST_APART)
        if len(found) < FEWEST_APART or count > MOST_TABLES or any("'" in text for text in step.values()):
            return dict(step), []
        names: dict[str, str] = {}
        literals, tables = list(found), []
        for start in range(0, len(literals), MOST_APART):
            self.tables += 1
            own = {
                literal: f"k{self.tables}_{i}"
                for i, literal in enumerate(literals[start : start + MOST_APART])
            }
            listed = ", ".join(f"{literal} AS {name}" for literal, name in own.items())
            self.fresh.append(f"k{self.tables} AS MATERIALIZED (\nSELECT {listed})")
            tables.append(f"k{self.tables}")
            names |= own
        return {name: _LITERAL.sub(lambda one: names[one[0]], text) for name, text in step.items()}, tables

    def written(self) -> list[str]:
        """Return the tables that are new, as steps of a query."""
        made, self.fresh = self.fresh, []
        return made


def _listed(columns: Sequence[str]) -> str:
    return ",\n  ".join(columns)


def _needed_later(steps: Sequence[dict[str, str]], last: Sequence[str]) -> list[set[str]]:
    """Return for each step the columns that a later one still reads."""
    needed = set(last)
    made: list[set[str]] = []
    for step in reversed(steps):
        made.append(set(needed))
        for text in step.values():
            needed |= set(re.findall(r"\bc\d+\b|\bv\d+\b", re.sub(r"'(?:[^']|'')*'", "", text)))
    return made[::-1]


def _table_columns(program: Program, dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Yield the columns of the table as the first step has them: doubles, and texts without blanks."""
    for i, cell in enumerate(program.cells):
        data, name = column_data(cell), sql_name(cell.name)
        if data["kind"] in ("number", "truth"):
            yield f"v{i}", f"{dialect.double.format(name)} AS v{i}"
        else:
            text = dialect.trim.format(dialect.text.format(name), sql_text(data["blanks"]))
            yield f"v{i}", f"{text} AS v{i}"


def _answers(program: Program, steps: QuerySteps) -> tuple[Texts, Texts]:
    """Add all steps, and return the columns of the answers and of the mean outputs."""
    given: dict[str, Any] = {}
    for i, cell in enumerate(program.cells):
        given |= {name: np.array([text], object) for name, text in _read(program, steps, i, cell).items()}
    x = steps.graph(program.cells_graph(), given)["x"]
    parts = []
    last = -1
    for group, share in zip(program.groups, program.model.shares, strict=True):
        graph, output = network_graph(group)
        for flat in np.asarray(group.parameters, np.float64):
            own = {
                name: np.vectorize(sql_number, otypes=[object])(
                    flat[slot.start : slot.stop].reshape(slot.shape)
                )
                for name, slot in parameter_slots(group).items()
            }
            # One member after the other, so that no step has the columns of all.
            a = steps.graph(graph, {"x": x, **own}, last)[output]
            last = max(steps.level(text) for text in a.flat)
            parts.append((share / group.members, a))
    mean = Graph()
    total: Any = 0.0
    for k, (share, a) in enumerate(parts):
        total = total + share * mean.input(f"a{k}", a.shape)
    mean.output("mean", total)
    means = steps.graph(mean, {f"a{k}": a for k, (_, a) in enumerate(parts)}, last)["mean"]
    return steps.graph(program.answer_graph(), {"outputs": means})["answers"], means


def _read(program: Program, steps: QuerySteps, i: int, cell: Cell) -> dict[str, str]:
    """Return the expressions of what a cell gives to the graph of cells."""
    data, v = column_data(cell), f"v{i}"
    match data["kind"]:
        case "place":
            missing = ", ".join(sql_text(word) for word in dict.fromkeys(("", *data["missing"])))
            levels = " ".join(f"WHEN {sql_text(word)} THEN {place}" for word, place in data["levels"].items())
            inner = f"CASE {v} {levels} ELSE {data['other']} END" if levels else str(data["other"])
            text = f"CASE WHEN {v} IS NULL OR {v} IN ({missing}) THEN {data['gap']} ELSE {inner} END"
            return {cell.inputs["value"]: steps.column(text, -1)}
        case "date":
            return _date(steps, v, cell, data)
    return {cell.inputs["value"]: v}


def _date(steps: QuerySteps, v: str, cell: Cell, data: dict[str, Any]) -> dict[str, str]:
    """Return the columns of a date's parts, from the places of its digits."""
    missing = ", ".join(sql_text(word) for word in dict.fromkeys(("", *data["missing"])))
    clock = 1 if data["time_only"] else 12
    places = {"hour": (clock, 2), "minute": (clock + 3, 2), "second": (clock + 6, 9)}
    if not data["time_only"]:
        places |= {"year": (1, 4), "month": (6, 2), "day": (9, 2)}
    digits = {}
    for name, (start, size) in places.items():
        number = steps.dialect.double.format(f"substr({v}, {start}, {size})")
        whole = f"CASE WHEN {v} IS NULL OR {v} IN ({missing}) THEN NULL WHEN length({v}) < {start} THEN 0.0e0 ELSE {number} END"
        digits[name] = np.array([steps.column(whole, -1)], object)
    graph = civil_graph(list(cell.inputs), time_only=data["time_only"])
    made = steps.graph(graph, digits)
    return {name: made[part][0] for part, name in cell.inputs.items()}


def _chosen(program: Program, answers: Texts, means: Texts) -> Iterator[tuple[str, str]]:
    """Yield the result's columns: the answer of each target, and what it was decided by."""
    parts = program.model.target.parts
    said = repr(program.limit)
    limit = said if "e" in said else f"{said}e0"
    taken = {key_name(program)}
    names = [free_name(name, taken, " (answer)") for name in program.answer_names]
    flat, outputs = list(answers.flat), list(means.flat)
    if program.answers.kind == "number":
        yield from zip(names, flat, strict=True)
        return
    for j, part in enumerate(parts):
        labels = [_label(label) for label in part.labels]
        if program.answers.kind == "labels" or program.n_outputs == 1:
            text = f"CASE WHEN {outputs[j]} > {limit} THEN {labels[1]} ELSE {labels[0]} END"
        else:
            when = [
                f"WHEN {' AND '.join(f'{own} >= {other}' for other in outputs[k + 1 :])} THEN {labels[k]}"
                for k, own in enumerate(outputs[:-1])
            ]
            text = f"CASE {' '.join(when)} ELSE {labels[-1]} END"
        yield free_name(part.name, {*taken, *names}, " (answer)"), text
    yield from zip(names, flat, strict=True)


def _label(label: Any) -> str:
    if isinstance(label, bool):
        return "TRUE" if label else "FALSE"
    return sql_text(label) if isinstance(label, str) else str(label)
