"""The cost over one weight, and along the line of the update, at the place that is shown: pictures with their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.errors import SettingsError
from chainrule.explain.curve import cost_curve
from chainrule.explain.line import cost_line
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.curve import curve_chart
from chainrule.explain.show.line import line_chart, line_numbers
from chainrule.explain.show.showing import Showing
from chainrule.plots.svg.draw import to_svg
from chainrule.plots.svg.page import table
from chainrule.studio.protocol.nested import Node, nested
from chainrule.studio.shown.looking import Look
from chainrule.studio.shown.numbers import naming_of
from chainrule.studio.shown.pictures import WIDTHS

POINTS = 121
"""The points of a curve."""


def line_picture(look: Look, query: Mapping[str, Any], notation: str) -> dict[str, Any]:
    """Return the cost over the weight ``name``, or along the line ``name`` (gradient, step), for the rows of the next update."""
    width, name, trace = (
        min(max(query.get("width", 560), WIDTHS[0]), WIDTHS[1]),
        query.get("name"),
        look.batch,
    )
    if trace is None:
        raise SettingsError("no update follows here: go back to one that does")
    naming = naming_of(look, notation)
    if query["kind"] == "weight":
        address = name or look.course.layout.address(0)
        curve = cost_curve(trace, address, points=POINTS)
        small = Showing(naming=naming).small
        chart = curve_chart(curve, (small(address), small("C")))
        return {"title": chart.title, "nodes": nested(to_svg(chart, width)), "table": nested(table(chart))}
    if name not in (None, "gradient", "step"):
        raise SettingsError(f"there is no line {name!r}: choose gradient or step")
    line = cost_line(trace, along="step" if name == "step" else "gradient", points=POINTS)
    chart = line_chart(line, naming)
    numbers = _numbers(line_numbers(line, naming=naming), naming)
    return {
        "title": chart.title,
        "nodes": [*nested(to_svg(chart, width)), numbers],
        "table": nested(table(chart)),
    }


def _numbers(grid: Any, naming: Naming | None) -> Node:
    """Return a grid of numbers as a table, its addresses called as the notation does."""
    rows: list[Any] = [
        ["tr", {}, ["th", {"scope": "row"}, words], ["td", {}, value]] for _, words, value in grid.rows
    ]
    caption = f"Of the rows of the next update; {Showing(naming=naming).small('C')} is their cost."
    return ["table", {"class": "before-after"}, ["caption", {}, caption], ["tbody", {}, *rows]]
