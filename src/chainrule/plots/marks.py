"""The marks of a plot: what is drawn where, in the numbers of the data; a renderer draws it, `twin` tells it as a table.

Each item of a mark (a point, a bar, a cell, an edge) can have a name, an address such as ``W[1][2,3]``, and its exact value
where that isn't the number it is drawn by. A field with one entry for each item may be left out (empty). A category is
drawn at its place among the axis's names: 0, 1, …
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np

from chainrule._plain import IF_SET, AnyNumber, Count, Plain
from chainrule.errors import SettingsError
from chainrule.plots.colors import STEPS, Color, Ramp, step_of

Numbers: TypeAlias = tuple[AnyNumber, ...]
Texts: TypeAlias = tuple[str, ...]
Shape = Literal["circle", "square", "diamond", "triangle", "cross", "ring"]
Dash = Literal["solid", "dashed", "dotted"]

MOST_POINTS = 2000
"""The most points of a mark; more are binned by `plots.bins.scatter`, so that no picture holds all rows of a table."""

SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle", "diamond", "cross", "ring")
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted")
PALETTE: tuple[Color, ...] = ("1", "2", "3", "4", "5", "6")


def floats(values: Any) -> tuple[float, ...]:
    """Return an array of any shape as the floats of a mark, row by row."""
    return tuple(np.asarray(values, np.float64).ravel().tolist())


def nth(choices: tuple[Any, ...], index: int) -> Any:
    """Return the choice of a series by its number, from 0; after the last comes the first again."""
    return choices[index % len(choices)]


def line_style(index: int) -> tuple[Color, Dash]:
    """Return the color and the dash of a series by its number, from 0; no two of the first eighteen have both alike."""
    return nth(PALETTE, index), nth(DASHES, index + index // len(PALETTE))


class Mark(Plain):
    """What all marks have: ``_items`` names the fields with one entry for each item, the first of which counts them."""

    _items: ClassVar[Texts] = ()

    def __post_init__(self) -> None:
        count = len(getattr(self, self._items[0]))
        for name in (*self._items[1:], "names", "addresses", "values"):
            found = getattr(self, name, ())
            needed = name in self._items
            if len(found) != count and (needed or found):
                raise SettingsError(
                    f"{name}: {count} entries were expected, one for each item, not {len(found)}"
                )

    def __len__(self) -> int:
        return len(getattr(self, self._items[0]))


@dataclass(frozen=True)
class Points(Mark, kind="points"):
    """Dots; ``counts`` says how many rows each stands for, which its area shows."""

    x: Numbers
    y: Numbers
    color: Annotated[Color, IF_SET] = "1"
    series: Annotated[str, IF_SET] = ""
    shape: Annotated[Shape, IF_SET] = "circle"
    size: Annotated[float, IF_SET] = 3.5
    """The radius, in pixels; with counts that of the largest."""
    counts: Annotated[tuple[Count, ...], IF_SET] = ()
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()
    values: Annotated[Numbers, IF_SET] = ()

    _items: ClassVar[Texts] = ("x", "y")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.counts and len(self.counts) != len(self.x):
            raise SettingsError(f"counts: {len(self.x)} counts were expected, not {len(self.counts)}")
        if len(self.x) > MOST_POINTS:
            raise SettingsError(
                f"x: {len(self.x)} points are more than {MOST_POINTS}: bin them by plots.scatter"
            )

    def radii(self) -> tuple[float, ...]:
        """Return each point's radius in pixels."""
        most = max(self.counts, default=1)
        return tuple(max(1.1, self.size * math.sqrt(n / most)) for n in self.counts or (most,) * len(self.x))


@dataclass(frozen=True)
class Curve(Mark, kind="curve"):
    """A line through points; nan interrupts it."""

    x: Numbers
    y: Numbers
    color: Annotated[Color, IF_SET] = "1"
    series: Annotated[str, IF_SET] = ""
    dash: Annotated[Dash, IF_SET] = "solid"
    width: Annotated[float, IF_SET] = 2.0
    faint: Annotated[bool, IF_SET] = False
    """Whether it is background: one row of many."""
    step: Annotated[bool, IF_SET] = False
    """Whether y holds until the next x, instead of going straight to it."""
    address: Annotated[str, IF_SET] = ""
    """That of the whole line."""
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()
    values: Annotated[Numbers, IF_SET] = ()

    _items: ClassVar[Texts] = ("x", "y")

    def corners(self) -> tuple[Numbers, Numbers]:
        """Return the x and y that are joined, with the corners of steps."""
        if not self.step:
            return self.x, self.y
        x = tuple(v for i, v in enumerate(self.x) for v in ((v,) if i == 0 else (v, v)))
        y = tuple(v for i, v in enumerate(self.y) for v in ((v,) if i == 0 else (self.y[i - 1], v)))
        return x, y


