"""``python -m benchmarks.drawings``: plots as our SVG and as Matplotlib's, from one record: bytes and times."""

from __future__ import annotations

import argparse
import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe, load, slug, versions
from benchmarks.report import duration
from benchmarks.timing import Contestant, interleave, quartiles, ratios, seconds_of
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.boundary import boundary_chart
from chainrule.plots.kinds.classes import confusion_chart, roc_chart
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.kinds.regression import predicted_chart
from chainrule.plots.mpl.axes import draw_on
from chainrule.plots.network.draw import network_chart
from chainrule.plots.network.layers import DrawnLayer
from chainrule.plots.svg.draw import to_svg

RESULTS = Path(__file__).parent / "results"
OURS, THEIRS = "chainrule", "Matplotlib"
REPEATS = 7


def curves() -> Chart:
    """Two lines of 200 points."""
    epochs, rng = np.arange(200), np.random.default_rng(0)
    falls = {"training": 0.02, "validation": 0.015}
    noise = rng.normal(size=(2, 200)) * 0.01
    return curves_chart(
        {name: 0.2 + np.exp(-rate * epochs) + noise[i] for i, (name, rate) in enumerate(falls.items())}
    )


def confusion() -> Chart:
    """Ten classes."""
    truth, wrong = np.random.default_rng(1).integers(0, 10, (2, 5000))
    predicted = np.where(np.arange(5000) % 7, truth, wrong)
    return confusion_chart(truth, predicted, [f"class {i}" for i in range(10)])


def roc() -> Chart:
    """100,000 rows of three classes."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 100_000)
    scores = rng.random((100_000, 3)) + np.eye(3)[truth]
    return roc_chart(truth, scores / scores.sum(axis=1, keepdims=True), ["a", "b", "c"])


def boundary() -> Chart:
    """Three classes over 61 × 61 cells, with 300 rows."""
    x, rng = np.linspace(-3, 3, 61), np.random.default_rng(3)
    grid = np.stack(np.meshgrid(x, x), axis=-1)
    away = np.stack([((grid - center) ** 2).sum(axis=-1) for center in ((-1, 0), (1, 1), (1, -1))], axis=-1)
    answers = np.exp(-away) / np.exp(-away).sum(axis=-1, keepdims=True)
    points = (*rng.normal(size=(2, 300)), rng.integers(0, 3, 300))
    return boundary_chart(x, x, answers, x_name="one", y_name="two", classes=["a", "b", "c"], points=points)


def million() -> Chart:
    """1,000,000 rows, in hexagons."""
    rng = np.random.default_rng(4)
    truth = rng.normal(size=1_000_000)
    return predicted_chart(truth, truth + 0.3 * rng.normal(size=1_000_000))


def network() -> Chart:
    """784-256-128-10, its 235,146 parameters known."""
    rng, sizes = np.random.default_rng(5), (784, 256, 128, 10)
    layers = [DrawnLayer(0, sizes[0], "inputs")]
    for number, (before, size) in enumerate(pairwise(sizes), 1):
        bias = tuple(rng.normal(size=size).tolist())
        layers.append(
            DrawnLayer(number, size, f"layer {number}", weights=rng.normal(size=(before, size)), bias=bias)
        )
    return network_chart(layers)


WORKS: dict[str, Callable[[], Chart]] = {
    "curves, 2 × 200 points": curves,
    "confusion, 10 classes": confusion,
    "ROC, 100,000 rows": roc,
    "boundary, 61 × 61 cells": boundary,
    "predicted, 1,000,000 rows": million,
    "network 784-256-128-10": network,
}


def by_matplotlib(chart: Chart) -> str:
    """Return Matplotlib's SVG of a plot, texts as texts, without a date."""
    import matplotlib
    from matplotlib import pyplot

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "chainrule"}):
        figure = draw_on(chart).figure
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    return file.getvalue()


def by_chainrule(chart: Chart) -> str:
    """Return our SVG of a plot, with the style sheet."""
    return to_svg(chart, alone=True)


def measure(name: str, repeats: int) -> dict[str, Any]:
    """Measure one plot: seconds for the record and for each drawing of it, and the drawings' bytes."""
    made = WORKS[name]()
    drawn = {OURS: by_chainrule, THEIRS: by_matplotlib}
    contestants = [
        Contestant(peer, "SVG", lambda draw=draw: seconds_of(lambda: draw(made)))  # type: ignore[misc]
        for peer, draw in drawn.items()
    ]
    record = Contestant("record", "", lambda: seconds_of(WORKS[name]))
    interleave([*contestants, record], repeats, pause=0.0)
    texts = {peer: draw(made).encode() for peer, draw in drawn.items()}
    medians = {one.peer: one.median for one in contestants}
    return {
        "work": name,
        "record": quartiles(record.samples),
        "seconds": {one.peer: quartiles(one.samples) for one in contestants},
        "ratio": ratios(medians, OURS)[THEIRS],
        "bytes": {peer: len(text) for peer, text in texts.items()},
        "gzip": {peer: len(gzip.compress(text, mtime=0)) for peer, text in texts.items()},
        "same_bytes": {peer: draw(made).encode() == texts[peer] for peer, draw in drawn.items()},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, print a table, write a JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drawings", description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"rounds that count (default {REPEATS})")
    parser.add_argument("--only", default="", help="the works whose names have this in them")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the result")
    options = parser.parse_args(arguments)
    import matplotlib

    matplotlib.use("Agg")
    before = load()
    results = [measure(name, options.repeats) for name in WORKS if options.only in name]
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": describe(),
        "load": [before, load()],
        "versions": versions(["numpy", "matplotlib"]),
        "results": results,
    }
    console = Console()
    console.print(_table(results))
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{slug()}-drawings.json"
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    console.print(f"wrote {path}")


def _table(results: Sequence[dict[str, Any]]) -> Table:
    table = Table("plot", "record", "our SVG", "bytes (gzip)", "Matplotlib's", "bytes (gzip)", "×")
    for one in results:
        row = [one["work"], duration(one["record"]["median"])]
        for peer in (OURS, THEIRS):
            row += [
                duration(one["seconds"][peer]["median"]),
                f"{one['bytes'][peer]:,} ({one['gzip'][peer]:,})",
            ]
        table.add_row(*row, f"{one['ratio']:.1f}")
    return table


if __name__ == "__main__":
    main()
