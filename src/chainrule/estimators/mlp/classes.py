"""Classes and labels as targets of a network, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from chainrule._types import FloatArray, IntArray
from chainrule.estimators.mlp.network import Kind
from chainrule.estimators.parameters import ParameterError

AnyArray = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes of a classifier: one a row, or several 0/1 labels a row (``several``).

    ``classes`` (classes,) are sorted; `codes` are places in it, (n,), or 0 and 1, (n, labels).
    """

    classes: AnyArray
    several: bool = False

    @classmethod
    def of(cls, y: Any) -> Labels:
        """Return the classes of targets; raises ValueError where they are no classes."""
        kind = type_of_target(y, input_name="y")
        if kind == "multilabel-indicator":
            return cls(np.arange(np.shape(y)[1]), several=True)
        if kind not in ("binary", "multiclass"):
            check_classification_targets(y)
            raise ValueError(
                f"a target of the kind {kind} is not supported: give one class a row, or an array (n, labels) of 0 and 1"
            )
        return cls(np.unique(y))

    @property
    def kind(self) -> Kind:
        """How outputs are read, as `Answers` has it."""
        return "labels" if self.several else "class"

    def codes(self, y: Any) -> IntArray:
        """Return the classes of targets by number; raises ValueError for one that isn't known."""
        if self.several:
            codes = np.asarray(y)
            if codes.ndim != 2 or codes.shape[1] != len(self.classes):
                raise ValueError(f"y of shape {codes.shape} doesn't fit {len(self.classes)} labels a row")
            return np.asarray(codes != 0, np.int64)
        values, places = np.asarray(y), {name: place for place, name in enumerate(self.classes.tolist())}
        codes = np.array([places.get(value, -1) for value in values.tolist()], np.int64)
        if (codes < 0).any():
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                f"'y' has {unique_labels(values)}."
            )
        return codes

    def targets(self, codes: IntArray, n_out: int, dtype: Any) -> FloatArray:
        """Return what the outputs should say (n, n_out): 0 and 1."""
        if self.several:
            return np.asarray(codes, dtype)
        if n_out == 1:
            # A class that is alone is class 0.
            return np.asarray(codes == 1, dtype)[:, None]
        return np.asarray(np.eye(n_out, dtype=dtype)[codes])

    def named(self, codes: IntArray) -> AnyArray:
        """Return the classes of codes; labels stay 0 and 1."""
        if self.several:
            return codes
        return self.classes[codes if len(self.classes) > 1 else np.zeros_like(codes)]


def first_classes(estimator: Any, classes: Any) -> bool:
    """Return whether this is the first `partial_fit`, and check its ``classes``, in scikit-learn's words."""
    known = getattr(estimator, "classes_", None)
    if known is None and classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    if known is not None and classes is not None and not np.array_equal(known, unique_labels(classes)):
        raise ValueError(
            f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {known!r}"
        )
    return known is None


def own_classes(classes: Any, n_out: int, *, several: bool) -> Labels:
    """Return the classes of a network that is given: as many as its outputs, two for one output.

    Raises ParameterError for another number of them.
    """
    count = 2 if n_out == 1 and not several else n_out
    known = np.arange(count) if classes is None else np.asarray(classes)
    if known.shape != (count,):
        raise ParameterError(f"{n_out} outputs stand for {count} classes, but {len(known)} were given")
    if len(np.unique(known)) != count or (np.sort(known) != known).any():
        raise ParameterError(f"classes {known.tolist()} must be sorted, and all different")
    return Labels(known, several=several)
