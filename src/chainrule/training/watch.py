"""What early stopping can look at besides the loss: a metric of the answers that a network's outputs stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.training.metrics import METRICS, Metric, metric
from chainrule.training.refinement import refinement


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

    def probabilities(self, outputs: FloatArray) -> FloatArray:
        """Return the probability of each class (n, classes), or of each label, for outputs in (0, 1).

        One output is the probability of the second class; several are divided by their sum.
        """
        if self.kind == "labels":
            return outputs
        if outputs.shape[1] == 1:
            return np.concatenate([1 - outputs, outputs], axis=1)
        total = outputs.sum(axis=1, keepdims=True)
        # Sigmoid outputs can all underflow to 0: then nothing is known of the row.
        unknown = np.full_like(outputs, 1 / outputs.shape[1])
        divided: FloatArray = np.divide(outputs, total, out=unknown, where=total > 0)
        return divided

    def named(self, codes: IntArray) -> Any:
        """Return the user's names of classes (n,)."""
        return codes if self.names is None or self.kind != "class" else self.names[codes]


@dataclass(frozen=True)
class Watch:
    """A metric of the answers of a network: ``watch(y, outputs, weights)`` is its value on those rows.

    A metric of ``sums`` gets the output layer's z in place of the outputs.
    """

    metric: Metric
    answers: Answers
    own: bool = False

    def __call__(self, y: FloatArray, outputs: FloatArray, weights: FloatArray | None) -> float:
        """Return the metric for targets and outputs (n, n_out); NaN where an output is not finite."""
        if not np.isfinite(outputs).all():
            return float("nan")
        answers, compare = self.answers, self.metric.function
        if answers.kind == "number":
            # A function of the user's gets (n,) where there is one output, as predictions are given out.
            flat = self.own and outputs.shape[1] == 1
            return compare(y[:, 0], outputs[:, 0], weights) if flat else compare(y, outputs, weights)
        true = answers.true_codes(y)
        if self.metric.of == "sums":
            z = (
                np.concatenate([np.zeros_like(outputs), outputs], axis=1)
                if outputs.shape[1] == 1
                else outputs
            )
            return compare(true, z, weights)
        if self.metric.of == "probabilities":
            return compare(true, answers.probabilities(outputs), weights)
        if self.own:
            return compare(answers.named(true), answers.named(answers.codes(outputs)), weights)
        return compare(true, answers.codes(outputs), weights)


def watch(spec: str | Metric | Callable[[Any, Any], float], answers: Answers) -> Watch:
    """Return what watches a metric: a name of `METRICS`, a `Metric`, or a function of targets and predictions.

    Raises SettingsError for a metric that such answers don't have.
    """
    chosen = metric(spec)
    own = chosen is not METRICS.get(chosen.name)
    known = _FITTING[answers.kind]
    if answers.signed:
        known = [name for name in known if METRICS[name].of == "labels"]
    if not own and chosen.name not in known:
        what = {"number": "numbers", "class": "classes", "labels": "several labels a row"}[answers.kind]
        what += " without probabilities" if answers.signed else ""
        raise SettingsError(
            f"metric {chosen.name} doesn't fit {what}: choose loss, {', '.join(known)}, or a function"
        )
    return Watch(chosen, answers, own)


WATCHED = ("loss", "error", "refinement")
"""What early stopping can look at, by the word of the setting."""


def watched(word: str, network: Network, answers: Answers) -> Watch | None:
    """Return what watches the ``loss`` (None), the ``error`` or the ``refinement`` of a network.

    The error is the share of wrong answers, watched as accuracy, or the RMSE of numbers; refinement is the log-loss
    at the best temperature for the rows (`refinement`). Raises SettingsError for refinement without probabilities.
    """
    if word == "loss":
        return None
    if word == "error":
        return watch("rmse" if answers.kind == "number" else "accuracy", answers)
    output = network.output
    if answers.kind != "class" or output.activation.name != ("sigmoid" if output.n_out == 1 else "softmax"):
        raise SettingsError(
            f"--watch refinement needs probabilities of classes, by one sigmoid output or by softmax, not "
            f"{output.n_out} × {output.activation.name}: choose error, or leave it out"
        )
    return Watch(Metric("refinement", refinement, "sums", greater_is_better=False), answers)


_FITTING = {
    "number": [name for name, record in METRICS.items() if record.of == "numbers"],
    "class": [name for name, record in METRICS.items() if record.of != "numbers"],
    "labels": ["accuracy"],
}
