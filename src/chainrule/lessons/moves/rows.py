"""Moves about rows and tables: scaling shown and undone, the split, outputs beside targets, new rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from chainrule._numbers import number_text
from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.explain.derive.grid import Grid
from chainrule.explain.show.document import Block, Words
from chainrule.formula.parse import parse
from chainrule.formula.text import text as formula_text
from chainrule.lessons.fields import Field, Where, choice, listing, rows_of_numbers, table, text
from chainrule.lessons.moves.base import Move, Outcome, Scene
from chainrule.lessons.setup import Cells, Setup
from chainrule.tables.columns import Input
from chainrule.tables.table import from_frame

MOST_ROWS = 30
"""The most rows that are listed one by one."""


def scale(scene: Scene) -> Outcome:
    """Show a column's cells, the arithmetic that scales them, and the way back."""
    cells = _cells(scene)
    name = scene["column"]
    rows = range(min(cells.table.n_rows, MOST_ROWS))
    if name == cells.target.name and cells.target.formula:
        target = cells.target
        values = scene.setup.y[:, 0] if scene.setup.y is not None else np.zeros(0)
        formula, parameters, inverse = target.formula, dict(target.parameters), target.inverse_formula
        numbers = cells.table.column(name).to_list()
    else:
        neuron, place = _neuron(cells, name)
        formula, parameters = neuron.formula, dict(neuron.parameters)
        inverse = ""
        values = scene.setup.x[:, place]
        explained = [cells.encoder.explain_row(cells.table, row)[place] for row in rows]
        numbers = [value.parameters.get("v") for value in explained]
    root = parse(formula).root
    lines = []
    for row in rows:
        v = numbers[row]
        worked = "" if v is None else formula_text(root, {**parameters, "v": float(v)})
        line = [str(row + 1), str(cells.table.cell(row, name)), worked, scene.number(float(values[row]))]
        if inverse:
            line.append(scene.number(float(cells.target.inverse(values[row : row + 1])[0])))
        lines.append(tuple(line))
    told = ", ".join(f"{key} = {scene.number(value)}" for key, value in parameters.items())
    blocks: list[Block] = [
        Words(f"{name} becomes {formula}{f' with {told}' * bool(told)}, found in the training rows."),
    ]
    if inverse:
        blocks.append(Words(f"Back again: {inverse}, where y is the scaled number."))
    headers = ("row", name, "arithmetic", "scaled", *(["undone"] if inverse else []))
    blocks.append(Grid(headers, tuple(lines), ("arithmetic",)))
    return Outcome(blocks, {f"scaled[{row + 1}]": float(values[row]) for row in range(len(values))})


def _cells(scene: Scene) -> Cells:
    if scene.setup.cells is None:
        raise SettingsError(f"the rows of network {scene.setup.name!r} come from no table; give it a table")
    return scene.setup.cells


def _neuron(cells: Cells, name: str) -> tuple[Input, int]:
    for place, neuron in enumerate(cells.encoder.inputs):
        if name in (neuron.name, neuron.column):
            return neuron, place
    known = [neuron.column for neuron in cells.encoder.inputs]
    raise SettingsError(f"there is no column {name!r}; there are {', '.join([*known, cells.target.name])}")


def split(scene: Scene) -> Outcome:
    """Say which rows train and which test."""
    setup = scene.setup
    if not len(setup.test):
        raise SettingsError("there are no test rows; give test_share or test_rows")
    lines = tuple(
        (
            what,
            str(len(index)),
            ", ".join(str(row + 1) for row in index[:MOST_ROWS]) + "…" * (len(index) > MOST_ROWS),
        )
        for what, index in (("training", setup.training), ("test", setup.test))
    )
    known = {"training_rows": float(len(setup.training)), "test_rows": float(len(setup.test))}
    return Outcome([Grid(("used for", "rows", "which"), lines, ("used for", "which"))], known)


