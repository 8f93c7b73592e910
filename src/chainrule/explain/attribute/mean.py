"""How much each column moves the predictions of many rows: the mean of absolute integrated gradients.

For each row the path from the baseline is cut into M equal pieces, with the gradient in the middle of each::

    attribution of input i ≈ (x_i - x'_i) · 1/M · sum over m of dQ/dx_i at x' + (m - 1/2)/M (x - x')

as Sundararajan, Taly & Yan, "Axiomatic attribution for deep networks", ICML 2017, section 5, do it; one row to any
precision is `gradients.integrated_gradients`. The attributions of a column's inputs are added before their size is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray
from chainrule.explain.attribute.outcome import Outcome, outcome_of, place_of
from chainrule.model.model import Model
from chainrule.model.scoring import of_target

PIECES = 64
"""The pieces of each row's path."""


@one_blas_thread()
@np.errstate(all="ignore")
def mean_attributions(
    model: Model, x: FloatArray, start: FloatArray, inputs: Sequence[IntArray], target: str | None = None
) -> tuple[FloatArray, float]:
    """Return the mean of |attribution| of each column (columns,) over encoded rows x (n, d), and by how much they don't add up.

    ``start`` (d,) is the baseline, ``inputs`` the places of each column in x, ``target`` which one of several. The
    quantity is the number, or the probability of the class that the row is predicted to have. The second number is
    sum |total - difference| / sum |difference|.
    """
    total, missed, moved = np.zeros(len(inputs)), 0.0, 0.0
    place = place_of(model, target)
    labels, codes = model.target.parts[place].labels, of_target(model.answer(x), place).codes
    for code in [0] if codes is None else np.unique(codes).tolist():
        own = x if codes is None else x[codes == code]
        outcome = outcome_of(model, own[0], label=labels[code] if labels else None, target=target)
        size = max(1, outcome.rows_at_once // PIECES)
        for first in range(0, len(own), size):
            rows = own[first : first + size]
            shares = _attributions(outcome, rows, start)
            change = outcome.values(rows) - outcome.values(start[None])
            missed += float(np.abs(shares.sum(axis=1) - change).sum())
            moved += float(np.abs(change).sum())
            total += [np.abs(shares[:, places].sum(axis=1)).sum() for places in inputs]
    return total / len(x), missed / moved if moved else 0.0


def attributed_quantity(model: Model, target: str | None = None) -> str:
    """Return in words what `mean_attributions` is about: "the probability of the predicted class"."""
    one = model.target.parts[place_of(model, target)]
    if not one.n_classes:
        return one.name
    return f"the {'probability' if model.gives_probabilities else 'output'} of the predicted class"


def _attributions(outcome: Outcome, rows: FloatArray, start: FloatArray) -> FloatArray:
    """Return the attribution of each input (n, d)."""
    middles = (np.arange(PIECES) + 0.5) / PIECES
    path = start + middles[:, None, None] * (rows - start)
    slopes = outcome.gradients(path.reshape(-1, rows.shape[1])).reshape(path.shape)
    return np.asarray(slopes.mean(axis=0) * (rows - start))
