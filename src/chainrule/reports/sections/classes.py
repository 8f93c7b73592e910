"""The part of a report about wrong classes: confusion, scores by class, ROC, precision and recall, calibration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._types import Array, IntArray
from chainrule.explain.show.document import Block, Picture, Section, TableBlock, Words
from chainrule.model.model import Prediction
from chainrule.model.scoring import of_target
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.calibration import calibration_chart
from chainrule.plots.kinds.classes import confusion_chart, precision_recall_chart, roc_chart
from chainrule.plots.kinds.scores import slices_chart
from chainrule.plots.marks import Curve
from chainrule.reports.intervals import wilson
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.reports.sections.targets import OfTarget, by_target
from chainrule.reports.words import number_shown
from chainrule.tables.encoding.target import TargetEncoder

MOST_CLASSES = 12
"""The most classes of a confusion matrix that is drawn."""

MOST_CURVES = 6
"""The most classes with curves of their own: those with most rows."""

FEW_ROWS = 10
"""Of a class with fewer rows than these, little is known."""


def classes_part(subject: Reported) -> ReportPart | None:
    """Return where classes are taken for others, how well they are told apart, and whether probabilities hold."""
    model = subject.model
    if subject.evaluation is None or model.task != "classification":
        return None
    several = len(model.target.parts) > 1

    def of_one(place: int, target: TargetEncoder) -> OfTarget:
        truth, made = target.codes(subject.part), of_target(subject.prediction, place)
        assert made.codes is not None
        doubts = _doubts(target, truth, made.codes, target.name if several else "")
        return OfTarget(_of_one(target, truth, made), _data(target, truth, made), doubts)

    return by_target("classes", "Right and wrong, class by class", model.target.parts, of_one)


def _of_one(target: TargetEncoder, truth: IntArray, made: Prediction) -> Iterator[Block]:
    codes, names = made.codes, tuple(map(str, target.labels))
    assert codes is not None
    if len(names) <= MOST_CLASSES:
        yield Picture(confusion_chart(truth, codes, names, title="True and predicted classes"))
    yield _confused(names, truth, codes, of_picture=len(names) <= MOST_CLASSES)
    each = _by_class(names, truth, codes)
    yield each if len(names) <= MOST_CLASSES else Section("Class by class", (each,), folded=True)
    if len(names) > 3:
        yield Picture(_recalls(names, truth, codes))
    if made.probabilities is None:
        yield Words(
            "This loss gives no probabilities, so there are no ROC, precision–recall and calibration curves.",
            "dim",
        )
        return
    if len(np.unique(truth)) > 1:
        kept, own, scores = most_frequent(names, truth, made.probabilities)
        pair = (_plain(roc_chart(own, scores, kept)), _plain(precision_recall_chart(own, scores, kept)))
        said = " ".join(f"{chart.title}: {chart.description}" for chart in pair)
        few = (
            f" The {MOST_CURVES} classes with most rows; the others as one."
            if len(names) > MOST_CURVES + 1
            else ""
        )
        note = " ".join(chart.note for chart in pair) + few
        pair = (replace(pair[0], note=""), replace(pair[1], note=""))
        yield Picture(Charts("Told apart at every threshold", said, pair, 2, note=note))
    yield Picture(calibration(target, truth, made))


def _plain(chart: Chart) -> Chart:
    """Return curves whose legend has the classes alone, their areas in the note: two plots have one legend."""
    marks, told = [], []
    for mark in chart.marks:
        name, comma, area = getattr(mark, "series", "").rpartition(", ")
        if comma and isinstance(mark, Curve):
            told.append(f"{name} {area.rpartition(' ')[2]}")
            mark = replace(mark, series=name)
        marks.append(mark)
    words = "Areas below ROC" if "ROC" in chart.title else "Average precision"
    return replace(chart, marks=tuple(marks), note=f"{words}: {', '.join(told)}.")


def calibration(target: TargetEncoder, truth: IntArray, made: Prediction) -> Charts:
    """Return whether probabilities hold: of two classes the second's, of more that of the predicted class."""
    assert made.probabilities is not None
    assert made.codes is not None
    if target.n_classes == 2:
        title = f"Calibration of P({target.name} = {target.labels[1]})"
        return calibration_chart(truth == 1, made.probabilities[:, 1], title=title)
    surest = made.probabilities[np.arange(len(truth)), made.codes]
    return calibration_chart(
        truth == made.codes, surest, title="Calibration of the predicted class's probability"
    )


