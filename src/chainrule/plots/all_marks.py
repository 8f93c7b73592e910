"""All kinds of marks: what a plot may hold."""

from typing import TypeAlias

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

AnyMark: TypeAlias = (
    Points | Curve | Band | Bars | Intervals | Quantiles | Tiles | Rules | Writing | Contours | Arrows | Faces | Edges
    | Neurons | Boxes
)  # fmt: skip
