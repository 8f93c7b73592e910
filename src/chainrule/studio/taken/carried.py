"""The model that a file carries as JavaScript, so that its page can answer "what if": of the last update that is recorded.

It is the export of `chainrule.exports`, with explanations, of the one network that is shown. The page uses it only after it has
worked out the recorded numbers with it, and says whose numbers those are (`page/lines/whatif.js`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import ChainruleError
from chainrule.exports.export import explaining
from chainrule.exports.program import Program
from chainrule.exports.targets import LANGUAGES
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.studio.training.course import Course
from chainrule.tables.encoding.encode import fit_encoder
from chainrule.tables.encoding.target import fit_one
from chainrule.tables.encoding.targets import Targets
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import Table, from_frame

MOST_MODEL = 400_000
"""The most letters of a model in a file, which has a recording and the page beside it."""

MOST_NUMBERS = 20_000
"""The most parameters of a network that is written out to be measured."""

CellAt = Callable[[int, str], str | None]
"""What has the cell of a row, by its place from 0, and a column, by the model's name of it."""

USES = "export const carried = { predict, numbers, formula, readRow, columns: COLUMNS };\n"
"""What the page takes of the export, by the name that it imports (`page/lines/model.js`)."""


@dataclass(frozen=True)
class CarriedModel:
    """A model as a module of the page; an empty one with a reason ``why`` there is none.

    ``rows`` has the cells of the rows that can be looked at by the columns of the page, which are those of the model by
    ``columns``.
    """

    module: str = ""
    why: str = ""
    rows: dict[str, dict[str, str | None]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)


def carried_model(course: Course, parameters: FloatArray, rows: Sequence[int]) -> CarriedModel:
    """Return the model of a member's parameters (p,) as a course's page can use it for rows, by their numbers."""
    if len(parameters) > MOST_NUMBERS:
        return CarriedModel(why=f"the network's {len(parameters):,} parameters would make the file too large")
    try:
        model, table, columns, cell = _model(course, parameters)
        program = explaining(Program(model), LANGUAGES["javascript"], table)
        text = LANGUAGES["javascript"].content(program).decode()
    except ChainruleError as error:
        return CarriedModel(why=" ".join(str(error).split()))
    if len(text) > MOST_MODEL:
        return CarriedModel(
            why=f"as JavaScript it takes {len(text) // 1000:,} kB, which would make the file too large"
        )
    cells = {
        str(number): {own: cell(course.places[number], name) for own, name in columns.items()}
        for number in rows
    }
    # What ends a script in HTML stands in texts and patterns alone, in which a backslash before a sign leaves it as it is.
    safe = text.replace("</", "<\\/").replace("<!--", "<\\!--")
    return CarriedModel(f"{safe}{USES}", "", cells, columns)


def _model(course: Course, parameters: FloatArray) -> tuple[Model, Table, dict[str, str], CellAt]:
    """Return the model, a table of its rows, by what the page calls a column its name there, and what has a row's cells."""
    groups = (Group(course.network, np.asarray(parameters, np.float64)[None]),)
    if course.reads is not None and course.rows is not None:
        more: dict[str, Any] = (
            {} if course.prepared is None else {"reading": course.prepared.question.reading}
        )
        model = replace(course.reads, groups=groups, card={}, **more)
        # Rows that were added or changed by hand are tables of their own.
        names = {column.name: column.name for column in model.encoder.columns}
        return model, course.rows, names, lambda place, name: course.row_table(place).cell(0, name)
    columns = {f"x[{i}]": name for i, name in enumerate(course.inputs, 1)}
    # Two rows more, so that no column has one number alone in it; nothing is scaled, so nothing else comes of them.
    x = np.vstack([course.data.x, np.zeros(course.network.n_inputs), np.ones(course.network.n_inputs)])
    given = {name: own.tolist() for name, own in zip(columns.values(), x.T, strict=True)}
    table = from_frame(given | {name: np.arange(len(x)).tolist() for name in course.outputs}, course.name)
    inputs, kinds = list(given), dict.fromkeys(given, "number")
    schema = infer_schema(table, target=list(course.outputs), inputs=inputs, task="regression", kinds=kinds)
    encoder = fit_encoder(table, schema, scaling="none")
    targets = tuple(fit_one(table, name, "regression", "none", None, clamp=False) for name in course.outputs)
    return (
        Model(groups, encoder, targets[0] if len(targets) == 1 else Targets(targets)),
        table,
        columns,
        table.cell,
    )
