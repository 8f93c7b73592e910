"""Which function draws each kind of mark."""

from collections.abc import Callable, Iterator
from typing import Any

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
from chainrule.plots.svg import bars, cells, marks, network
from chainrule.plots.svg.frame import Frame

DRAWN: dict[type, Callable[[Any, Frame], Iterator[str]]] = {
    Points: marks.points, Curve: marks.curve, Band: marks.band, Rules: marks.rules, Writing: marks.writing, Arrows: marks.arrows,
    Bars: bars.bars, Intervals: bars.intervals, Quantiles: bars.quantiles, Tiles: cells.tiles, Faces: cells.faces,
    Contours: cells.contour_lines, Edges: network.edges, Neurons: network.neurons, Boxes: network.boxes,
}  # fmt: skip
