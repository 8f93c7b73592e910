"""A plot on axes of Matplotlib: one's own, or new ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import SettingsError
from chainrule.plots.axes import Axis
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.colors import COLORS, STEPS, ramp
from chainrule.plots.marks import Faces, Tiles
from chainrule.plots.mpl.marks import ON_AXES, matplotlib_parts
from chainrule.plots.ticks import short_number, tick_texts, ticks
from chainrule.plots.widths import text_width

_MOST_TICKS = 8

CELL = 0.62
"""The side of a cell between two axes of names, in inches."""


def draw_on(chart: Chart, ax: Any = None) -> Any:
    """Draw a plot on Matplotlib axes (new ones if None) and return them; raises SettingsError without Matplotlib."""
    if ax is None:
        (ax,) = _new_axes((chart,))
    _axis(ax, chart.x, "x", square=bool(chart.y.names))
    _axis(ax, chart.y, "y")
    for mark in chart.marks:
        ON_AXES[type(mark)](ax, mark)
        if isinstance(mark, Tiles | Faces) and mark.legend:
            _color_bar(ax, mark)
    ax.set_title(chart.title, loc="left", fontsize="medium", fontweight="bold", wrap=True)
    ax.spines[["top", "right"]].set_visible(False)
    if not chart.x.shown:
        ax.set_axis_off()
    if chart.x.names and chart.y.names:
        ax.set_aspect("equal")
    named = any(ax.get_legend_handles_labels()[1])
    if named and chart.legend != "none":
        ax.legend(frameon=False, fontsize="small")
    return ax


def draw_all(charts: Charts, figure: Any = None, *, ax: Any = None) -> Any:
    """Draw small multiples on axes of a Matplotlib figure (a new one if None) and return an array of the axes.

    ``ax`` are axes whose place they take, or one for each of them. Raises SettingsError for axes that don't fit.
    """
    axes = _new_axes(charts.charts, charts.columns, figure) if ax is None else None
    title = None if ax is None else getattr(ax, "set_title", None)
    if axes is None:
        axes = _axes_within(charts, ax) if title else np.array(ax, object).ravel()
        if len(axes) != len(charts.charts):
            raise SettingsError(
                f"ax: {len(charts.charts)} axes were expected, one for each plot, or a single one, not {len(axes)}"
            )
    for i, (chart, own) in enumerate(zip(charts.charts, axes, strict=True)):
        draw_on(chart, own)
        if i and own.get_legend():
            own.get_legend().remove()
        if charts.shared in ("x", "both") and i + min(charts.columns, len(axes)) < len(axes):
            own.set_xlabel("")  # written once, below the last
            own.tick_params("x", labelbottom=False)
    if ax is None:
        axes[0].figure.suptitle(charts.title)
    elif title:
        title(charts.title, pad=24)
    return axes


def _axes_within(charts: Charts, ax: Any) -> Any:
    """Return axes that take the place of others, which are left blank."""
    place, count = ax.get_subplotspec(), len(charts.charts)
    if place is None:
        raise SettingsError(
            "ax: axes placed by hand can't be divided among several plots: give those of subplots"
        )
    ax.set_axis_off()
    rows, columns = _grid(count, charts.columns)
    tall = [max(map(_height, charts.charts[i * columns : (i + 1) * columns])) for i in range(rows)]
    inner = place.subgridspec(rows, columns, height_ratios=tall, hspace=0.5, wspace=0.35)
    return np.array([ax.figure.add_subplot(inner[i // columns, i % columns]) for i in range(count)], object)


def _grid(count: int, columns: int) -> tuple[int, int]:
    columns = min(columns, count)
    return -(-count // columns), columns


def _height(chart: Chart) -> float:
    """Return how high a plot's axes are, in inches."""
    if chart.height:
        return chart.height / 60
    if chart.x.names and chart.y.names:
        return max(1.6, min(CELL * len(chart.y.names), 6.0))
    return max(1.6, 0.28 * len(chart.y.names) or 5.4 * min(chart.aspect, 1.0))


def _new_axes(charts: Sequence[Chart], columns: int = 1, figure: Any = None) -> Any:
    rows, columns = _grid(len(charts), columns)
    tall = [max(map(_height, charts[i * columns : (i + 1) * columns])) for i in range(rows)]
    if figure is None:
        size = (6.4 if columns == 1 else 3.2 * columns, sum(tall) + 0.8 * rows)
        figure = matplotlib_parts().pyplot.figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"height_ratios": tall}).ravel()
    for unused in axes[len(charts) :]:
        unused.remove()
    return axes[: len(charts)]


def _axis(ax: Any, axis: Axis, side: str, *, square: bool = False) -> None:
    own, ticker = getattr(ax, f"{side}axis"), matplotlib_parts().ticker
    if axis.scale in ("log", "symlog"):
        getattr(ax, f"set_{side}scale")("function", functions=(axis.curve, axis.uncurve))
    getattr(ax, f"set_{side}lim")(axis.low, axis.high)
    at = ticks(axis, _MOST_TICKS)
    texts = tick_texts(axis, at)
    own.set_major_locator(ticker.FixedLocator(at))
    own.set_major_formatter(ticker.FixedFormatter(texts))
    own.set_minor_locator(ticker.NullLocator())
    getattr(ax, f"set_{side}label")(axis.label)
    if axis.grid:
        own.grid(True, color=COLORS["light"]["line"], linewidth=0.8)
    ax.set_axisbelow(True)
    widths = [text_width(text, 13) + 10 for text in texts]
    if side == "x" and axis.names and (sum(widths) > 480 or (square and max(widths) > 72 * CELL)):
        ax.tick_params("x", rotation=40)
        for label in ax.get_xticklabels():
            label.set_horizontalalignment("right")


def _color_bar(ax: Any, mark: Tiles | Faces) -> None:
    """Put the ramp beside the axes, as far as the mark uses it."""
    parts = matplotlib_parts()
    steps = [mark.step(value) for value in np.linspace(mark.low, mark.high, STEPS)]
    colors = parts.colors.ListedColormap([ramp(mark.ramp)[step] for step in steps])
    shown = parts.cm.ScalarMappable(parts.colors.Normalize(mark.low, mark.high), colors)
    bar = ax.figure.colorbar(shown, ax=ax, label=mark.legend, shrink=0.7)
    bar.set_ticks(
        [mark.low, mark.high], labels=mark.ends or [short_number(end) for end in (mark.low, mark.high)]
    )