def show_rows(scene: Scene) -> Outcome:
    """Show rows with inputs, target, output and loss."""
    setup = scene.setup
    if scene["rows"] is not None and scene["which"] is not None:
        raise SettingsError("rows and which both say which rows are shown; give one of them")
    if scene["rows"] is not None:
        index = setup.rows_of(scene["rows"])
    else:
        every = {"training": setup.training, "test": setup.test, "all": np.arange(len(setup.x))}
        index = every[scene["which"] or "all"]
    if not len(index):
        raise SettingsError("there are no test rows; give test_share or test_rows")
    outputs = setup.outputs(setup.x[index])
    losses = None if setup.y is None else setup.losses(index)
    n_out = outputs.shape[1]
    mark = [f"[{j}]" if n_out > 1 else "" for j in range(1, n_out + 1)]
    headers = ["row", *setup.input_names]
    headers += [f"target{j}" for j in mark] if losses is not None else []
    headers += [f"output{j}" for j in mark] + (["loss"] if losses is not None else [])
    in_units = setup.cells is not None and bool(setup.cells.target.formula) and losses is not None
    lines = []
    for place, row in enumerate(index[:MOST_ROWS]):
        line = [str(row + 1), *map(scene.number, setup.x[row])]
        if setup.y is not None and losses is not None:
            line += map(scene.number, setup.y[row])
        line += map(scene.number, outputs[place])
        if losses is not None:
            line.append(scene.number(losses[place]))
        if in_units and setup.cells is not None:
            line.append(scene.number(float(setup.cells.target.inverse(outputs[place])[0])))
        lines.append(tuple(line))
    if in_units and setup.cells is not None:
        headers.append(f"as {setup.cells.target.name}")
    known = {
        f"output[{row + 1}]{mark[j]}": float(outputs[place, j])
        for place, row in enumerate(index)
        for j in range(n_out)
    }
    known |= (
        {}
        if losses is None
        else {f"loss[{row + 1}]": float(losses[place]) for place, row in enumerate(index)}
    )
    return Outcome([Grid(tuple(headers), tuple(lines))], known)


def predict(scene: Scene) -> Outcome:
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
        cells = _cells(scene)
        columns = [column.name for column in cells.encoder.columns]
        frame = {name: [_cell(row, name) for row in given] for name in columns}
        x = cells.encoder.transform(from_frame(frame))
        names = tuple(columns)
        shown = [[_cell_text(row[name]) for name in columns] for row in given]
    outputs = setup.outputs(x)
    known = {
        f"output[{i + 1}]" + (f"[{j + 1}]" if outputs.shape[1] > 1 else ""): float(outputs[i, j])
        for i in range(len(x))
        for j in range(outputs.shape[1])
    }
    many = outputs.shape[1] > 1
    headers = [*names, *(f"output[{j}]" if many else "output" for j in range(1, outputs.shape[1] + 1))]
    lines = [[*shown[i], *map(scene.number, outputs[i])] for i in range(len(x))]
    if setup.cells is not None:
        headers.append(setup.cells.target.name)
        for i, answer in enumerate(_answers(setup, outputs)):
            lines[i].append(scene.number(answer) if isinstance(answer, float) else str(answer))
            known |= {f"prediction[{i + 1}]": answer} if isinstance(answer, float) else {}
    return Outcome([Grid(tuple(headers), tuple(map(tuple, lines)))], known)


def _cell(row: Mapping[str, float | str], name: str) -> float | str:
    if name not in row:
        raise SettingsError(f"cells: a row has no {name!r}; each needs a cell for every input column")
    return row[name]


def _cell_text(cell: float | str) -> str:
    return cell if isinstance(cell, str) else number_text(cell)


def _answers(setup: Setup, outputs: FloatArray) -> list[float | str]:
    """Return predictions as the table writes its target."""
    assert setup.cells is not None
    target = setup.cells.target
    if target.formula:
        return [float(value) for value in target.inverse(outputs[:, 0])]
    return [str(label) for label in target.decode(outputs)]


def _number_or_text(value: object, where: Where) -> float | str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value if isinstance(value, str) else float(value)
    raise where.wrong(f"{value!r} is no cell; write a number, or text in quotes")


ABOUT_ROWS: tuple[Move, ...] = (
    Move(
        "scale",
        "a column's cells, the arithmetic that scales them, and the way back",
        scale,
        {"column": Field(text, "the column", required=True)},
        numbers=r"scaled\[\d+\]",
    ),
    Move("split", "which rows train and which test", split, numbers=r"(training|test)_rows"),
    Move(
        "rows",
        "rows with inputs, target, output and loss",
        show_rows,
        {"which": Field(choice(("all", "training", "test")), "which rows; all if not given")},
        numbers=r"(output\[\d+\](\[\d+\])?|loss\[\d+\])",
    ),
    Move(
        "predict",
        "predictions for new rows",
        predict,
        {
            "x": Field(rows_of_numbers, "the new rows' inputs"),
            "cells": Field(listing(table(_number_or_text)), "the new rows as cells of the table's columns"),
        },
        numbers=r"(output\[\d+\](\[\d+\])?|prediction\[\d+\])",
    ),
)
