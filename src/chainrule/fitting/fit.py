"""The training of a prepared table, by an engine: from the start to the parameters that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chainrule._doors import setting
from chainrule._memory import give_back
from chainrule.engines import ENGINES, engine_named
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.timing import check_not_limited, start_of
from chainrule.tables.cells import located
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.loop import fit
from chainrule.training.refit import refit
from chainrule.training.result import Callback, FitResult
from chainrule.training.settings.record import Settings


def fit_prepared(
    prepared: Prepared,
    *,
    engine: str = ENGINES[0],
    threads: int | None = None,
    dtype: DTypeLike | None = None,
    on_epoch_end: Callback | None = None,
    resume: Checkpoint | None = None,
) -> FitResult:
    """Train on a prepared table with ``threads`` threads (all processors if None), or go on from a checkpoint.

    ``dtype``: float32 or float64, the engine's own if None.

    Ctrl-C ends training, and the best networks so far are returned; before the end of the first epoch there are
    none, and KeyboardInterrupt goes on.
    """
    resolved, budget = prepared.resolved, prepared.budget
    if resume is not None:
        check_not_limited(prepared)
    made = engine_named(engine, threads=threads, dtype=dtype)
    _check_room(prepared, made.dtype)
    start, data = start_of(prepared, threads)
    if prepared.arrays.are_large:
        give_back()
    what = (made, resolved.network, start, data, resolved.steps, resolved.plan)
    result = fit(*what, on_epoch_end, resume=resume, budget=budget)
    if prepared.arrays.are_large:
        give_back()
    if resolved.refit:
        result = refit(*what, result, on_epoch_end, budget=budget)
    if result.stopped == "interrupted" and not result.history:
        raise KeyboardInterrupt
    return result


def fit_whole(prepared: Prepared, **how: Any) -> FitResult:
    """Train as `fit_prepared` does, where only whole trainings can be compared: Ctrl-C is KeyboardInterrupt in any epoch."""
    result = fit_prepared(prepared, **how)
    if result.stopped == "interrupted":
        raise KeyboardInterrupt
    return result


def check_no_search(settings: Settings, study: str) -> None:
    """Raise SettingsError for a search in a study that compares single trainings; ``study`` is its setting."""
    if (settings.search or 1) > 1:
        raise SettingsError(
            f"{setting(study)} compares single trainings, and {setting('search', settings.search)} makes several: leave one of "
            "them out"
        )


def _check_room(prepared: Prepared, dtype: DTypeLike) -> None:
    """Raise TableError for a target that an engine's dtype has no room for, by its place; inputs are drawn in before."""
    y, limits = prepared.arrays.y, np.finfo(np.dtype(dtype))
    if max(y.max(initial=0.0), -y.min(initial=0.0)) <= limits.max:
        return
    row, column = (int(place[0]) for place in np.nonzero(np.abs(y) > limits.max))
    n = prepared.arrays.n_fitted
    watched = prepared.watched if row >= n else None
    table, row = (prepared.fitted, row) if watched is None else (watched, row - n)
    raise TableError(
        f"{located(table, row, prepared.target.names[column])} is beyond the largest number of {limits.dtype}, "
        f"{float(limits.max):.3g}: scale it ({setting('target_scaling', 'standard')}), or choose "
        f"{setting('engine', 'reference')}, which has float64"
    )
