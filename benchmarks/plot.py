"""One picture of a report: ratios to the peers, and growth of time and memory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from benchmarks.peers import MODULES, OURS
from benchmarks.targets import target_of

_COLORS = ("#1f77b4", "#d95f02", "#7570b3", "#1b9e77", "#e7298a", "#666666")
_MARKERS = ("o", "s", "^", "D", "v", "P")


def draw(report: dict[str, Any], path: Path) -> None:
    """Write the picture of a report; needs Matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    results = [result for result in report["results"] if result.get("ratios")]
    growth = report["growth"]
    heights = [0.42 * len(results) + 1.4] * bool(results) + [3.6] * bool(growth)
    if not heights:
        return
    figure = pyplot.figure(figsize=(10, sum(heights)), layout="constrained")
    parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    if results:
        _ratios(parts[0].subplots(), results)
    if growth:
        _growth(parts[-1], growth)
    machine = report["machine"]
    figure.suptitle(
        f"{machine['processor']}, {machine['cores']} cores, {report['date']}", fontsize=9, color="#555555"
    )
    figure.savefig(path, dpi=110, pil_kwargs={"optimize": True})
    pyplot.close(figure)


def _ratios(axes: Any, results: list[dict[str, Any]]) -> None:
    peers = [peer for peer in MODULES if peer != OURS]
    for number, peer in enumerate(peers):
        places = [(r["ratios"][peer], row) for row, r in enumerate(results) if peer in r["ratios"]]
        if not places:
            continue
        color = _COLORS[number % len(_COLORS)]
        axes.plot(*zip(*places, strict=True), _MARKERS[number % len(_MARKERS)], color=color, label=peer, ms=7)
        targets = [(target_of(r["work"], peer), row) for row, r in enumerate(results)]
        drawn = [(target, row) for target, row in targets if target is not None]
        if drawn:
            axes.plot(*zip(*drawn, strict=True), "|", color=color, ms=14, mew=2)
    axes.axvline(1, color="#333333", lw=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.set_yticks(range(len(results)), [result["work"] for result in results], fontsize=8)
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.set_xlabel(
        "time of the peer / time of chainrule (right of the line chainrule is faster; bars are targets)"
    )
    axes.grid(axis="both", color="#e5e5e5")
    axes.set_axisbelow(True)
    axes.legend(fontsize=8, ncols=6, loc="lower center", bbox_to_anchor=(0.4, 1.0), frameon=False)


def _growth(figure: Any, points: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(point["axis"] for point in points))
    grid = figure.subplots(2, len(names), squeeze=False)
    for column, axis in enumerate(names):
        mine = [point for point in points if point["axis"] == axis]
        seconds = [(point["size"], point["seconds"]) for point in mine]
        memory = [(point["size"], point["bytes"] / 2**20) for point in mine if point["bytes"]]
        for axes, pairs, color in (
            (grid[0, column], seconds, _COLORS[0]),
            (grid[1, column], memory, _COLORS[1]),
        ):
            if pairs:
                _line(axes, pairs, color)
        grid[1, column].set_xlabel(axis, fontsize=9)
    grid[0, 0].set_ylabel("seconds an epoch", fontsize=8)
    grid[1, 0].set_ylabel("MiB above the table", fontsize=8)


def _line(axes: Any, pairs: list[tuple[float, float]], color: str) -> None:
    """Draw on logarithmic axes that end at whole powers of ten, so that every axis has readable ticks."""
    axes.loglog(*zip(*pairs, strict=True), "o-", color=color, ms=4)
    values = [value for _, value in pairs]
    axes.set_ylim(
        10 ** math.floor(math.log10(min(values)) - 0.05), 10 ** math.ceil(math.log10(max(values)) + 0.05)
    )
    sizes = [size for size, _ in pairs]
    axes.set_xticks(sizes[:: max(1, len(sizes) // 3)])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.minorticks_off()
    axes.tick_params(labelsize=7)
    axes.grid(color="#e5e5e5")
