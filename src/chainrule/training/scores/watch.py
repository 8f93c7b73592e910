"""What early stopping can look at besides the loss: a metric of the answers that a network's outputs stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.equations.answers import Answers
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.training.scores.metrics import METRICS, PRIMARY, Metric, metric


@dataclass(frozen=True)
class Watch:
    """A metric of the answers of a network: ``watch(y, outputs, weights)`` is its value on those rows.

    A metric of ``sums`` gets the output layer's z in place of the outputs. ``word`` is that of the setting, "" where the
    metric wasn't chosen by it.
    """

    metric: Metric
    answers: Answers
    own: bool = False
    word: str = ""

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
            one = outputs.shape[1] == 1
            z = np.concatenate([np.zeros_like(outputs), outputs], axis=1) if one else outputs
            return compare(true, z, weights)
        if self.metric.of == "probabilities":
            return compare(true, answers.probabilities(outputs), weights)
        if self.own:
            return compare(answers.named(true), answers.named(answers.codes(outputs)), weights)
        return compare(true, answers.codes(outputs), weights)

    def check(self, y: FloatArray, weights: FloatArray | None, rows: str) -> None:
        """Raise SettingsError where the metric is none of such targets (n, n_out), whatever is answered; ``rows`` names them."""
        counted = y if weights is None else y[weights > 0]
        metric, answers = self.metric, self.answers
        if not len(counted) or (self.own and answers.kind != "number"):
            return
        if answers.kind == "number":
            known = any(metric.counted(column, column) for column in counted.T)
        elif metric.of == "probabilities":
            known = metric.counted(answers.true_codes(counted), answers.probabilities(counted))
        else:
            known = True
        if not known:
            n, several = len(counted), len(counted) > 1
            which = f"{n:,} {rows} row{'s' * several}{'' if weights is None else ' with a weight above 0'}"
            needs = ("whose targets differ", "the same target" if several else "one target")
            if answers.kind != "number":
                needs = ("of every class", "none of some class")
            raise SettingsError(
                f"{metric.words} is a score of rows {needs[0]}, and the {which} {'have' if several else 'has'} {needs[1]}: "
                f"give more or other rows, or watch the loss ({setting('watch', 'loss')})"
            )


def watch(spec: str | Metric | Callable[[Any, Any], float], answers: Answers) -> Watch:
    """Return what watches a metric: a name of `METRICS`, a `Metric`, or a function of targets and predictions.

    Raises SettingsError for a metric that such answers don't have.
    """
    chosen = metric(spec)
    own = chosen is not METRICS.get(chosen.name)
    if not own:
        known = ["loss", *(name for name, one in METRICS.items() if _fits(one, answers)), "or a function"]
        _check_known(chosen, answers, f"metric {chosen.name}", known)
    return Watch(chosen, answers, own)


WATCHED = ("loss", "error", *METRICS)
"""What early stopping can look at, by the word of the setting."""


def watched(word: str, network: Network, answers: Answers) -> Watch | None:
    """Return what watches the ``loss`` (None), the ``error`` or a metric of a network.

    The error is the share of wrong answers, watched as accuracy, or the RMSE of numbers. Raises SettingsError for a metric
    that the answers don't have, and for one of the weighted sums without probabilities.
    """
    if word == "loss":
        return None
    error = PRIMARY["regression" if answers.kind == "number" else "classification"]
    chosen, output = METRICS[error if word == "error" else word], network.output
    if chosen.of == "sums" and not _fits(chosen, answers, network):
        raise SettingsError(
            f"{setting('watch', word)} needs probabilities of classes, by one sigmoid output or by softmax, not "
            f"{output.n_out} × {output.activation.name}: choose error, or leave it out"
        )
    known = ["loss", "error", *(name for name, one in METRICS.items() if _fits(one, answers, network))]
    _check_known(chosen, answers, setting("watch", word), known)
    return Watch(chosen, answers, word=word)


def _fits(record: Metric, answers: Answers, network: Network | None = None) -> bool:
    """Tell whether answers have a metric; one of the weighted sums needs a network that gives probabilities."""
    if record.of == "sums":
        if network is None or answers.kind != "class":
            return False
        output = network.output
        return output.activation.name == ("sigmoid" if output.n_out == 1 else "softmax")
    if answers.kind == "number":
        return record.of == "numbers"
    if answers.kind == "labels":
        return record.name == "accuracy"
    return record.of == "labels" or (record.of == "probabilities" and not answers.signed)


def _check_known(chosen: Metric, answers: Answers, named: str, known: list[str]) -> None:
    """Raise SettingsError for a metric that is none of those known for such answers."""
    if chosen.name not in known:
        what = {"number": "numbers", "labels": "several labels a row"}.get(answers.kind, "classes")
        what += " without probabilities" if answers.signed else ""
        raise SettingsError(f"{named} doesn't fit {what}: choose {', '.join(known)}")
