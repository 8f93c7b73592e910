"""What another program says of the rows of a table, in place of the target that a network learns.

The answers of a good model tell more than a class does, how near the others were, and less of what is chance in a number
(Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015). They should be out of fold, each row's by a
model that hasn't seen its target: what a teacher knows by heart isn't worth learning. A network learns them from the rows that
it is trained on; what watches it, and its temperature and scores, are by the target itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from os import PathLike

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray, IntArray
from chainrule.engines.base import Data
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.encode import encode_target
from chainrule.fitting.prepared import Arrays, Encoded
from chainrule.model.source import Reading, Source
from chainrule.tables.cells import located
from chainrule.tables.encoding.encoded_rows import EncodedRows
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.tables.encoding.targets import Target
from chainrule.tables.kinds import weight_cells
from chainrule.tables.table import Table, suggestion, with_columns
from chainrule.training.settings.resolve import Resolved

CLOSE = 1e-3
"""How far the sum of a row's probabilities may be from 1, since they may have been written with few digits."""


def teacher_table(source: Source, reading: Reading, table: Table) -> Table:
    """Return a teacher's answers; raises TableError for another number of them than the table has rows."""
    teacher = reading.table(source)
    if not isinstance(source, str | PathLike | Table):
        teacher = replace(teacher, name="teacher")
    if teacher.n_rows != table.n_rows:
        raise TableError(
            f"{teacher.name} has {teacher.n_rows:,} rows of answers, and {table.name} has {table.n_rows:,}: give "
            f"{setting('teacher')} one for each row, in the table's order"
        )
    return teacher


def unseen(encoded: Encoded) -> Iterator[str]:
    """Say of rows of the score that were drawn from the table that the teacher may have seen them."""
    if encoded.teacher is not None and encoded.tested.n_rows and encoded.scored is None:
        yield (
            f"the rows of the score are the table's own: the score is honest only if what {encoded.teacher.name} answers for the "
            f"others was learned without them; else give them apart ({setting('test_file')})"
        )


def taught_outputs(encoded: Encoded, target: Target, resolved: Resolved, rows: IntArray) -> FloatArray | None:
    """Return what a teacher says the outputs should be for ``rows`` of the table (n, n_out); None without a teacher.

    Raises SettingsError where a network can't learn from such answers, TableError for answers that are none.
    """
    teacher = encoded.teacher
    if teacher is None:
        return None
    named, network = setting("teacher"), resolved.network
    if resolved.refit:
        raise SettingsError(
            f"{setting('refit')} trains again on the validation rows' targets, and {named} has answers for the others: leave one "
            "of them out"
        )
    if not encoded.by_class:
        fitted = encoded.table.narrowed(target.names).take(rows)
        columns = dict(zip(target.names, _numbers(teacher, target.names, rows).T, strict=True))
        return encode_target(with_columns(fitted, columns), target, resolved)
    if not isinstance(target, TargetEncoder):
        raise SettingsError(
            f"{named} is for numbers or for one target of classes, and there are several: leave it out"
        )
    output = network.output.activation.range
    if network.loss.signed or output != "(0, 1)":
        raise SettingsError(
            f"{named} teaches probabilities, and the outputs of loss {network.loss.name} with {network.output.activation.name} "
            f"are none: choose another {setting('loss')}, or leave it out"
        )
    found = _probabilities(teacher, target, encoded.table, rows)
    return found[:, 1:] if network.output.n_out == 1 else found


def _numbers(teacher: Table, names: tuple[str, ...], rows: IntArray) -> FloatArray:
    """Return a teacher's numbers for some rows (n, targets)."""
    for name in names:
        if name not in teacher.columns:
            raise TableError(
                f"{teacher.name}: the column {name!r} of {setting('teacher')}'s answers is not there; "
                f"{suggestion(name, teacher.columns)}"
            )
    return np.stack([_cells(teacher, name, rows) for name in names], axis=1)


def _probabilities(teacher: Table, target: TargetEncoder, table: Table, rows: IntArray) -> FloatArray:
    """Return a teacher's probabilities of the target's classes for some rows (n, classes), whose sums are 1.

    Classes that only rows of the score have aren't learned; what a teacher says of them is left out.
    """
    known = {str(label): place for place, label in enumerate(target.labels)}
    others: set[str] = set()
    if not known.keys() >= set(teacher.columns):
        others = set(table.text(target.name).drop_nulls().unique().to_list()) - set(known)
    places: dict[str, int | None] = {}
    for column in teacher.columns:
        word = (
            column.removeprefix(f"P({target.name} = ").removesuffix(")")
            if column.startswith("P(")
            else column
        )
        if word in known or word in others:
            places[column] = known.get(word)
        elif column != target.name:
            raise TableError(
                f"{teacher.name}: column {column!r} is no class of {target.name!r}; {suggestion(word, list(known), 'classes')}"
            )
    missing = [word for word, place in known.items() if place not in places.values()]
    if missing:
        raise TableError(
            f"{teacher.name}: the column {missing[0]!r} is not there: {setting('teacher')} has a probability for each class of "
            f"{target.name!r}"
        )
    every = np.stack([_cells(teacher, column, rows) for column in places], axis=1)
    for j, column in enumerate(places):
        wrong = ~((every[:, j] >= 0) & (every[:, j] <= 1))
        if wrong.any():
            row = int(rows[np.argmax(wrong)])
            raise TableError(f"{located(teacher, row, column)} is no probability: write a number from 0 to 1")
    sums = every.sum(axis=1)
    if (far := np.abs(sums - 1) > CLOSE).any():
        row = int(np.argmax(far))
        raise TableError(
            f"{teacher.name}: {teacher.place(int(rows[row]))}: the probabilities add up to {sums[row]:.4g}, not to 1; write one "
            "for each class"
        )
    made = np.zeros((len(rows), len(known)))
    for j, place in enumerate(places.values()):
        if place is not None:
            made[:, place] = every[:, j]
    kept = made.sum(axis=1, keepdims=True)
    return np.where(kept > 0, made / np.where(kept > 0, kept, 1), 1 / len(known))


def _cells(teacher: Table, name: str, rows: IntArray) -> FloatArray:
    """Return a teacher's numbers in a column for some rows (n,); raises TableError for one that is missing or not finite."""
    found = weight_cells(teacher, name)[rows]
    if (wrong := ~np.isfinite(found)).any():
        row = int(rows[np.argmax(wrong)])
        raise TableError(
            f"{located(teacher, row, name)} is missing or no finite number, and the network learns from this row: give an answer"
        )
    return found


def with_taught(arrays: Arrays, data: Data) -> Data:
    """Return the rows of a training with those of the table once more, at their end, which say what a teacher says.

    The training rows are these, the validation rows stay.
    """
    taught = arrays.taught
    if taught is None:
        return data
    x, n, weights = arrays.x, len(taught), arrays.weights
    if isinstance(x, EncodedRows):
        twice: FloatArray = replace(x, parts=(*x.parts, *x[:n].parts))
    else:
        twice = np.concatenate([x, x[:n]])
    return replace(
        data,
        x=twice,
        y=np.concatenate([arrays.y, taught]),
        train=data.train + len(x),
        weights=None if weights is None else np.concatenate([weights, weights[:n]]),
    )
