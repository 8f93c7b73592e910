"""How a notebook shows a plot: its SVG with the style sheet in it."""

from collections.abc import Callable, Mapping

from chainrule.plots.chart import Chart, Charts
from chainrule.plots.svg.draw import to_svg


def plot(shown: Chart | Charts) -> Mapping[str, Callable[[], str]]:
    """Return a plot's texts by MIME type."""
    return {
        "text/plain": lambda: f"{shown.title}. {shown.description}",
        "text/html": lambda: to_svg(shown, alone=True),
    }
