"""The shapes of points, told apart without color."""

from chainrule.plots.marks import Shape
from chainrule.plots.svg.element import Attribute, element, path

# Corners around the middle for a radius of 1, areas like that of the circle.
_CORNERS = {
    "square": ((-0.89, 0.89, 0.89, -0.89), (-0.89, -0.89, 0.89, 0.89)),
    "diamond": ((0.0, 1.25, 0.0, -1.25), (-1.25, 0.0, 1.25, 0.0)),
    "triangle": ((0.0, 1.3, -1.3), (-1.35, 0.95, 0.95)),
}


def shape(
    kind: Shape, x: float, y: float, radius: float, inside: str = "", data: dict[str, Attribute] | None = None
) -> str:
    """Return a point of a shape; its color is that of the group it stands in."""
    data = data or {}
    if kind in _CORNERS:
        xs, ys = _CORNERS[kind]
        d = path([x + radius * a for a in xs], [y + radius * b for b in ys], closed=True)
        return element("path", inside, d=d, **data)
    if kind == "cross":
        r = 0.9 * radius
        return element(
            "path",
            inside,
            d=path((x - r, x + r), (y - r, y + r)) + path((x - r, x + r), (y + r, y - r)),
            **data,
        )
    return element("circle", inside, cx=x, cy=y, r=radius, **data)
