"""Third step: make the inputs numbers, by what the rows to be learned from say; and what is asked of the outputs."""

from __future__ import annotations

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray, IntArray
from chainrule.errors import TableError
from chainrule.fitting.prepared import Encoded, Split
from chainrule.tables.cells import located
from chainrule.tables.encoding.encode import Encoder, fit_encoder
from chainrule.tables.encoding.targets import Target
from chainrule.tables.table import Table
from chainrule.training.settings.record import InputGroup
from chainrule.training.settings.resolve import Resolved


def encode(parts: Split) -> Encoded:
    """Fit the encoder of the inputs to the rows that are left; raises TableError where there is no input."""
    table, rows = parts.table, parts.left
    # Nothing can be scaled by a single row: it would be 0 throughout.
    scaling = parts.question.scaling if table.n_rows > 1 else "none"
    encoder = fit_encoder(table, parts.schema, scaling=scaling, rows=rows)
    if encoder.n_inputs == 0:
        raise TableError(f"{table.name}: no column is left as input; name some with {setting('inputs')}")
    return Encoded(**vars(parts), encoder=encoder, groups=input_groups(encoder, table, rows))


def input_groups(encoder: Encoder, table: Table, rows: IntArray) -> tuple[InputGroup, ...]:
    """Return what the inputs are, in their order: numbers, parts of dates, categories, and plain flags.

    The words of a text are levels of a category, of which a cell has several.

    A number of at most two values in the ``rows`` is plain: there is nothing between them.
    """
    groups: list[InputGroup] = []
    for column in encoder.columns:
        flags = len(column.inputs)
        if column.kind == "category":
            groups.append(InputGroup("category", flags, len(column.levels)))
            continue
        if column.words is not None and column.words.kept:
            groups.append(InputGroup("category", flags, len(column.words.kept)))
            continue
        is_number = column.kind == "number" and _has_many_values(column.numbers(table)[rows])
        if is_number or column.kind == "datetime":
            groups += [InputGroup("number")] * len(column.parts)
            flags -= len(column.parts)
        if flags:
            groups.append(InputGroup("plain", flags))
    return tuple(groups)


def _has_many_values(values: FloatArray) -> bool:
    """Tell whether there are more than two different numbers, missing ones aside."""
    known = values[~np.isnan(values)]
    rest = known[known != known[0]] if len(known) else known
    return bool(len(rest) and (rest != rest[0]).any())


def encode_target(rows: Table, target: Target, resolved: Resolved) -> FloatArray:
    """Return what the outputs should say (n, n_out); raises TableError for targets that the loss can't take."""
    network = resolved.network
    single = target.task == "classification" and network.output.n_out == 1
    y = target.transform(rows, single=single)
    if network.loss.targets == "nonnegative" and (y < 0).any():
        row, j = np.argwhere(y < 0)[0].tolist()
        raise TableError(
            f"{located(rows, row, target.names[j])} is negative, and the loss {network.loss.name} is for numbers "
            f"of at least 0; choose another {setting('loss')}"
        )
    return y