@dataclass(frozen=True)
class Band(Mark, kind="band"):
    """The area between two lines."""

    x: Numbers
    low: Numbers
    high: Numbers
    color: Annotated[Color, IF_SET] = "1"
    series: Annotated[str, IF_SET] = ""
    address: Annotated[str, IF_SET] = ""
    """That of the whole area."""

    _items: ClassVar[Texts] = ("x", "low", "high")


@dataclass(frozen=True)
class Bars(Mark, kind="bars"):
    """Bars from ``start`` to ``stop``, standing, or lying where ``across``, with ``texts`` at their ends."""

    at: Numbers
    start: Numbers
    stop: Numbers
    width: float
    """Along the axis that the bars stand on."""
    across: Annotated[bool, IF_SET] = False
    color: Annotated[Color, IF_SET] = "1"
    colors: Annotated[tuple[Color, ...], IF_SET] = ()
    series: Annotated[str, IF_SET] = ""
    texts: Annotated[Texts, IF_SET] = ()
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()
    values: Annotated[Numbers, IF_SET] = ()

    _items: ClassVar[Texts] = ("at", "start", "stop")


@dataclass(frozen=True)
class Intervals(Mark, kind="intervals"):
    """From low to high at each place, standing, or lying where ``across``."""

    at: Numbers
    low: Numbers
    high: Numbers
    across: Annotated[bool, IF_SET] = False
    color: Annotated[Color, IF_SET] = "1"
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()

    _items: ClassVar[Texts] = ("at", "low", "high")


@dataclass(frozen=True)
class Quantiles(Mark, kind="quantiles"):
    """Boxes from the first to the third quartile with the median, on a line from low to high."""

    at: Numbers
    low: Numbers
    first: Numbers
    median: Numbers
    third: Numbers
    high: Numbers
    width: float
    across: Annotated[bool, IF_SET] = False
    color: Annotated[Color, IF_SET] = "1"
    series: Annotated[str, IF_SET] = ""
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()

    _items: ClassVar[Texts] = ("at", "low", "first", "median", "third", "high")


@dataclass(frozen=True)
class Tiles(Mark, kind="tiles"):
    """Colored cells of a grid: ``shown[i]`` is that between the edges of its row and column, row by row along y."""

    x: Numbers
    """The edges of the columns, one more than columns."""
    y: Numbers
    shown: Numbers
    """What the color shows; nan is left blank."""
    low: float
    high: float
    ramp: Annotated[Ramp, IF_SET] = "sequential"
    legend: Annotated[str, IF_SET] = ""
    """What the color shows in words; a legend stands above the plot if it is given."""
    ends: Annotated[Texts, IF_SET] = ()
    """What the legend says at its ends, if not ``low`` and ``high``."""
    strength: Annotated[float, IF_SET] = 1.0
    """How far the colors go, from the ramp's quiet end: less than 1 below points."""
    color: Annotated[Color | None, IF_SET] = None
    """Shades of this color instead of the ramp: the cells of a class."""
    texts: Annotated[Texts, IF_SET] = ()
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()
    values: Annotated[Numbers, IF_SET] = ()

    _items: ClassVar[Texts] = ("shown",)

    def step(self, shown: float) -> int:
        """Return which color of the ramp shows a number."""
        middle = 0.0 if self.ramp == "sequential" else 0.5
        share = step_of(shown, self.low, self.high) / (STEPS - 1)
        return round((middle + (share - middle) * self.strength) * (STEPS - 1))

    def opacity(self, shown: float) -> float:
        """Return how strong ``color`` is where it shows a number: eleven steps up to a half."""
        share = step_of(shown, self.low, self.high) // 2 / (STEPS // 2)
        return round(0.06 + 0.44 * share, 3)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.shown) != (len(self.x) - 1) * (len(self.y) - 1):
            raise SettingsError(
                f"shown: {len(self.x) - 1} columns and {len(self.y) - 1} rows don't have {len(self.shown)} cells"
            )

    def corner(self, item: int) -> tuple[float, float, float, float]:
        """Return the edges of a cell: its two x and its two y."""
        row, column = divmod(item, len(self.x) - 1)
        return self.x[column], self.x[column + 1], self.y[row], self.y[row + 1]


