"""Numbers by name, with intervals: scores by slice, importances, what an ablation changes."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import fitted, names_axis
from chainrule.plots.chart import Chart
from chainrule.plots.colors import Color
from chainrule.plots.kinds.rows import same_length
from chainrule.plots.marks import Bars, Intervals, Points, Rules, floats
from chainrule.plots.ticks import short_number

MOST_NAMES = 30


def slices_chart(
    names: Sequence[object],
    scores: Any,
    low: Any,
    high: Any,
    *,
    overall: float,
    counts: Sequence[int] = (),
    score: str = "score",
    line: str = "all rows",
    what: str = "slices",
    title: str = "Score by slice",
) -> Chart:
    """Return a dot with its interval for each slice (n,), and a score as a ``line``; ``what`` is what the dots are of."""
    same_length(names=names, scores=scores, low=low, high=high, counts=counts or None)
    scores, low, high = (np.asarray(v, np.float64) for v in (scores, low, high))
    texts = [str(name) for name in names]
    if counts:
        texts = [f"{name} ({count})" for name, count in zip(texts, counts, strict=True)]
    at = np.arange(len(texts))
    marks = (
        Intervals(floats(at), floats(low), floats(high), across=True, names=tuple(texts)),
        Points(floats(scores), floats(at), size=4.5, names=tuple(texts), values=floats(scores)),
        Rules((float(overall),), names=(f"{line} {short_number(overall)}",)),
    )
    away = [name for name, a, b in zip(texts, low, high, strict=True) if not a <= overall <= b]
    words = f"{len(texts)} {what}; {line}: {short_number(overall)}. " + (
        f"Apart from it: {', '.join(away)}." if away else "No interval is apart from it."
    )
    x_axis = fitted([scores, low, high, [overall]], score)
    return Chart(
        title,
        words,
        x_axis,
        names_axis(texts, down=True),
        marks,
        "Intervals: 95 %. In brackets: rows." if counts else "",
    )


def importance_chart(
    names: Sequence[object],
    means: Any,
    low: Any = None,
    high: Any = None,
    *,
    unit: str = "loss added when shuffled",
    title: str = "Importance of columns",
    addresses: Sequence[str] = (),
) -> Chart:
    """Return a bar for each column (n,), the largest first, with intervals; at most `MOST_NAMES`, and says what is left out."""
    same_length(names=names, means=means, low=low, high=high, addresses=addresses or None)
    means = np.asarray(means, np.float64)
    known = np.flatnonzero(np.isfinite(means))
    order = known[np.argsort(-means[known], kind="stable")][:MOST_NAMES]
    texts, at = [str(names[i]) for i in order], np.arange(len(order))
    marks: list[AnyMark] = [
        Bars(
            floats(at),
            floats(np.zeros(len(order))),
            floats(means[order]),
            0.68,
            across=True,
            names=tuple(texts),
            texts=() if low is not None else tuple(short_number(v) for v in means[order]),
            addresses=tuple(addresses[i] for i in order) if addresses else (),
        )
    ]
    ends = [means[order]]
    if low is not None:
        ends += [np.asarray(low, np.float64)[order], np.asarray(high, np.float64)[order]]
        marks.append(
            Intervals(
                floats(at), floats(ends[1]), floats(ends[2]), across=True, color="ink", names=tuple(texts)
            )
        )
    left_out, unknown = len(known) - len(order), len(means) - len(known)
    words = (
        f"The first is {texts[0]} with {short_number(means[order[0]])}." if texts else "There are no columns."
    )
    said = [
        (left_out, "columns with smaller values are not drawn."),
        (unknown, "columns have no finite value."),
    ]
    note = " ".join(f"{count} {words}" for count, words in said if count)
    x_axis = fitted(ends, unit, zero=True, pad=0.04)
    return Chart(
        title, f"{unit} by column. {words}", x_axis, names_axis(texts, down=True), tuple(marks), note
    )


def ablation_chart(
    names: Sequence[object],
    differences: Any,
    low: Any = None,
    high: Any = None,
    *,
    unit: str = "change of the loss",
    better: Literal["less", "more"] = "less",
    title: str = "What each part brings",
) -> Chart:
    """Return what leaving each part out changes (n,), with intervals; parts that pay in one color, those that cost in another."""
    same_length(names=names, differences=differences, low=low, high=high)
    differences = np.asarray(differences, np.float64)
    at = np.arange(len(differences))
    pays = differences > 0 if better == "less" else differences < 0
    colors: tuple[Color, ...] = tuple("plus" if one else "minus" for one in pays)
    texts = tuple(str(name) for name in names)
    marks: list[AnyMark] = [
        Bars(
            floats(at),
            floats(np.zeros(len(at))),
            floats(differences),
            0.62,
            across=True,
            colors=colors,
            names=texts,
            texts=() if low is not None else tuple(short_number(v) for v in differences),
        )
    ]
    ends = [differences]
    if low is not None:
        ends += [np.asarray(low, np.float64), np.asarray(high, np.float64)]
        marks.append(
            Intervals(floats(at), floats(ends[1]), floats(ends[2]), across=True, color="ink", names=texts)
        )
    marks.append(Rules((0.0,), color="ink", dash="solid"))
    worst = texts[int(np.argmax(np.where(pays, np.abs(differences), -1)))] if len(texts) else "nothing"
    pays_word = "more" if better == "less" else "less"
    words = f"{unit} when a part is left out; {pays_word} means that it pays. Most is missed: {worst}."
    x_axis = fitted(ends, unit, zero=True, pad=0.05)
    return Chart(
        title, words, x_axis, names_axis(texts, down=True), tuple(marks), "Without the part, minus with it."
    )
