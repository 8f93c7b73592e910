"""Moves about rows and tables: scaling shown and undone, the split, outputs beside targets, new rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from chainrule._numbers import number_text
from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.explain.derive.grid import Grid
from chainrule.explain.show.document import Block, Words
from chainrule.explain.trace.address import Address
from chainrule.formula.parse import parse
from chainrule.formula.text import text
from chainrule.lessons.fields import (
    Field,
    Where,
    listing,
    rows_of_numbers,
    toml_choice,
    toml_table,
    toml_text,
)
from chainrule.lessons.moves.base import Move, MoveResult, Scene
from chainrule.lessons.setup import TableCells, some
from chainrule.tables.encoding.columns import Input
from chainrule.tables.encoding.scalings import SCALINGS
from chainrule.tables.table import from_frame

MOST_ROWS = 30
"""The most rows that are listed one by one."""

PARAMETERS = "|".join(dict.fromkeys(name for scaling in SCALINGS.values() for name in scaling.parameters))
"""The names of what scalings find in the training rows."""


def scale(scene: Scene) -> MoveResult:
    """Show a column's cells, the arithmetic that scales them, and the way back."""
    cells = _cells(scene)
    name = scene["column"]
    rows = range(min(cells.table.n_rows, MOST_ROWS))
    target, inverse = cells.target, ""
    if name == target.name and target.formula:
        values = scene.setup.y[:, 0] if scene.setup.y is not None else np.zeros(0)
        formula, parameters, inverse = target.formula, target.parameters, target.inverse_formula
        numbers = cells.table.column(name).to_list()
    else:
        neuron, place = _neuron(cells, name)
        formula, parameters = neuron.formula, neuron.parameters
        values = scene.setup.x[:, place]
        explained = [cells.encoder.explain_row(cells.table, row)[place] for row in rows]
        numbers = [value.parameters.get("v") for value in explained]
    root = parse(formula).root
    lines = []
    for row in rows:
        v = numbers[row]
        worked = "" if v is None else text(root, {**parameters, "v": float(v)})
        line = [str(row + 1), str(cells.table.cell(row, name)), worked, scene.number(float(values[row]))]
        if inverse:
            line.append(scene.number(float(target.inverse(values[row : row + 1])[0])))
        lines.append(tuple(line))
    told = ", ".join(f"{key} = {scene.number(value)}" for key, value in parameters.items())
    words = f"{name} becomes ${formula}${f' with {told}' * bool(told)}, found in the training rows."
    blocks: list[Block] = [Words(words)]
    if inverse:
        blocks.append(Words(f"Back again: ${inverse}$, where y is the scaled number."))
    headers = ("row", name, "arithmetic", "scaled", *(["undone"] if inverse else []))
    blocks.append(Grid(headers, tuple(lines), ("arithmetic",), formulas=("arithmetic",)))
    known = {f"scaled[{row + 1}]": float(values[row]) for row in range(len(values))}
    return MoveResult(blocks, known | {name: float(value) for name, value in parameters.items()})


def _cells(scene: Scene) -> TableCells:
    if scene.setup.cells is None:
        raise SettingsError(f"the rows of network {scene.setup.name!r} come from no table; give it a table")
    return scene.setup.cells


def _neuron(cells: TableCells, name: str) -> tuple[Input, int]:
    for place, neuron in enumerate(cells.encoder.inputs):
        if name in (neuron.name, neuron.column):
            return neuron, place
    known = [neuron.column for neuron in cells.encoder.inputs]
    raise SettingsError(f"there is no column {name!r}; there are {', '.join([*known, cells.target.name])}")


def split_move(scene: Scene) -> MoveResult:
    """Say which rows train and which test."""
    setup = scene.setup
    lines, known = [], {}
    for what, index in (("training", setup.training), ("test", some(setup.test))):
        which = ", ".join(str(row + 1) for row in index[:MOST_ROWS]) + "…" * (len(index) > MOST_ROWS)
        lines.append((what, str(len(index)), which))
        known[f"{what}_rows"] = float(len(index))
    return MoveResult([Grid(("used for", "rows", "which"), tuple(lines), ("used for", "which"))], known)


def show_rows(scene: Scene) -> MoveResult:
    """Show rows with inputs, target, output and loss."""
    setup = scene.setup
    if scene["rows"] is not None and scene["which"] is not None:
        raise SettingsError("rows and which both say which rows are shown; give one of them")
    if scene["rows"] is not None:
        index = setup.rows_of(scene["rows"])
    else:
        every = {"training": setup.training, "test": setup.test, "all": np.arange(len(setup.x))}
        index = every[scene["which"] or "all"]
    outputs = setup.outputs(setup.x[some(index)])
    marks = _marks(outputs)
    columns: list[tuple[str, Iterable[float | str]]] = list(
        zip(setup.input_names, setup.x[index].T, strict=True)
    )
    target = None if setup.cells is None else setup.cells.target
    if target is not None and target.labels:
        assert setup.y is not None
        columns.append((target.name, map(str, target.decode(setup.y[index]))))
    elif setup.y is not None:
        columns += [(_header(scene, "target", mark, j), setup.y[index, j]) for j, mark in enumerate(marks)]
    columns += [(_header(scene, "output", mark, j), outputs[:, j]) for j, mark in enumerate(marks)]
    if target is not None and target.labels:
        columns.append(("answer", map(str, target.decode(outputs))))
    known = _outputs(index, outputs)
    if setup.y is not None:
        losses = setup.losses(index)
        columns.append(("loss", losses))
        known |= {f"loss[{row + 1}]": float(loss) for row, loss in zip(index, losses, strict=True)}
        if target is not None and target.formula:
            columns.append((f"as {target.name}", target.inverse(outputs[:, 0])))
    cells = zip(*(values for _, values in columns), strict=True)
    lines = tuple(
        (str(row + 1), *(cell if isinstance(cell, str) else scene.number(float(cell)) for cell in line))
        for row, line in zip(index[:MOST_ROWS], cells, strict=False)
    )
    words = () if target is None or not target.labels else (target.name, "answer")
    return MoveResult([Grid(("row", *(header for header, _ in columns)), lines, words)], known)


