"""One picture of a report: ratios to the peers, and growth of time and memory."""

from __future__ import annotations

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
    heights = [0.42 * len(results) + 1.4] * bool(results) + [2.6] * bool(growth)
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
    for axis, axes in zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True):
        mine = [point for point in points if point["axis"] == axis]
        sizes = [point["size"] for point in mine]
        axes.loglog(sizes, [point["seconds"] for point in mine], "o-", color=_COLORS[0], ms=4)
        axes.set_xlabel(axis)
        axes.tick_params(labelsize=7)
        axes.tick_params(axis="y", labelcolor=_COLORS[0])
        axes.set_title("seconds an epoch", fontsize=8, color=_COLORS[0], loc="left")
        axes.grid(color="#e5e5e5")
        memory = [(p["size"], p["bytes"] / 2**20) for p in mine if p["bytes"]]
        if memory:
            right = axes.twinx()
            right.loglog(*zip(*memory, strict=True), "s--", color=_COLORS[1], ms=4)
            right.tick_params(labelsize=7, labelcolor=_COLORS[1])
            right.set_title("MiB", fontsize=8, color=_COLORS[1], loc="right")
