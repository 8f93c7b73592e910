"""A plot with the numbers behind it, in scikit-learn's manner, drawn by Matplotlib or as SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from chainrule._notebook import Shown
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.mpl.axes import draw_all, draw_on
from chainrule.plots.twin import Twin


class Shows(NamedTuple):
    """What a display draws, and the numbers behind it by name."""

    chart: Chart | Charts
    values: Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Display(Shown):
    """A plot: ``chart`` is its record, ``values`` the numbers behind it, each an attribute too.

    A notebook shows it as SVG, without Matplotlib; `plot` draws it on axes. Attributes that `plot` sets are ``ax_`` (of small
    multiples an array of axes) and ``figure_``.
    """

    chart: Chart | Charts
    values: Mapping[str, Any]

    _shown_by: ClassVar[str] = "chainrule.plots.svg.notebook:display"

    def __getattr__(self, name: str) -> Any:
        """Return one of the values."""
        found = self.__dict__.get("values", {})
        if name not in found:
            raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(found)}")
        return found[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.values]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.chart.title!r}, {', '.join(self.values)})"

    def plot(self, ax: Any = None) -> Self:
        """Draw on Matplotlib axes and return the display.

        Parameters
        ----------
        ax : matplotlib axes, default=None
            New ones if None. Small multiples take the place of the axes that they are given.

        Returns
        -------
        display : display
            This one, with ``ax_`` and ``figure_``. Raises SettingsError where Matplotlib isn't installed.
        """
        drawn = draw_on(self.chart, ax) if isinstance(self.chart, Chart) else draw_all(self.chart, ax=ax)
        figure = drawn.figure if isinstance(self.chart, Chart) else drawn[0].figure
        self.__dict__.update(ax_=drawn, figure_=figure)
        return self

    def table(self) -> Twin:
        """Return what is drawn as a header and rows."""
        return self.chart.table()

    @classmethod
    def _of(cls, made: Shows, ax: Any) -> Self:
        display = cls(made.chart, made.values)
        return display if ax is None else display.plot(ax)


class DrawnDisplay(Display):
    """A display that one function makes: a class of its own names it as ``draws``."""

    _draws: ClassVar[Callable[..., Shows]]

    def __init_subclass__(cls, draws: Callable[..., Shows] | None = None) -> None:
        """Take what draws it; what several such displays have in common has none."""
        if draws is not None:
            cls._draws = staticmethod(draws)
