"""What networks say of the rows that they were not trained on: the validation rows, or with bagging all rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.fitting.honest.verdicts import trained_members
from chainrule.fitting.prepared import Prepared
from chainrule.training.result import FitResult


def held_out_rows(prepared: Prepared, result: FitResult) -> IntArray:
    """Return the rows of the prepared arrays that the kept members have not been trained on, sorted.

    With bagging these are the folds of all members kept, else the validation rows.
    """
    if prepared.folds is None:
        return np.arange(prepared.arrays.n_training, len(prepared.arrays.x))
    return np.flatnonzero(np.isin(prepared.folds.own, trained_members(result)))


def held_out(
    prepared: Prepared, result: FitResult, function: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """Return ``function(parameters (k, p), x (n, d))`` (k, n, n_out) for the rows of `held_out_rows`.

    All members kept answer validation rows; with bagging each row is answered by the one member whose own fold it is
    in, so there is one answer, (1, n, n_out).
    """
    x, rows, folds = prepared.arrays.x, held_out_rows(prepared, result), prepared.folds
    kept = trained_members(result)
    if folds is None:
        # Those of a refit have been trained on the validation rows.
        return function(result.watched.parameters[kept], x[rows])
    own = folds.own[rows]
    found = np.empty((1, len(rows), prepared.resolved.network.output.n_out))
    for member in kept:
        mine = own == member
        found[0, mine] = function(result.parameters[member : member + 1], x[rows[mine]])[0]
    return found
