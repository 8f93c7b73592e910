"""What goes on in each layer: the flow of gradients, and histograms of weights and activations."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.plots.axes import fitted, names_axis
from chainrule.plots.chart import Chart, Charts, alike
from chainrule.plots.marks import Bars, Quantiles, floats
from chainrule.plots.ticks import count_text, short_number

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def flow_chart(
    layers: Mapping[str, Any],
    *,
    unit: str = "|∂C/∂W|",
    title: str = "Gradients by layer",
    addresses: Mapping[str, str] | None = None,
) -> Chart:
    """Return the quantiles of the sizes of each layer's numbers (any shape), on a logarithmic axis.

    Zeros, which have no place there, are counted beside the layer's name.
    """
    sizes = {name: np.abs(np.asarray(values, np.float64)).ravel() for name, values in layers.items()}
    positive = {name: values[values > 0] for name, values in sizes.items()}
    boxes = [
        np.quantile(values, QUANTILES) if len(values) else np.full(5, np.nan) for values in positive.values()
    ]
    zeros = [len(sizes[name]) - len(positive[name]) for name in sizes]
    x_axis = fitted(boxes, unit, scale="log", pad=0.06)
    texts = [f"{name}, {count_text(z)} zeros" if z else name for name, z in zip(sizes, zeros, strict=True)]
    known = [i for i, box in enumerate(boxes) if np.isfinite(box).all()]
    low, first, median, third, high = (floats([boxes[i][k] for i in known]) for k in range(5))
    mark = Quantiles(
        floats(known),
        low,
        first,
        median,
        third,
        high,
        0.6,
        across=True,
        names=tuple(texts[i] for i in known),
        addresses=tuple((addresses or {}).get(list(sizes)[i], "") for i in known) if addresses else (),
    )
    ratio = max(median) / min(median) if median else float("nan")
    words = f"{unit} of {len(texts)} layers; the largest median is {short_number(ratio)} times the smallest."
    return Chart(
        title,
        words,
        x_axis,
        names_axis(texts, down=True),
        (mark,),
        "Box: half of all; line: 90 %; bar: median.",
    )


def histograms_chart(
    parts: Mapping[str, Any],
    *,
    label: str = "value",
    bins: int = 40,
    shared: bool = True,
    title: str = "Weights by layer",
    columns: int = 3,
    without_zeros: bool = False,
) -> Charts:
    """Return a histogram for each part (any shape) as small multiples; ``shared`` puts them on one axis of values.

    ``without_zeros`` counts exact zeros beside the part's name, since a bar of them would dwarf all others.
    """
    arrays = {name: np.asarray(values, np.float64).ravel() for name, values in parts.items()}
    finite = {name: values[np.isfinite(values)] for name, values in arrays.items()}
    if without_zeros:
        zeros = {name: int((values == 0).sum()) for name, values in finite.items()}
        titles = {name: f"{name}, {count_text(n)} zeros" if n else name for name, n in zeros.items()}
        arrays = {titles[name]: values[values != 0] for name, values in arrays.items()}
        finite = {titles[name]: values[values != 0] for name, values in finite.items()}
    every = np.concatenate(list(finite.values())) if finite else np.zeros(0)
    ends = (
        (float(every.min()), float(every.max()))
        if shared and len(every) and every.min() < every.max()
        else None
    )
    made = []
    for name, values in finite.items():
        counts, edges = np.histogram(values, bins=bins, range=ends)
        middle = (edges[1:] + edges[:-1]) / 2
        spans = tuple(f"{short_number(a)} to {short_number(b)}" for a, b in itertools.pairwise(edges))
        bars = Bars(
            floats(middle), floats(np.zeros(bins)), floats(counts), float(edges[1] - edges[0]), names=spans
        )
        spread = (
            f"mean {short_number(float(values.mean()))}, deviation {short_number(float(values.std()))}"
            if len(values)
            else "empty"
        )
        odd = len(arrays[name]) - len(values)
        more = f"{odd} not finite" if odd else ""
        x_axis = fitted([edges], label, pad=0.02)
        y_axis = fitted([counts], "", zero=True, whole=True)
        words = f"{len(values)} values, {spread}. {more}".strip()
        made.append(Chart(name, words, x_axis, y_axis, (bars,), more, height=110.0))
    charts = alike(made, "x") if shared else tuple(made)
    words = "; ".join(f"{chart.title}: {chart.description}" for chart in charts)
    return Charts(title, words, charts, columns, "x" if shared else "none", note="Heights are counts.")