@dataclass(frozen=True)
class Rules(Mark, kind="rules"):
    """Lines over the whole plot: at x, or where ``across`` at y."""

    at: Numbers
    across: Annotated[bool, IF_SET] = False
    color: Annotated[Color, IF_SET] = "quiet"
    dash: Annotated[Dash, IF_SET] = "dashed"
    names: Annotated[Texts, IF_SET] = ()
    """Written beside the line."""
    addresses: Annotated[Texts, IF_SET] = ()

    _items: ClassVar[Texts] = ("at",)


@dataclass(frozen=True)
class Writing(Mark, kind="writing"):
    """Texts at places: ``anchor`` says which part of the text is there, ``dx`` and ``dy`` move it by pixels."""

    x: Numbers
    y: Numbers
    texts: Texts
    anchor: Annotated[Literal["start", "middle", "end"], IF_SET] = "middle"
    dx: Annotated[float, IF_SET] = 0.0
    dy: Annotated[float, IF_SET] = 0.0
    size: Annotated[float, IF_SET] = 12.0
    color: Annotated[Color, IF_SET] = "ink"
    bold: Annotated[bool, IF_SET] = False
    plate: Annotated[bool, IF_SET] = False
    """Whether paper below keeps it readable on lines."""
    names: Annotated[Texts, IF_SET] = ()
    """The full texts, where they had to be cut."""
    addresses: Annotated[Texts, IF_SET] = ()
    values: Annotated[Numbers, IF_SET] = ()

    _items: ClassVar[Texts] = ("x", "y", "texts")


@dataclass(frozen=True)
class Contours(Mark, kind="contours"):
    """Lines of equal height: ``levels[i]`` is that of the line through ``x[i]``, ``y[i]``; closed where it ends as it begins."""

    levels: Numbers
    x: tuple[Numbers, ...]
    y: tuple[Numbers, ...]
    color: Annotated[Color, IF_SET] = "quiet"
    width: Annotated[float, IF_SET] = 1.0
    series: Annotated[str, IF_SET] = ""
    addresses: Annotated[Texts, IF_SET] = ()

    _items: ClassVar[Texts] = ("levels", "x", "y")


@dataclass(frozen=True)
class Arrows(Mark, kind="arrows"):
    """Arrows from (x, y) to (x2, y2); lines without a head where ``plain``."""

    x: Numbers
    y: Numbers
    x2: Numbers
    y2: Numbers
    color: Annotated[Color, IF_SET] = "ink"
    series: Annotated[str, IF_SET] = ""
    plain: Annotated[bool, IF_SET] = False
    dash: Annotated[Dash, IF_SET] = "solid"
    width: Annotated[float, IF_SET] = 1.5
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()
    values: Annotated[Numbers, IF_SET] = ()

    _items: ClassVar[Texts] = ("x", "y", "x2", "y2")


@dataclass(frozen=True)
class Faces(Mark, kind="faces"):
    """Filled polygons, drawn in order: those of a surface from the back to the front; color by what is ``shown``."""

    x: tuple[Numbers, ...]
    y: tuple[Numbers, ...]
    shown: Numbers
    low: float
    high: float
    ramp: Annotated[Ramp, IF_SET] = "sequential"
    legend: Annotated[str, IF_SET] = ""
    ends: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()
    values: Annotated[Numbers, IF_SET] = ()

    _items: ClassVar[Texts] = ("x", "y", "shown")

    def step(self, shown: float) -> int:
        """Return which color of the ramp shows a number."""
        return step_of(shown, self.low, self.high)


def ends_of(parts: Iterable[Numbers]) -> tuple[float, float]:
    """Return the smallest and the largest finite number; (0, 1) if there is none."""
    found = [value for part in parts for value in part if math.isfinite(value)]
    return (min(found), max(found)) if found else (0.0, 1.0)
