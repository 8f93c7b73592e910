"""What the predictions and inputs show: constant answers, classes never given, overfitting, inputs without scale."""

from __future__ import annotations

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.explain.diagnose.finding import Finding
from chainrule.explain.diagnose.thresholds import limit
from chainrule.explain.trace.address import Address
from chainrule.model.model import Evaluation, Model, Prediction
from chainrule.tables.cells import number_cells
from chainrule.tables.table import Table


def input_findings(model: Model, x: FloatArray) -> list[Finding]:
    """Return a finding where inputs (n, d) are far larger than networks expect."""
    size = np.sqrt(np.mean(x**2, axis=0))
    large = np.flatnonzero(size > limit("inputs"))
    if not len(large):
        return []
    worst = int(np.argmax(size))
    names = list(dict.fromkeys(model.encoder.inputs[i].column for i in large))
    return [
        Finding(
            "unscaled_inputs",
            f"{len(large)} of the {x.shape[1]} inputs are not scaled: {', '.join(names[:5])}"
            + (f" and {len(names) - 5} more" if len(names) > 5 else ""),
            tuple(str(Address("x", index=(int(i) + 1,))) for i in large),
            {
                "largest root mean square": float(size[worst]),
                "of the input": model.encoder.inputs[worst].name,
            },
            "weights behind large inputs get large gradients and those behind small ones small, so no learning rate "
            "suits both; and neurons saturate or die at once",
            f"train again with {setting('scaling', 'robust')} (the default) or standard",
        )
    ]


def answer_findings(model: Model, table: Table, prediction: Prediction) -> list[Finding]:
    """Return findings about predictions that are all alike, or never a class that is there."""
    constant = _constant(model, table, prediction)
    return [constant] if constant is not None else _collapse(model, table, prediction)


def _constant(model: Model, table: Table, prediction: Prediction) -> Finding | None:
    name = model.target.name
    if prediction.codes is None:
        y = number_cells(table, name)
        spread, own = float(np.std(y)), float(np.std(prediction.labels))
        if table.n_rows < 2 or spread == 0 or own >= limit("constant") * spread:
            return None
        evidence: dict[str, float | str] = {
            "standard deviation of the predictions": own,
            "of the targets": spread,
            "mean prediction": float(np.mean(prediction.labels)),
            "mean target": float(np.mean(y)),
        }
        says = f"about {float(np.mean(prediction.labels)):.5g} for every row"
    else:
        if len(np.unique(model.target.codes(table))) < 2 or len(np.unique(prediction.codes)) > 1:
            return None
        varies = (
            float(np.std(prediction.probabilities, axis=0).max())
            if prediction.probabilities is not None
            else 0.0
        )
        if varies >= limit("constant"):
            return None
        evidence = {"largest standard deviation of a probability": varies, "rows": table.n_rows}
        says = f"{prediction.labels[0]} for every row, whatever the inputs"
    last = len(model.groups[0].network.layers)
    outputs = tuple(str(Address("a", last, (j + 1,))) for j in range(model.output.n_out))
    return Finding(
        "constant_predictor",
        f"the network is a constant: it predicts {says}",
        outputs,
        evidence,
        "nothing of the inputs reaches the output: the neurons before it are dead or saturated, the weights are 0, or "
        "the inputs say nothing about the target",
        f"look at the other findings first; else a lower {setting('learning_rate')}, scaled inputs, more "
        f"{setting('hidden')} neurons, and whether a baseline of chainrule train does better",
    )


def _collapse(model: Model, table: Table, prediction: Prediction) -> list[Finding]:
    if prediction.codes is None:
        return []
    y = model.target.codes(table)
    shares = np.bincount(y, minlength=model.target.n_classes) / len(y)
    given = np.bincount(prediction.codes, minlength=model.target.n_classes)
    never = np.flatnonzero((shares >= limit("class")) & (given == 0))
    if not len(never):
        return []
    n_out, last = model.output.n_out, len(model.groups[0].network.layers)
    names = [str(model.target.labels[c]) for c in never]
    return [
        Finding(
            "class_collapse",
            f"the network never predicts {', '.join(names)}",
            tuple(str(Address("a", last, (1 if n_out == 1 else int(c) + 1,))) for c in never),
            {
                f"share of the rows that are {name}": float(shares[c])
                for name, c in zip(names, never, strict=True)
            },
            "its outputs have fallen together on the other classes, which is cheap for the cost while the classes are "
            "hard to tell apart, or rare",
            f"longer training, a lower {setting('learning_rate')}, more {setting('hidden')} neurons, or "
            f"{setting('weights')} with a column that gives these rows more weight",
        )
    ]


def overfit_findings(model: Model, evaluation: Evaluation) -> list[Finding]:
    """Return a finding where the scores on the training rows are far better than those on the rows held out."""
    held, here, tested = model.card["scores"], evaluation.scores, model.card["rows"]["test"]
    outputs = (str(Address("C")),)
    if model.task == "classification":
        gap = here["accuracy"] - held["accuracy"]
        error = float(np.sqrt(max(held["accuracy"] * (1 - held["accuracy"]), 0.25 / tested) / tested))
        if gap <= max(limit("accuracy_gap"), 3 * error):
            return []
        what = f"accuracy {here['accuracy']:.3f} on the training rows, and {held['accuracy']:.3f} on the rows held out"
        evidence: dict[str, float | str] = {
            "accuracy on the training rows": here["accuracy"],
            "accuracy held out": held["accuracy"],
            "standard error": error,
            "rows held out": tested,
        }
    else:
        if not here["rmse"] > 0:
            return []
        ratio = held["rmse"] / here["rmse"]
        if ratio <= max(limit("error_ratio"), 1 + 3 / np.sqrt(2 * tested)):
            return []
        what = f"RMSE {here['rmse']:.4g} on the training rows, and {held['rmse']:.4g} on the rows held out"
        evidence = {
            "RMSE on the training rows": here["rmse"],
            "RMSE held out": held["rmse"],
            "ratio": ratio,
            "rows held out": tested,
        }
    return [
        Finding(
            "overfitting",
            f"the network is overfitted: {what}",
            outputs,
            evidence,
            "it has learned the training rows by heart, noise included, which doesn't help with new ones",
            f"early stopping (the default), {setting('weight_decay')}, {setting('dropout')}, fewer "
            f"{setting('hidden')} neurons, more {setting('members')}, or more rows",
        )
    ]
