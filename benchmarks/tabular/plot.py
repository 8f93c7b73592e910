"""One picture of a report: mean ranks, and each table's gaps to the best; readable in black and white."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.tabular.ranking import collect, gaps, means

MARKERS = ("s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "d", "*")
LEAST = 1e-3
"""Gaps below a thousandth are drawn there, for the axis is logarithmic."""


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Write the picture of a report; needs Matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    ours = set(report["ours"])
    rows = report["summary"]["primary"]["methods"]
    styles = _styles([row["method"] for row in rows], ours)
    mean = means(collect(report["results"], "primary"))
    height = 1.6 + 0.34 * max(len(rows), len(mean))
    with matplotlib.rc_context({"svg.hashsalt": "accuracy", "svg.fonttype": "none", "font.size": 9}):
        figure, (left, right) = pyplot.subplots(
            1, 2, figsize=(11, height), width_ratios=(1, 1.7), layout="constrained"
        )
        _ranks(left, rows, styles)
        _gaps(right, mean, [row["method"] for row in rows], styles)
        handles = [left.plot([], [], ls="", label=row["method"], **styles[row["method"]])[0] for row in rows]
        figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False)
        # Without a day in it the same report gives the same file.
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        pyplot.close(figure)


def _styles(names: list[str], ours: set[str]) -> dict[str, dict[str, Any]]:
    """Return how each is drawn: ours large and gray, peers open and above them, each with a shape of its own."""
    styles: dict[str, dict[str, Any]] = {}
    shapes = {True: iter(("o", *reversed(MARKERS))), False: iter(MARKERS)}
    for name in names:
        own = name in ours
        styles[name] = {
            "marker": next(shapes[own], "."),
            "ms": 10 if own else 6,
            "mec": "black",
            "mfc": "#999999" if own else "none",
            "zorder": 2 if own else 3,
        }
    return styles


def _ranks(axes: Any, rows: list[dict[str, Any]], styles: dict[str, dict[str, Any]]) -> None:
    for place, row in enumerate(rows):
        axes.plot([1, row["mean_rank"]], [place, place], color="#bbbbbb", lw=1, zorder=1)
        axes.plot(row["mean_rank"], place, **styles[row["method"]])
    axes.set_yticks(range(len(rows)), [f"{row['method']} ({row['tables']})" for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(left=0.8)
    axes.set_xlabel("mean rank over the tables (how many in brackets)")
    axes.grid(axis="x", color="#e5e5e5")
    axes.set_axisbelow(True)


def _gaps(
    axes: Any, mean: dict[str, dict[str, float]], names: list[str], styles: dict[str, dict[str, Any]]
) -> None:
    tables = list(mean)
    for place, table in enumerate(tables):
        axes.axhline(place, color="#eeeeee", lw=1, zorder=0)
        found = gaps(mean[table])
        for name in names:
            gap = found.get(name)
            if gap is not None:
                axes.plot(max(gap, LEAST), place, ls="", clip_on=False, **styles[name])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: "best" if value <= LEAST else f"{value:.3g}")
    axes.set_xlim(left=LEAST)
    axes.set_yticks(range(len(tables)), tables)
    axes.set_ylim(len(tables) - 0.5, -0.5)
    axes.set_xlabel(
        "(score − best) / best: error of classes, RMSE of numbers; on the left edge at most 0.001"
    )
    axes.grid(axis="x", color="#e5e5e5")
    axes.set_axisbelow(True)
