"""The marks of a drawn network: edges, neurons, boxes."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from chainrule._plain import IF_SET
from chainrule.plots.colors import step_of
from chainrule.plots.marks import Mark, Numbers, Texts


@dataclass(frozen=True)
class Edges(Mark, kind="edges"):
    """Connections: width by |value| beside ``largest``, sign by dash and by color; where it is nan, a quiet line."""

    x: Numbers
    y: Numbers
    x2: Numbers
    y2: Numbers
    values: Numbers
    largest: float
    widest: Annotated[float, IF_SET] = 5.0
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()

    _items: ClassVar[Texts] = ("x", "y", "x2", "y2", "values")

    def width(self, item: int) -> float:
        """Return the width of an edge in pixels."""
        value = abs(self.values[item])
        return (
            0.8 if math.isnan(value) else 0.5 + (self.widest - 0.5) * min(1.0, value / (self.largest or 1.0))
        )


@dataclass(frozen=True)
class Neurons(Mark, kind="neurons"):
    """Neurons: filled by their value from ``-largest`` to ``largest`` (nan: paper), marked where something is wrong with them."""

    x: Numbers
    y: Numbers
    values: Numbers
    largest: float
    radius: float
    texts: Annotated[Texts, IF_SET] = ()
    """Written inside, where they fit."""
    flags: Annotated[tuple[Literal["", "dead", "saturated"], ...], IF_SET] = ()
    square: Annotated[bool, IF_SET] = False
    """Whether they are inputs that are always 1: what a bias is multiplied by."""
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()

    _items: ClassVar[Texts] = ("x", "y", "values")

    def step(self, value: float) -> int:
        """Return which color of the diverging ramp shows a value."""
        return step_of(value, -self.largest, self.largest)


@dataclass(frozen=True)
class Boxes(Mark, kind="boxes"):
    """Rectangles from (x, y) to (x2, y2) with lines of text in them: a feature stage, a layer too large to draw."""

    x: Numbers
    y: Numbers
    x2: Numbers
    y2: Numbers
    texts: Texts
    """Lines are parted by a line end."""
    names: Annotated[Texts, IF_SET] = ()
    addresses: Annotated[Texts, IF_SET] = ()

    _items: ClassVar[Texts] = ("x", "y", "x2", "y2", "texts")
