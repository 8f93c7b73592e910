"""Which rows are for what: test, validation, folds, and the digest of what was trained on."""

from __future__ import annotations

import hashlib

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.tables.encode import Encoder
from chainrule.tables.split import Folds, split_folds, split_rows
from chainrule.tables.table import Table
from chainrule.tables.target import TargetEncoder

TEST_STREAM, VALIDATION_STREAM, FOLDS_STREAM = 0, 1, 2


def divided(
    table: Table, target: str, rows: IntArray, share: float, seed: int, stream: int, *, by_class: bool
) -> tuple[IntArray, IntArray]:
    """Return a table's ``rows`` in two parts by chance, the second with ``share`` of them, of each class that share."""
    strata = table.column(target).to_numpy()[rows] if by_class else None
    first, second = split_rows(len(rows), share, seed, strata, stream=stream)
    return rows[first], rows[second]


def dealt(fitted: Table, target: TargetEncoder, members: int, seed: int) -> Folds:
    """Return the folds of a table's rows for so many members, of each class the same share."""
    strata = fitted.column(target.name).to_numpy() if target.task == "classification" else None
    return split_folds(fitted.n_rows, members, seed, strata, stream=FOLDS_STREAM)


def unseen_inputs(encoder: Encoder) -> list[int]:
    """Return the inputs that were 0 in every row the encoder was fitted on, such as a category's `other`."""
    return [place for place, neuron in enumerate(encoder.inputs) if not neuron.seen]


def data_digest(x: FloatArray, y: FloatArray, weights: FloatArray | None) -> str:
    """Return the SHA-256 of training rows as the network sees them: a replay must have the same."""
    found = hashlib.sha256()
    for array in (x, y, *([] if weights is None else [weights])):
        found.update(repr(array.shape).encode())
        found.update(np.ascontiguousarray(array, np.float64).data)
    return found.hexdigest()
