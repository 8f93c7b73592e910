"""Which rows are for what: test, validation, folds, and the digest of what was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from chainrule._types import Array, FloatArray, IntArray
from chainrule.tables.encode import Encoder
from chainrule.tables.split import Folds, split_folds, split_rows
from chainrule.tables.table import Table
from chainrule.tables.targets import Target
from chainrule.tables.values import one_spelling

TEST_STREAM, VALIDATION_STREAM, FOLDS_STREAM, LEARNING_STREAM = 0, 1, 2, 3


def divided(
    table: Table,
    targets: Sequence[str],
    rows: IntArray,
    share: float,
    seed: int,
    stream: int,
    *,
    by_class: bool,
) -> tuple[IntArray, IntArray]:
    """Return a table's ``rows`` in two parts by chance, the second with ``share`` of them, of each class that share.

    Of several targets each combination of their classes is one.
    """
    strata = _strata(table, targets)[rows] if by_class else None
    first, second = split_rows(len(rows), share, seed, strata, stream=stream)
    return rows[first], rows[second]


def _strata(table: Table, targets: Sequence[str]) -> Array:
    """Return the class of every row, or the number of its combination of classes (n,)."""
    if len(targets) == 1:
        return one_spelling(table.column(targets[0])).to_numpy()
    codes = [np.unique(one_spelling(table.text(name)), return_inverse=True)[1] for name in targets]
    return np.asarray(np.unique(np.stack(codes), axis=1, return_inverse=True)[1]).reshape(-1)


def dealt(fitted: Table, target: Target, members: int, seed: int) -> Folds:
    """Return the folds of a table's rows for so many members, of each class the same share."""
    strata = _strata(fitted, target.names) if target.task == "classification" else None
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
