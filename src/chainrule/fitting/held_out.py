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
    folds = prepared.folds
    return np.flatnonzero(np.isin(folds.own, folds.of_members[trained_members(result)]))


def held_out(
    prepared: Prepared, result: FitResult, function: Callable[[FloatArray, FloatArray], FloatArray]
) -> FloatArray:
    """Return ``function(parameters (k, p), x (n, d))`` (k, n, n_out) for the rows of `held_out_rows`.

    All members kept answer validation rows; with bagging each row is answered by the members whose own fold it is in, as many
    as hold out a fold; where some of them aren't kept, others of the fold count once more.
    """
    x, rows, folds = prepared.arrays.x, held_out_rows(prepared, result), prepared.folds
    kept = trained_members(result)
    if folds is None:
        # Those of a refit have been trained on the validation rows.
        return function(result.watched.parameters[kept], x[rows])
    own, of_members, times = folds.own[rows], folds.of_members[kept], prepared.resolved.fold_members
    found = np.empty((times, len(rows), prepared.resolved.network.output.n_out))
    for fold in np.unique(of_members):
        mine, members = own == fold, np.resize(np.array(kept)[of_members == fold], times)
        found[:, mine] = function(result.parameters[members], x[rows[mine]])
    return found
