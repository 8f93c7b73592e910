"""How a network's outputs are read: as numbers, classes or probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule._types import Array, FloatArray, IntArray, Namespace


@dataclass(frozen=True)
class Answers:
    """How outputs (n, n_out) are read: as a ``number`` each, as one ``class``, or as several ``labels``.

    One output decides between two classes, at 1/2 or, if ``signed``, at 0; of several outputs the largest one
    names the class, but each stands for a label of its own among ``labels``. ``names`` are the classes as the
    user knows them, for metrics that are the user's own function.
    """

    kind: Literal["number", "class", "labels"]
    signed: bool = False
    names: Any = None

    def codes(self, outputs: FloatArray) -> IntArray:
        """Return the class of each row (n,), or 0 and 1 for each label (n, labels)."""
        if self.kind == "class" and outputs.shape[1] > 1:
            return np.asarray(np.argmax(outputs, axis=1))
        over: IntArray = (outputs > (0.0 if self.signed else 0.5)).astype(np.int64)
        return over if self.kind == "labels" else over[:, 0]

    def true_codes(self, y: FloatArray) -> IntArray:
        """Return the same of targets (n, n_out) of 0 and 1."""
        return Answers(self.kind).codes(y)

    def probabilities(self, outputs: Array, xp: Namespace = np) -> Array:
        """Return the probability of each class (n, classes), or of each label, for outputs in (0, 1).

        One output is the probability of the second class; several are divided by their sum.
        """
        if self.kind == "labels":
            return outputs
        if outputs.shape[1] == 1:
            return xp.concat([1 - outputs, outputs], axis=1)
        total = xp.sum(outputs, axis=1, keepdims=True)
        # Sigmoid outputs can all underflow to 0: then nothing is known of the row.
        known = total > 0
        return xp.where(known, outputs / xp.where(known, total, 1.0), 1 / outputs.shape[1])

    def named(self, codes: IntArray) -> Any:
        """Return the user's names of classes (n,)."""
        return codes if self.names is None or self.kind != "class" else self.names[codes]