def most_frequent(
    names: tuple[str, ...], truth: IntArray, scores: Array
) -> tuple[tuple[str, ...], IntArray, Array]:
    """Return names, classes (n,) and scores (n, classes) of the `MOST_CURVES` classes with most rows, the others as one."""
    if len(names) <= MOST_CURVES + 1:
        return names, truth, scores
    counts = np.bincount(truth, minlength=len(names))
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_CURVES])
    place = np.full(len(names), MOST_CURVES)
    place[kept] = np.arange(MOST_CURVES)
    rest = np.delete(scores, kept, axis=1).sum(axis=1)
    own = np.concatenate([scores[:, kept], rest[:, None]], axis=1)
    return (*(names[i] for i in kept), "the others"), place[truth], own


def counts_by_class(n: int, truth: IntArray, codes: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return for each of n classes its rows, its predicted rows, and those that are both (n,)."""
    rows, said = np.bincount(truth, minlength=n), np.bincount(codes, minlength=n)
    return rows, said, np.bincount(truth[truth == codes], minlength=n)


def _by_class(names: tuple[str, ...], truth: IntArray, codes: IntArray) -> TableBlock:
    rows, said, right = counts_by_class(len(names), truth, codes)
    order = range(len(names)) if len(names) <= 40 else np.argsort(-rows, kind="stable")[:40].tolist()
    lines = []
    for i in order:
        found = wilson(right[i] / rows[i], int(rows[i])) if rows[i] else None
        ends = f"{number_shown(found.low)} … {number_shown(found.high)}" if found else "–"
        recall = number_shown(right[i] / rows[i]) if rows[i] else "–"
        precision = number_shown(right[i] / said[i]) if said[i] else "–"
        lines.append((names[i], f"{rows[i]:,}", f"{said[i]:,}", recall, ends, precision))
    headers = ("class", "rows", "predicted", "recall", "95 % interval", "precision")
    more = f"… and {len(names) - 40:,} more classes, in its JSON" if len(names) > 40 else ""
    return TableBlock(headers, tuple(lines), tuple(range(1, 6)), more)


def _recalls(names: tuple[str, ...], truth: IntArray, codes: IntArray) -> Chart:
    rows, _, right = counts_by_class(len(names), truth, codes)
    known = np.flatnonzero(rows)
    worst = known[np.argsort(right[known] / rows[known], kind="stable")][:MOST_CLASSES]
    worst = np.sort(worst) if len(known) <= MOST_CLASSES else worst
    ends = [wilson(right[i] / rows[i], int(rows[i])) for i in worst]
    title = "Share of each class that is found" if len(known) <= MOST_CLASSES else "The classes found least"
    return slices_chart(
        [names[i] for i in worst],
        right[worst] / rows[worst],
        [one.low for one in ends],
        [one.high for one in ends],
        overall=float(right.sum() / rows.sum()),
        counts=rows[worst].tolist(),
        score="recall",
        title=title,
    )


def _confused(names: tuple[str, ...], truth: IntArray, codes: IntArray, *, of_picture: bool) -> Block:
    """Return which classes are taken for which, the most frequent first."""
    n = len(names)
    pairs, counts = np.unique(truth[truth != codes] * n + codes[truth != codes], return_counts=True)
    if not len(pairs):
        return Words("No row is answered wrong.")
    order = np.argsort(-counts, kind="stable")[:10]
    rows = tuple((names[pairs[i] // n], names[pairs[i] % n], f"{counts[i]:,}") for i in order)
    more = f"… and {len(pairs) - 10:,} more confusions" if len(pairs) > 10 else ""
    return TableBlock(("true", "taken for", "rows"), rows, (2,), more, of_picture=of_picture)


def _data(target: TargetEncoder, truth: IntArray, made: Prediction) -> dict[str, Any]:
    assert made.codes is not None
    n = target.n_classes
    rows, said, right = counts_by_class(n, truth, made.codes)
    each = [
        {"class": label, "rows": int(rows[i]), "predicted": int(said[i]), "right": int(right[i])}
        for i, label in enumerate(target.labels)
    ]
    pairs, counts = np.unique(truth * n + made.codes, return_counts=True)
    confusion = [[int(p // n), int(p % n), int(c)] for p, c in zip(pairs, counts, strict=True)]
    return {"by_class": each, "confusion": confusion}


def _doubts(target: TargetEncoder, truth: IntArray, codes: IntArray, several: str) -> Iterator[str]:
    rows, _, right = counts_by_class(target.n_classes, truth, codes)
    of = f" of {several}" if several else ""
    overall = right.sum() / max(rows.sum(), 1)
    few = [str(target.labels[i]) for i in np.flatnonzero(rows < FEW_ROWS)]
    for i in np.flatnonzero(rows >= FEW_ROWS):
        if wilson(right[i] / rows[i], int(rows[i])).high < overall:
            yield f"the class {target.labels[i]}{of} is found in {right[i] / rows[i]:.0%} of its {rows[i]:,} rows only"
    if few:
        named = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        yield f"fewer than {FEW_ROWS} of these rows are of the class{'es' * (len(few) > 1)} {named}{of}"
