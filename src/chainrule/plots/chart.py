"""A plot as a record: a title, what it shows in words, two axes and marks; and small multiples, plots that are read together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from chainrule._notebook import Shown
from chainrule._plain import IF_SET, Count, Plain
from chainrule.errors import SettingsError
from chainrule.plots.all_marks import AnyMark
from chainrule.plots.axes import Axis
from chainrule.plots.marks import Points
from chainrule.plots.twin import Twin, stacked, twin_of


@dataclass(frozen=True)
class Chart(Plain, Shown, kind="chart"):
    """A plot: what a renderer needs, and nothing else.

    ``aspect`` is the height of the plot's frame by its width, unless an axis of names or ``height`` (pixels) says how high it
    is. ``note`` is a line below: what was left out, by which rule. ``legend`` says whether series are named: beside the ends of
    their lines where that can be read, otherwise above.
    """

    title: str
    description: str
    x: Axis
    y: Axis
    marks: tuple[AnyMark, ...]
    note: Annotated[str, IF_SET] = ""
    aspect: Annotated[float, IF_SET] = 0.56
    height: Annotated[float, IF_SET] = 0.0
    legend: Annotated[Literal["ends", "above", "none"], IF_SET] = "above"

    _shown_by = "chainrule.plots.svg.notebook:plot"

    def __post_init__(self) -> None:
        if not self.title or not self.description:
            raise SettingsError("title: a plot needs a title and a description for who can't see it")

    def table(self) -> Twin:
        """Return what is drawn as a header and rows."""
        return twin_of(self.x, self.y, self.marks)

    def binned(self) -> bool:
        """Return whether points stand for several rows."""
        return any(isinstance(mark, Points) and mark.counts for mark in self.marks)


@dataclass(frozen=True)
class Charts(Plain, Shown, kind="charts"):
    """Small multiples: plots side by side, ``columns`` of them in a row where there is room for that.

    ``shared`` says which axes are the same for all: they are written once.
    """

    title: str
    description: str
    charts: tuple[Chart, ...]
    columns: Count = 2
    shared: Annotated[Literal["none", "x", "y", "both"], IF_SET] = "none"
    note: Annotated[str, IF_SET] = ""

    _shown_by = "chainrule.plots.svg.notebook:plot"

    def __post_init__(self) -> None:
        if not self.charts:
            raise SettingsError("charts: there is no plot")
        if self.columns < 1:
            raise SettingsError("columns: there must be at least one")
        first = self.charts[0]
        for name in ("x", "y"):
            axes = {getattr(chart, name) for chart in self.charts}
            if self.shared in (name, "both") and len(axes) > 1:
                raise SettingsError(f"shared: the {name} axis of {first.title!r} is not that of the others")

    def table(self) -> Twin:
        """Return the tables of the plots below each other, each row with its plot's title."""
        return stacked([(chart.title, chart.table()) for chart in self.charts])


def alike(charts: Sequence[Chart], share: Literal["x", "y", "both"]) -> tuple[Chart, ...]:
    """Return plots with one axis for all of them, wide enough for each."""
    if not charts:
        return ()
    made = list(charts)
    for name in ("x", "y") if share == "both" else (share,):
        axes: list[Axis] = [chart.x if name == "x" else chart.y for chart in charts]
        low, high = min(axis.low for axis in axes), max(axis.high for axis in axes)
        axis = replace(axes[0], low=low, high=high)
        made = [replace(chart, x=axis) if name == "x" else replace(chart, y=axis) for chart in made]
    return tuple(made)
