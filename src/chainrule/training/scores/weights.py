"""Weights of classes as weights of rows, and what no weights of rows can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError


def class_weights(
    wanted: str | Mapping[Any, float], codes: IntArray, names: Any, weights: FloatArray | None = None
) -> FloatArray:
    """Return the weight of each class, (classes,): ``balanced``, or those named, the others 1.

    ``balanced`` gives class c the weight n / (classes · n_c), with n_c its rows (King & Zeng 2001, as scikit-learn
    has it), or their ``weights`` (n,). ``codes`` (n,) are the rows' classes as places in ``names``. Raises
    SettingsError for another word, an unknown class, or a weight that is not a number of at least 0.
    """
    known = list(names)
    if isinstance(wanted, str):
        if wanted != "balanced":
            raise SettingsError(
                f"{setting('class_weight', wanted)} is unknown: write balanced, or a weight for each class"
            )
        counts = np.bincount(codes, weights, minlength=len(known)).astype(np.float64)
        present = counts > 0
        shares = np.count_nonzero(present) * counts / counts.sum()
        return np.where(present, 1 / np.where(present, shares, 1.0), 0.0)
    if not isinstance(wanted, Mapping):
        raise SettingsError(
            f"{setting('class_weight')} {wanted!r} must be balanced, or a weight for each class"
        )
    found = np.ones(len(known))
    words = [str(name) for name in known]
    for name, weight in wanted.items():
        # On the command line, and in a card, a class is text.
        place = known.index(name) if name in known else words.index(name) if name in words else None
        if place is None:
            classes = ", ".join(words)
            raise SettingsError(
                f"{setting('class_weight')} names the class {name!r}, but the classes are {classes}"
            )
        if isinstance(weight, bool | str) or not np.isfinite(weight) or weight < 0:
            raise SettingsError(
                f"{setting('class_weight')} {weight!r} of the class {name!r} must be a number of at least 0"
            )
        found[place] = weight
    return found


def row_weights(
    wanted: str | Mapping[Any, float] | None, codes: IntArray, names: Any, weights: FloatArray | None = None
) -> FloatArray | None:
    """Return the rows' weights (n,) with those of their classes in them; None where there are neither."""
    if wanted is None:
        return weights
    of_rows = class_weights(wanted, codes, names, weights)[codes]
    return of_rows if weights is None else of_rows * weights


def check_range(weights: FloatArray, name: str, dtype: Any = np.float32) -> None:
    """Raise SettingsError for weights (n,) that are too small for a dtype, or whose sum is too large; 0 is no weight."""
    counted, limits = weights[weights > 0], np.finfo(dtype)
    with np.errstate(over="ignore"):
        total = np.sum(counted, dtype=np.float64)
    if not len(counted) or (total <= limits.max and counted.min() >= limits.tiny):
        return
    least, largest = counted.min(), counted.max()
    remedy = f"divide them all by the largest, {largest:g}"
    if least < largest * limits.tiny:  # which would leave some too small
        remedy += f", and give those below {largest * limits.tiny:.2g}, which count for nothing beside it, the weight 0"
    raise SettingsError(
        f"{name}: sums of weights from {least:g} to {largest:g} have no place in {limits.dtype}: {remedy}"
    )


def check_counted(
    weights: FloatArray, training: Iterable[IntArray], validation: Iterable[IntArray], by: Sequence[str]
) -> None:
    """Raise SettingsError where no row of a training, or of its validation rows, weighs anything; ``by`` names why."""
    for what, parts, use in (("training", training, "learn"), ("validation", validation, "watch")):
        if any(len(rows) and not weights[rows].any() for rows in parts):
            does = f"{' and '.join(by)} {'gives' if len(by) == 1 else 'give'} every {what} row the weight 0"
            raise SettingsError(f"{does}, so there is nothing to {use}: some rows must weigh more")
