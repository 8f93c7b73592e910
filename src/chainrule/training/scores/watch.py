"""What early stopping can look at besides the loss: a metric of the answers that a network's outputs stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray, Watched
from chainrule.equations.answers import Answers
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.training.scores.metrics import METRICS, Metric, metric
from chainrule.training.scores.refinement import refinement


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


WATCHED = get_args(Watched)
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
            f"{setting('watch', 'refinement')} needs probabilities of classes, by one sigmoid output or by softmax, not "
            f"{output.n_out} × {output.activation.name}: choose error, or leave it out"
        )
    return Watch(Metric("refinement", refinement, "sums", greater_is_better=False), answers)


_FITTING = {
    "number": [name for name, record in METRICS.items() if record.of == "numbers"],
    "class": [name for name, record in METRICS.items() if record.of != "numbers"],
    "labels": ["accuracy"],
}
