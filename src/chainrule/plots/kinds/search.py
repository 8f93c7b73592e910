"""What a search and more rows bring: the score by each setting tried, the learning curve."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import SettingsError
from chainrule.plots.axes import Axis, fitted, names_axis
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.rows import finite_rows, same_length
from chainrule.plots.marks import Band, Curve, Points, floats, line_style
from chainrule.plots.ticks import short_number


def learning_chart(
    rows: Any,
    scores: Mapping[str, tuple[Any, Any, Any]],
    *,
    score: str = "loss",
    title: str = "Score by rows trained on",
) -> Chart:
    """Return scores by the number of rows (n,): by name the means and the ends of their intervals (n,)."""
    (rows,) = finite_rows(rows=rows)
    parts = [part for triple in scores.values() for part in triple]
    span = float(rows.max() / max(rows.min(), 1.0))
    x_axis = fitted([rows], "rows", scale="log" if span > 20 else "linear", pad=0.02)
    lines, bands, dots = [], [], []
    for i, (name, (mean, low, high)) in enumerate(scores.items()):
        same_length(rows=rows, mean=mean, low=low, high=high)
        color, dash = line_style(i)
        bands.append(Band(floats(rows), floats(low), floats(high), color))
        lines.append(Curve(floats(rows), floats(mean), color, name, dash))
        dots.append(Points(floats(rows), floats(mean), color, size=3.5))
    told = ", ".join(f"{name} {short_number(float(np.asarray(m)[-1]))}" for name, (m, _, _) in scores.items())
    words = f"{score} by rows; with all {int(rows.max())}: {told}."
    return Chart(title, words, x_axis, fitted(parts, score), (*bands, *lines, *dots), legend="ends")


def search_chart(
    settings: Mapping[str, Sequence[Any]],
    scores: Any,
    *,
    score: str = "loss",
    better: str = "less",
    title: str = "Settings tried",
    columns: int = 3,
) -> Charts:
    """Return the score of each trial (n,) by each setting (n values), as small multiples; the best is marked."""
    scores = np.asarray(scores, np.float64)
    same_length(scores=scores, **settings)
    known = np.flatnonzero(np.isfinite(scores))
    if not len(known):
        raise SettingsError("scores: no trial has a finite score to draw")
    best = int(np.nanargmin(scores) if better == "less" else np.nanargmax(scores))
    y_axis = fitted([scores], score)
    charts = []
    for name, values in settings.items():
        x_axis, at = _axis(name, values)
        names = tuple(f"trial {i + 1}, {name} {_text(value)}" for i, value in enumerate(values))
        others = [i for i in known.tolist() if i != best]
        marks = (
            Points(
                floats(at[others]),
                floats(scores[others]),
                series="trial",
                shape="ring",
                names=tuple(names[i] for i in others),
            ),
            Points(
                floats(at[[best]]),
                floats(scores[[best]]),
                "2",
                "best trial",
                "diamond",
                6.0,
                names=(names[best],),
            ),
        )
        words = f"{score} by {name}; the best is {short_number(float(scores[best]), 4)} with {_text(values[best])}."
        charts.append(Chart(name, words, x_axis, y_axis, marks, height=150.0))
    told = ", ".join(f"{name} {_text(values[best])}" for name, values in settings.items())
    words = f"{len(scores)} trials; the best, {short_number(float(scores[best]), 4)}, has {told}."
    return Charts(title, words, tuple(charts), columns, "y", note=f"Best: {told}.")


def trials_chart(
    names: Sequence[str],
    scores: Any,
    weights: Any,
    *,
    score: str = "loss",
    better: str = "less",
    title: str = "Score by trial",
) -> Chart:
    """Return the score of each trial (n,) in their order, the best so far, and ``weights`` (n,) in the answer as size."""
    scores, weights = np.asarray(scores, np.float64), np.asarray(weights, np.float64)
    same_length(names=names, scores=scores, weights=weights)
    known = np.flatnonzero(np.isfinite(scores))
    if not len(known):
        raise SettingsError("scores: no trial has a finite score to draw")
    at, own = known.astype(np.float64), scores[known]
    best = np.minimum.accumulate(own) if better == "less" else np.maximum.accumulate(own)
    marks: list[Curve | Points] = [
        Curve(floats(at), floats(best), "3", "the best so far", "dashed", 1.5, step=True)
    ]
    out = [i for i, place in enumerate(known) if weights[place] <= 0]
    if out:
        told = tuple(names[known[i]] for i in out)
        marks.append(
            Points(floats(at[out]), floats(own[out]), "1", "without weight", "ring", 3.5, names=told)
        )
    series = "in the answer, as large as its weight"
    for i, place in enumerate(known.tolist()):
        if weights[place] > 0:
            size = 3.5 + 8.0 * float(np.sqrt(weights[place]))
            told = (f"{names[place]}, weight {short_number(float(weights[place]))}",)
            marks.append(Points(floats(at[[i]]), floats(own[[i]]), "2", series, "circle", size, names=told))
    chosen = ", ".join(names[i] for i in np.flatnonzero(weights > 0).tolist())
    words = f"{score} of {len(known)} trials on rows that they haven't seen; in the answer: {chosen}."
    return Chart(
        title,
        words,
        fitted([at], "trial", pad=0.04, whole=True),
        fitted([own], score),
        tuple(marks),
    )


def _text(value: Any) -> str:
    return short_number(value) if isinstance(value, float) else str(value)


def _axis(name: str, values: Sequence[Any]) -> tuple[Axis, Any]:
    """Return the axis of a setting, and its values on it: names for what isn't a number or has few values."""
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    whole = numeric and all(isinstance(v, int) for v in values)
    if not numeric or (whole and len(set(values)) <= 6):
        names = [str(v) for v in sorted(set(values), key=lambda v: (v if numeric else 0, str(v)))]
        return names_axis(names, ""), np.array([names.index(str(v)) for v in values], np.float64)
    at = np.asarray(values, np.float64)
    log = bool(at.min() > 0 and at.max() > 30 * at.min())
    return fitted([at], "", scale="log" if log else "linear", pad=0.08, whole=whole), at
