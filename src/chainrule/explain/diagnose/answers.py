"""What the predictions and inputs show: constant answers, classes never given, overfitting, inputs without scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._numbers import percent
from chainrule._types import FloatArray, IntArray
from chainrule.explain.diagnose.advice import UNKNOWN, Advice, any_of
from chainrule.explain.diagnose.finding import Finding, addresses
from chainrule.explain.diagnose.thresholds import limit
from chainrule.explain.trace.address import Address
from chainrule.model.model import Evaluation, Model, Prediction
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.tables.table import Table


def input_findings(model: Model, x: FloatArray) -> Iterator[Finding]:
    """Return a finding where inputs (n, d) are far larger than networks expect."""
    size = np.sqrt(np.mean(x**2, axis=0))
    large = np.flatnonzero(size > limit("inputs"))
    if not len(large):
        return
    worst, inputs = int(np.argmax(size)), model.encoder.inputs
    names = list(dict.fromkeys(inputs[i].column for i in large))
    more = f" and {len(names) - 5} more columns" if len(names) > 5 else ""
    are = "is" if len(large) == 1 else "are"
    remedy = f"train again with {setting('scaling', 'robust')} (the default) or standard"
    if model.encoder.scaling != "none":
        remedy = (
            f"these numbers are scaled ({model.encoder.scaling}), and yet far from most of the training rows': look for "
            "another unit or a slip of the pen in their columns, or train again on rows like these"
        )
    yield Finding(
        "unscaled_inputs",
        f"{len(large)} of the {x.shape[1]} inputs {are} large, beyond {limit('inputs'):g} in root mean square: "
        f"{', '.join(names[:5])}{more}",
        addresses("x", None, large),
        {"largest root mean square": float(size[worst]), "of the input": inputs[worst].name},
        "weights behind large inputs get large gradients and those behind small ones small, so no learning rate "
        "suits both; and neurons may saturate or die at once",
        remedy,
    )


def answer_findings(
    model: Model, table: Table, prediction: Prediction, advice: Advice = UNKNOWN
) -> Iterator[Finding]:
    """Return a finding where predictions are all alike, or else never a class that is there."""
    parts = model.target.parts
    for j, target in enumerate(parts):
        one = prediction if len(parts) == 1 else prediction.of_target(j)
        neurons = range(model.output.n_out) if len(parts) == 1 else [j]
        yield from _of_target(model, table, one, target, neurons, advice)


def _of_target(
    model: Model,
    table: Table,
    prediction: Prediction,
    target: TargetEncoder,
    neurons: Sequence[int],
    advice: Advice,
) -> Iterator[Finding]:
    """Return the same about one target, which the ``neurons`` (from 0) of the output layer answer."""
    constant = _constant(target, table, prediction)
    if constant is None:
        if prediction.codes is not None:
            yield from _collapse(model, target, table, prediction.codes, neurons, advice)
        return
    says, evidence = constant
    says += "" if len(model.target.parts) == 1 else f", as {target.name}"
    more = f"more {setting('hidden')} neurons"
    yield Finding(
        "constant_predictor",
        f"the network predicts {says}",
        addresses("a", len(model.groups[0].network.layers), neurons),
        evidence,
        "next to nothing of the inputs reaches the output: the neurons before it may be dead or saturated, the weights "
        "near 0, or the inputs may say nothing about the target",
        f"look at the other findings first; else {any_of(advice.tried_rate(), more, 'scaled inputs')}, and whether a "
        "baseline of chainrule train does better",
    )


def _constant(
    target: TargetEncoder, table: Table, prediction: Prediction
) -> tuple[str, dict[str, float]] | None:
    """Return what is predicted whatever the inputs, and the evidence; None where the predictions vary."""
    if prediction.codes is None:
        y = target.numbers(table)
        spread, own, mean = (
            float(value) for value in (np.std(y), np.std(prediction.labels), np.mean(prediction.labels))
        )
        if table.n_rows < 2 or spread == 0 or own >= limit("constant") * spread:
            return None
        return f"about {mean:.5g} for every row, with a spread of {percent(own / spread)} of the targets'", {
            "standard deviation of the predictions": own,
            "of the targets": spread,
            "mean prediction": mean,
            "mean target": float(np.mean(y)),
        }
    if len(np.unique(target.codes(table))) < 2 or len(np.unique(prediction.codes)) > 1:
        return None
    given = prediction.probabilities
    varies = 0.0 if given is None else float(np.std(given, axis=0).max())
    if varies >= limit("constant"):
        return None
    evidence = {"largest standard deviation of a probability": varies, "rows": table.n_rows}
    return (
        f"{prediction.labels[0]} for every row of {table.n_rows:,}, by the same probabilities",
        evidence,
    )


def _collapse(
    model: Model, target: TargetEncoder, table: Table, codes: IntArray, outputs: Sequence[int], advice: Advice
) -> Iterator[Finding]:
    y = target.codes(table)
    shares = np.bincount(y, minlength=target.n_classes) / len(y)
    given = np.bincount(codes, minlength=target.n_classes)
    never = np.flatnonzero((shares >= limit("class")) & (given == 0))
    if not len(never):
        return
    neurons = outputs if len(outputs) == 1 else never
    where = "" if len(model.target.parts) == 1 else f" for {target.name}"
    why = (
        "its outputs have fallen together on the other classes, which is cheap for the cost while classes are hard to "
        "tell apart, or the others far more frequent"
    )
    if advice.rate == "low":
        why = "its weights are still close to those that it began with, which tell no class from another"
    yield Finding(
        "class_collapse",
        f"the network never predicts {', '.join(str(target.labels[c]) for c in never)}{where}",
        addresses("a", len(model.groups[0].network.layers), neurons),
        {f"share of the rows that are {target.labels[c]}": float(shares[c]) for c in never},
        why,
        any_of(
            advice.tried_rate(),
            advice.longer(),
            f"more {setting('hidden')} neurons",
            f"{setting('weights')} with a column that gives these rows more weight",
        ),
    )


def overfit_findings(model: Model, evaluation: Evaluation) -> Iterator[Finding]:
    """Return a finding where the scores on the training rows are far better than those on the rows held out."""
    scores, key = model.card["scores"] or {}, "rmse" if model.task == "regression" else "accuracy"
    if key in scores:  # only finite ones are kept
        rows, advice = model.card["rows"]["test"], Advice(model.card)
        yield from overfitted(model.task, evaluation.scores[key], scores[key], rows, advice)


def overfitted(
    task: str, here: float, held: float, tested: int, advice: Advice = UNKNOWN
) -> Iterator[Finding]:
    """Return a finding where a score on the training rows is far better than on so many rows held out."""
    name, form = ("RMSE", ".4g") if task == "regression" else ("accuracy", ".3f")
    if task == "regression":
        if not here > 0:
            return
        says, found = "ratio", held / here
        fine = found <= max(limit("error_ratio"), 1 + 3 / np.sqrt(2 * tested))
    else:
        says, found = "standard error", float(np.sqrt(max(held * (1 - held), 0.25 / tested) / tested))
        fine = here - held <= max(limit("accuracy_gap"), 3 * found)
    if fine:
        return
    words = f"{name} {here:{form}} on the training rows, and {held:{form}} on the rows held out"
    evidence = {
        f"{name} on the training rows": here,
        f"{name} held out": held,
        says: found,
        "rows held out": tested,
    }
    yield _overfitting(words, evidence, advice)


def overfitted_by_loss(
    here: FloatArray, held: FloatArray, ignorant: float, advice: Advice = UNKNOWN
) -> Iterator[Finding]:
    """Return a finding where the mean loss of the rows held out (n,) is far above that of the training rows (m,).

    Far is 3 standard errors, or ``ignorant``, the loss of an answer that knows the shares of the classes alone, where training
    rows have less than half of that. Classes can stay right while the probabilities go astray, and a loss sees it first.
    """
    own, other = float(here.mean()), float(held.mean())
    error = float(held.std() / np.sqrt(len(held)))
    worse = other > ignorant and 2 * own < ignorant
    if not np.isfinite((own, other)).all() or other <= limit("error_ratio") * own:
        return
    if other - own <= 3 * error and not worse:
        return
    words = f"loss {own:.4g} on the training rows, and {other:.4g} on the rows held out"
    evidence = {
        "loss on the training rows": own,
        "loss held out": other,
        "loss of the shares of the classes": ignorant,
        "standard error": error,
        "rows held out": len(held),
    }
    yield _overfitting(words, evidence, advice)


def _overfitting(words: str, evidence: dict[str, Any], advice: Advice) -> Finding:
    return Finding(
        "overfitting",
        f"the network is overfitted: {words}",
        (str(Address("C")),),
        evidence,
        "some of what it has learned holds for the training rows alone, such as their noise, and doesn't help with new ones",
        any_of(
            advice.stopped_early(),
            advice.decayed(),
            advice.dropped(),
            f"fewer {setting('hidden')} neurons",
            f"more {setting('members')}",
            "more rows",
        ),
    )
