"""Each kind of mark on Matplotlib axes; text and lines are as large as in the SVG."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.errors import SettingsError
from chainrule.plots.colors import COLORS, ramp, text_on
from chainrule.plots.marks import (
    Arrows,
    Band,
    Bars,
    Contours,
    Curve,
    Faces,
    Intervals,
    Points,
    Quantiles,
    Rules,
    Tiles,
    Writing,
)
from chainrule.plots.network.marks import Boxes, Edges, Neurons

_COLOR = COLORS["light"]
_DASHES = {"solid": "-", "dashed": (0, (4, 2.6)), "dotted": (0, (1, 2.4))}
_SHAPES = {"circle": "o", "square": "s", "diamond": "D", "triangle": "^", "cross": "x", "ring": "o"}
_POINT = 72 / 96
"""A pixel of the record in the points that Matplotlib counts in."""


def matplotlib_parts() -> Any:
    """Return Matplotlib with the parts needed here; raises SettingsError where it isn't installed."""
    try:
        import matplotlib.collections
        import matplotlib.colors
        import matplotlib.patches
        import matplotlib.pyplot
        import matplotlib.ticker
    except ModuleNotFoundError as error:
        raise SettingsError(
            "Matplotlib is not installed: pip install 'chainrule[plots]', or use the plot's SVG"
        ) from error
    return matplotlib


def _line(ax: Any, x: Any, y: Any, color: str, width: float, dash: str = "solid", **others: Any) -> None:
    ax.plot(x, y, color=_COLOR[color], linewidth=width * _POINT, linestyle=_DASHES[dash], **others)


def _points(ax: Any, mark: Points) -> None:
    size = [(2 * radius * _POINT) ** 2 for radius in mark.radii()]
    hollow = mark.shape == "ring"
    ax.scatter(
        mark.x,
        mark.y,
        s=size,
        marker=_SHAPES[mark.shape],
        label=mark.series,
        zorder=3,
        facecolors=_COLOR["paper"] if hollow else _COLOR[mark.color],
        **(
            {} if mark.shape == "cross" else {"edgecolors": _COLOR[mark.color] if hollow else _COLOR["paper"]}
        ),
        linewidths=1.2 if hollow else 0.5,
    )


def _curve(ax: Any, mark: Curve) -> None:
    _line(
        ax,
        mark.x,
        mark.y,
        mark.color,
        mark.width,
        mark.dash,
        label=mark.series,
        alpha=0.45 if mark.faint else None,
        drawstyle="steps-post" if mark.step else "default",
    )


def _band(ax: Any, mark: Band) -> None:
    ax.fill_between(
        mark.x, mark.low, mark.high, color=_COLOR[mark.color], alpha=0.2, linewidth=0, label=mark.series
    )


def _bars(ax: Any, mark: Bars) -> None:
    colors = [_COLOR[color] for color in mark.colors or (mark.color,) * len(mark)]
    lengths = np.subtract(mark.stop, mark.start)
    if mark.across:
        made = ax.barh(mark.at, lengths, mark.width, mark.start, color=colors, label=mark.series)
    else:
        made = ax.bar(mark.at, lengths, mark.width, mark.start, color=colors, label=mark.series)
    if mark.texts:
        ax.bar_label(made, mark.texts, padding=3, fontsize="small")


def _intervals(ax: Any, mark: Intervals) -> None:
    middle = np.add(mark.low, mark.high) / 2
    error = np.abs(np.subtract([mark.low, mark.high], middle))
    where = (
        {"x": middle, "y": mark.at, "xerr": error}
        if mark.across
        else {"x": mark.at, "y": middle, "yerr": error}
    )
    ax.errorbar(**where, fmt="none", ecolor=_COLOR[mark.color], elinewidth=1.1, capsize=2.6)


def _quantiles(ax: Any, mark: Quantiles) -> None:
    columns = zip(mark.low, mark.first, mark.median, mark.third, mark.high, strict=True)
    names = ("whislo", "q1", "med", "q3", "whishi")
    color = _COLOR[mark.color]
    ax.bxp(
        [dict(zip(names, column, strict=True)) for column in columns],
        mark.at,
        widths=mark.width,
        showfliers=False,
        orientation="horizontal" if mark.across else "vertical",
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": (*_rgb(color), 0.28), "edgecolor": color},
        medianprops={"color": color, "linewidth": 2},
        whiskerprops={"color": color},
        showcaps=False,
    )


def _rgb(color: str) -> tuple[float, ...]:
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def _tiles(ax: Any, mark: Tiles) -> None:
    def fill(shown: float) -> tuple[float, ...]:
        if math.isnan(shown):
            return (0.0, 0.0, 0.0, 0.0)
        if mark.color is not None:
            return (*_rgb(_COLOR[mark.color]), mark.opacity(shown))
        return (*_rgb(ramp(mark.ramp)[mark.step(shown)]), 1.0)

    shape = (len(mark.y) - 1, len(mark.x) - 1)
    colors = np.array([fill(shown) for shown in mark.shown]).reshape(*shape, 4)
    ax.pcolormesh(mark.x, mark.y, colors)
    for i, text in enumerate(mark.texts):
        left, right, low, high = mark.corner(i)
        on_ramp = mark.color is None and not math.isnan(mark.shown[i])
        color = _COLOR[text_on(mark.ramp, mark.step(mark.shown[i])) if on_ramp else "ink"]
        ax.text(
            (left + right) / 2,
            (low + high) / 2,
            text,
            ha="center",
            va="center",
            color=color,
            fontsize="small",
        )


def _rules(ax: Any, mark: Rules) -> None:
    for i, at in enumerate(mark.at):
        draw = ax.axhline if mark.across else ax.axvline
        name = mark.names[i] if mark.names else ""
        draw(at, color=_COLOR[mark.color], linewidth=1.0, linestyle=_DASHES[mark.dash], label=name)


