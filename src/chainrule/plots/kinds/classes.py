"""How well classes are told apart: the confusion matrix, ROC and precision-recall curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._ranking import ranked
from chainrule.errors import SettingsError
from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import fitted, names_axis
from chainrule.plots.bins import thinned
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.rows import class_indices, same_length
from chainrule.plots.marks import Curve, Rules, Tiles, floats, line_style
from chainrule.plots.ticks import count_text, short_number


def confusion_chart(
    truth: Any, predicted: Any, classes: Sequence[object], *, title: str = "Confusion"
) -> Chart:
    """Return the counts of true by predicted classes, colored by the share of the true class.

    ``truth`` and ``predicted`` (n,) hold indices into ``classes``.
    """
    k = len(classes)
    truth, predicted = class_indices("truth", truth, classes), class_indices("predicted", predicted, classes)
    same_length(truth=truth, predicted=predicted)
    counts = np.bincount(truth * k + predicted, minlength=k * k).reshape(k, k)
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    edges = floats(np.arange(len(classes) + 1) - 0.5)
    names = [
        f"true {a}, predicted {b}, {100 * shares[i, j]:.1f} % of {a}"
        for i, a in enumerate(classes)
        for j, b in enumerate(classes)
    ]
    marks = Tiles(
        edges,
        edges,
        floats(shares),
        0.0,
        1.0,
        texts=tuple(count_text(int(n)) for n in counts.ravel()),
        names=tuple(names),
        values=floats(counts),
        legend="share of the true class" if len(classes) > 2 else "",
    )
    right = int(np.trace(counts))
    score = f"{count_text(right)} of {count_text(int(counts.sum()))}"
    words = f"{score} rows are right. Rows are the true class, columns the predicted."
    return Chart(
        title,
        words,
        names_axis(classes, "predicted"),
        names_axis(classes, "true", down=True),
        (marks,),
        note=f"{score} right.",
    )


def roc_chart(truth: Any, scores: Any, classes: Sequence[object], *, title: str = "ROC") -> Chart:
    """Return the shares of true by false positives as the threshold falls, each class against the others.

    ``truth`` (n,) holds indices into ``classes``; ``scores`` (n, classes), or of two classes the probability of the second (n,).
    """
    marks: list[AnyMark] = [Curve((0.0, 1.0), (0.0, 1.0), "quiet", dash="dotted", width=1.2)]
    told = []
    for i, (name, is_true, score) in enumerate(_one_by_one(truth, scores, classes)):
        counted = ranked(is_true, score)
        area = counted.area
        xs, ys = thinned(*counted.roc)
        label = f"{name}, area {area:.3f}"
        color, dash = line_style(i)
        marks.append(Curve(floats(xs), floats(ys), color, label, dash))
        told.append(f"{name} {area:.3f}")
    return Chart(
        title,
        f"True by false positive rates; areas under the curves: {', '.join(told)}. Guessing has 0.5, the dotted line.",
        fitted([[0, 1]], "false positive rate", pad=0),
        fitted([[0, 1]], "true positive rate", pad=0),
        tuple(marks),
        aspect=1.0,
    )


def precision_recall_chart(
    truth: Any, scores: Any, classes: Sequence[object], *, title: str = "Precision and recall"
) -> Chart:
    """Return precision by recall as the threshold falls, each class against the others, with guessing as a line.

    ``truth`` and ``scores`` as for `roc_chart`.
    """
    marks: list[AnyMark] = []
    told = []
    found = list(_one_by_one(truth, scores, classes))
    for i, (name, is_true, score) in enumerate(found):
        counted = ranked(is_true, score)
        precision, recall = (rates[counted.steps][::-1] for rates in counted.precision_recall)
        average = counted.average_precision
        # Falling recall, to 0 where nothing is answered: a step holds back to the threshold before.
        xs, ys = thinned(np.append(recall, 0.0), np.append(precision, 1.0))
        label = f"{name}, average {average:.3f}"
        color, dash = line_style(i)
        marks.append(Curve(floats(xs), floats(ys), color, label, dash, step=True))
        told.append(f"{name} {average:.3f}")
    if len(found) == 1:
        share = float(np.mean(found[0][1]))
        marks.append(Rules((share,), across=True, dash="dotted", names=(f"guessing {short_number(share)}",)))
    return Chart(
        title,
        f"Precision by recall; average precision: {', '.join(told)}.",
        fitted([[0, 1]], "recall", pad=0),
        fitted([[0, 1]], "precision", pad=0),
        tuple(marks),
        aspect=1.0,
    )


def _one_by_one(truth: Any, scores: Any, classes: Sequence[object]) -> list[tuple[str, Any, Any]]:
    """Return name, whether each row is of the class, and its score: of two classes the second alone."""
    truth, scores = class_indices("truth", truth, classes), np.asarray(scores, np.float64)
    same_length(truth=truth, scores=scores)
    bad = np.flatnonzero(~np.isfinite(scores).reshape(len(scores), -1).all(axis=1))
    if len(bad):
        raise SettingsError(
            f"scores: row {int(bad[0]) + 1} is not finite, so it has no place among the others"
        )
    if scores.ndim == 1:
        scores = np.stack([1 - scores, scores], 1)
    wanted = [1] if len(classes) == 2 else range(len(classes))
    return [
        (str(classes[i]), truth == i, scores[:, i]) for i in wanted if 0 < (truth == i).sum() < len(truth)
    ]