def _marks(outputs: FloatArray) -> list[str]:
    """Return what tells the outputs (n, n_out) of a row apart."""
    n_out = outputs.shape[1]
    return [f"[{j}]" for j in range(1, n_out + 1)] if n_out > 1 else [""]


def _header(scene: Scene, word: str, mark: str, j: int) -> str:
    """Return what the column of a target or an output, numbered from 0, is called: its class, or words where it has no name."""
    if word == "output" and scene.setup.output_names:
        return f"output {scene.setup.output_names[j]}"
    layer = len(scene.setup.network.layers)
    address = f"y[{j + 1}]" if word == "target" else f"a[{layer}][{j + 1}]"
    named = not isinstance(scene.naming.write(Address.parse(address)), str)
    return address if named else f"{word}{mark}"


def _outputs(rows: Iterable[int], outputs: FloatArray) -> dict[str, float]:
    """Return the outputs (n, n_out) of rows, numbered from 0, by name."""
    marks = _marks(outputs)
    return {
        f"output[{row + 1}]{mark}": value
        for row, values in zip(rows, outputs.tolist(), strict=True)
        for mark, value in zip(marks, values, strict=True)
    }


def predict(scene: Scene) -> MoveResult:
    """Show the predictions for new rows, given as numbers, or as cells of the table's columns."""
    setup = scene.setup
    given: Sequence[Mapping[str, float | str]] | None = scene["cells"]
    if (scene["x"] is None) == (given is None):
        raise SettingsError("give new rows as x, or as cells of the table's columns")
    if given is None:
        x = np.array(scene["x"])
        if x.shape[1] != setup.network.n_inputs:
            raise SettingsError(f"x has rows of {x.shape[1]}, but there are {setup.network.n_inputs} inputs")
        names, shown = setup.input_names, [list(map(scene.number, row)) for row in x]
    else:
        encoder = _cells(scene).encoder
        names = tuple(column.name for column in encoder.columns)
        if lacking := [name for name in names for row in given if name not in row]:
            what = f"a row has no {lacking[0]!r}; each needs a cell for every input column"
            raise SettingsError(f"cells: {what}")
        cells = {name: [row[name] for row in given] for name in names}
        x = encoder.transform(from_frame(cells))
        rows = zip(*cells.values(), strict=True)
        shown = [[cell if isinstance(cell, str) else number_text(cell) for cell in row] for row in rows]
    outputs = setup.outputs(x)
    known = _outputs(range(len(x)), outputs)
    headers = [*names, *(_header(scene, "output", mark, j) for j, mark in enumerate(_marks(outputs)))]
    lines = [[*shown[i], *map(scene.number, outputs[i])] for i in range(len(x))]
    if setup.cells is not None:
        target = setup.cells.target
        headers.append(target.name)
        answers = (target.inverse(outputs[:, 0]) if target.formula else target.decode(outputs)).tolist()
        if target.formula:
            known |= {f"prediction[{i}]": answer for i, answer in enumerate(answers, 1)}
        for line, answer in zip(lines, answers, strict=True):
            line.append(scene.number(answer) if target.formula else str(answer))
    return MoveResult([Grid(tuple(headers), tuple(map(tuple, lines)))], known)


def _number_or_text(value: object, where: Where) -> float | str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value if isinstance(value, str) else float(value)
    raise where.wrong(f"{value!r} is no cell; write a number, or text in quotes")


ABOUT_ROWS: dict[str, Move] = {
    "scale": Move(
        scale, {"column": Field(toml_text, "the column", required=True)}, rf"scaled\[\d+\]|{PARAMETERS}"
    ),
    "split": Move(split_move, numbers=r"(training|test)_rows"),
    "rows": Move(
        show_rows,
        {"which": Field(toml_choice(("all", "training", "test")), "which rows; all if not given")},
        r"(output\[\d+\](\[\d+\])?|loss\[\d+\])",
    ),
    "predict": Move(
        predict,
        {
            "x": Field(rows_of_numbers, "the new rows' inputs"),
            "cells": Field(
                listing(toml_table(_number_or_text)), "the new rows as cells of the table's columns"
            ),
        },
        r"(output\[\d+\](\[\d+\])?|prediction\[\d+\])",
    ),
}