def _words(ax: Any, mark: Writing) -> None:
    align = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
    for x, y, text in zip(mark.x, mark.y, mark.texts, strict=True):
        ax.annotate(
            text,
            (x, y),
            (mark.dx * _POINT, -mark.dy * _POINT),
            textcoords="offset points",
            ha=align,
            va="center",
            zorder=6,
            color=_COLOR[mark.color],
            fontsize=mark.size * _POINT,
            fontweight="bold" if mark.bold else None,
            bbox={"facecolor": _COLOR["paper"], "edgecolor": "none", "pad": 0.6, "alpha": 0.92}
            if mark.plate
            else None,
        )


def _contours(ax: Any, mark: Contours) -> None:
    lines = [np.column_stack(line) for line in zip(mark.x, mark.y, strict=True)]
    collection = matplotlib_parts().collections.LineCollection(
        lines, colors=_COLOR[mark.color], linewidths=mark.width * _POINT, label=mark.series
    )
    ax.add_collection(collection, autolim=False)


def _arrows(ax: Any, mark: Arrows) -> None:
    if mark.plain:
        lines = [((x, y), (x2, y2)) for x, y, x2, y2 in zip(mark.x, mark.y, mark.x2, mark.y2, strict=True)]
        width, dash = mark.width * _POINT, _DASHES[mark.dash]
        kind = matplotlib_parts().collections.LineCollection
        ax.add_collection(
            kind(lines, colors=_COLOR[mark.color], linewidths=width, linestyles=[dash]), autolim=False
        )
        return
    props = {
        "arrowstyle": "->",
        "color": _COLOR[mark.color],
        "linewidth": mark.width * _POINT,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    for x, y, x2, y2 in zip(mark.x, mark.y, mark.x2, mark.y2, strict=True):
        ax.annotate("", (x2, y2), (x, y), arrowprops=props)


def _faces(ax: Any, mark: Faces) -> None:
    colors = [ramp(mark.ramp)[mark.step(shown)] for shown in mark.shown]
    polygons = [np.column_stack(face) for face in zip(mark.x, mark.y, strict=True)]
    collection = matplotlib_parts().collections.PolyCollection(
        polygons, facecolors=colors, edgecolors=_COLOR["paper"], linewidths=0.4
    )
    ax.add_collection(collection, autolim=False)


def _edges(ax: Any, mark: Edges) -> None:
    order = sorted(range(len(mark)), key=mark.width)
    lines = [((mark.x[i], mark.y[i]), (mark.x2[i], mark.y2[i])) for i in order]
    signs = ["quiet" if math.isnan(v) else "minus" if v < 0 else "plus" for v in mark.values]
    collection = matplotlib_parts().collections.LineCollection(
        lines,
        colors=[_COLOR[signs[i]] for i in order],
        linewidths=[mark.width(i) * _POINT for i in order],
        linestyles=[_DASHES["dashed" if signs[i] == "minus" else "solid"] for i in order],
        alpha=[_opacity(mark, i) for i in order],
    )
    ax.add_collection(collection, autolim=False)


def _opacity(mark: Edges, item: int) -> float:
    value = mark.values[item]
    return 0.6 if math.isnan(value) else 0.36 + 0.6 * min(1.0, abs(value) / (mark.largest or 1.0))


def _neurons(ax: Any, mark: Neurons) -> None:
    size = (2 * mark.radius * _POINT) ** 2
    flags = mark.flags or ("",) * len(mark)
    fills = [_COLOR["paper"] if math.isnan(v) else ramp("diverging")[mark.step(v)] for v in mark.values]
    edges = [_COLOR["bad" if flag else "ink"] for flag in flags]
    ax.scatter(
        mark.x,
        mark.y,
        s=size,
        marker="s" if mark.square else "o",
        facecolors=fills,
        edgecolors=edges,
        zorder=4,
        linewidths=[2.2 if flag == "saturated" else 0.9 for flag in flags],
    )
    dead = [i for i, flag in enumerate(flags) if flag == "dead"]
    ax.scatter(
        [mark.x[i] for i in dead],
        [mark.y[i] for i in dead],
        s=size * 0.4,
        marker="x",
        color=_COLOR["bad"],
        zorder=5,
    )
    for i, text in enumerate(mark.texts):
        if flags[i] != "dead":
            known = not math.isnan(mark.values[i])
            color = _COLOR[text_on("diverging", mark.step(mark.values[i])) if known else "ink"]
            ax.annotate(
                text, (mark.x[i], mark.y[i]), ha="center", va="center", color=color, fontsize=7.5, zorder=5
            )


def _boxes(ax: Any, mark: Boxes) -> None:
    patches = matplotlib_parts().patches
    for x, y, x2, y2, text in zip(mark.x, mark.y, mark.x2, mark.y2, mark.texts, strict=True):
        ax.add_patch(
            patches.Rectangle(
                (x, y), x2 - x, y2 - y, facecolor=_COLOR["paper"], edgecolor=_COLOR["quiet"], zorder=3
            )
        )
        ax.annotate(text, ((x + x2) / 2, (y + y2) / 2), ha="center", va="center", fontsize=7.5, zorder=5)


ON_AXES: dict[type, Callable[[Any, Any], None]] = {
    Points: _points, Curve: _curve, Band: _band, Bars: _bars, Intervals: _intervals, Quantiles: _quantiles, Tiles: _tiles,
    Rules: _rules, Writing: _words, Contours: _contours, Arrows: _arrows, Faces: _faces, Edges: _edges, Neurons: _neurons,
    Boxes: _boxes,
}  # fmt: skip
"""What draws each kind of mark on axes."""
