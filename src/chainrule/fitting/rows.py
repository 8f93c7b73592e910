"""Which rows are for what: the streams that draw them, the classes they are drawn by, and the digest of what was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from chainrule._types import Array, FloatArray, IntArray
from chainrule.tables.encoding.encode import Encoder
from chainrule.tables.encoding.encoded_rows import blocks_of
from chainrule.tables.spelling.values import one_spelling
from chainrule.tables.table import Table

TEST_STREAM, VALIDATION_STREAM, FOLDS_STREAM, LEARNING_STREAM, CROSS_STREAM, LEAKS_STREAM, GUARD_STREAM = (
    range(7)
)


def strata_of(table: Table, targets: Sequence[str], rows: IntArray, *, by_class: bool) -> Array | None:
    """Return the class of each of a table's ``rows``, or the number of its combination of classes (n,); None for numbers."""
    if not by_class:
        return None
    if len(targets) == 1:
        return _in_order(one_spelling(table.column(targets[0])))[rows]
    codes = [np.unique(_in_order(one_spelling(table.text(name))), return_inverse=True)[1] for name in targets]
    return np.asarray(np.unique(np.stack(codes), axis=1, return_inverse=True)[1]).reshape(-1)[rows]


def _in_order(column: pl.Series) -> Array:
    """Return numbers that are in the order of a column's cells (n,): of text the places among its words, -1 where missing."""
    if column.dtype != pl.String:
        return column.to_numpy()
    words = column.drop_nulls().unique().sort()
    codes = column.replace_strict(words, np.arange(len(words)), default=None, return_dtype=pl.Int64)
    return codes.fill_null(-1).to_numpy()


def unseen_inputs(encoder: Encoder) -> list[int]:
    """Return the inputs that were 0 in every row the encoder was fitted on, such as a category's `other`."""
    return [place for place, neuron in enumerate(encoder.inputs) if not neuron.seen]


def data_digest(x: FloatArray, y: FloatArray, weights: FloatArray | None) -> str:
    """Return the SHA-256 of training rows as the network sees them: a replay must have the same."""
    found = hashlib.sha256()
    for array in (x, y, *([] if weights is None else [weights])):
        found.update(repr(array.shape).encode())
        for block in blocks_of(array):
            found.update(block.data)
    return found.hexdigest()
