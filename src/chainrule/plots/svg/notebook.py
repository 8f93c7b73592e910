"""How a notebook shows a plot: its SVG with the style sheet in it."""

from collections.abc import Callable, Mapping
from typing import Protocol

from chainrule.plots.chart import Chart, Charts
from chainrule.plots.svg.draw import to_svg


class HasChart(Protocol):
    """What has a plot besides other things."""

    @property
    def chart(self) -> Chart | Charts:
        """The plot."""


def display(shown: HasChart) -> Mapping[str, Callable[[], str]]:
    """Return the texts of the plot of what has one by MIME type."""
    return {**plot(shown.chart), "text/plain": lambda: repr(shown)}


def plot(shown: Chart | Charts) -> Mapping[str, Callable[[], str]]:
    """Return a plot's texts by MIME type."""
    return {
        "text/plain": lambda: f"{shown.title}. {shown.description}",
        "text/html": lambda: to_svg(shown, alone=True),
    }
