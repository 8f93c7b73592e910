"""How a notebook shows a plot: its SVG with the style sheet in it."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from chainrule.plots.chart import Chart, Charts
from chainrule.plots.svg.draw import WIDE, to_svg


class HasChart(Protocol):
    """What has a plot besides other things."""

    @property
    def chart(self) -> Chart | Charts:
        """The plot."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Its numbers by name; ``width``, in pixels, where the plot is laid out for one."""


def display(shown: HasChart) -> Mapping[str, Callable[[], str]]:
    """Return the texts of the plot of what has one by MIME type."""
    return {
        "text/plain": lambda: repr(shown),
        "text/html": lambda: to_svg(shown.chart, shown.values.get("width", WIDE), alone=True),
    }


def plot(shown: Chart | Charts) -> Mapping[str, Callable[[], str]]:
    """Return a plot's texts by MIME type."""
    return {
        "text/plain": lambda: f"{shown.title}. {shown.description}",
        "text/html": lambda: to_svg(shown, alone=True),
    }
