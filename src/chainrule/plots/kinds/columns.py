"""The columns of a table at a glance: a histogram of each number, a bar for each frequent word."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.plots.axes import fitted, names_axis
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.colors import Color
from chainrule.plots.marks import Bars, floats
from chainrule.plots.ticks import count_text, short_number

MOST_WORDS = 6
"""The most words with a bar of their own; the others share one."""

Counted: TypeAlias = tuple[Sequence[str] | Any, Any]
"""Words and their counts; or the edges (bins + 1,) of a histogram and its counts (bins,)."""


def columns_chart(
    counted: Mapping[str, Counted],
    *,
    missing: Mapping[str, int] | None = None,
    marked: Sequence[str] = (),
    columns: int = 4,
    title: str = "The columns",
) -> Charts:
    """Return a small plot for each column by name; ``missing`` cells are said, ``marked`` columns have another color."""
    charts = []
    for name, (places, counts) in counted.items():
        gaps = (missing or {}).get(name, 0)
        color: Color = "2" if name in marked else "1"
        charts.append(_plot(name, places, np.asarray(counts, np.float64), gaps, color))
    told = ", ".join(f"{chart.title}: {chart.description}" for chart in charts)
    return Charts(title, told, tuple(charts), min(columns, len(charts)))


def _plot(name: str, places: Any, counts: Any, gaps: int, color: Color) -> Chart:
    said = f"{count_text(gaps)} missing" if gaps else ""
    if len(places) and isinstance(places[0], str):
        words = tuple(places)
        at = floats(np.arange(len(words)))
        bars = Bars(
            at, floats(np.zeros(len(words))), floats(counts), 0.7, across=True, color=color, names=words
        )
        told = ", ".join(f"{word} {count_text(int(n))}" for word, n in zip(words, counts, strict=True))
        x_axis = fitted([counts], "", zero=True, whole=True, pad=0.04)
        return Chart(name, f"{told}. {said}".strip(), x_axis, names_axis(words, down=True), (bars,), said)
    edges = np.asarray(places, np.float64)
    middle, wide = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
    spans = tuple(f"{short_number(a)} to {short_number(b)}" for a, b in itertools.pairwise(edges))
    bars = Bars(
        floats(middle), floats(np.zeros(len(counts))), floats(counts), wide * 0.96, color=color, names=spans
    )
    most = int(counts.argmax())
    told = f"{short_number(edges[0])} to {short_number(edges[-1])}, most from {spans[most]}."
    x_axis, y_axis = fitted([edges], "", pad=0.02), fitted([counts], "", zero=True, whole=True)
    return Chart(name, f"{told} {said}".strip(), x_axis, y_axis, (bars,), said, height=96.0)
