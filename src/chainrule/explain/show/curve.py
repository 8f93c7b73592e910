"""The cost over one weight for a reader: a picture made of signs, and the numbers in it."""

from __future__ import annotations

import math
from collections.abc import Callable

from chainrule._numbers import DIGITS, number_text
from chainrule.explain.curve import CostCurve
from chainrule.explain.derive.grid import Grid
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.document import Block, Document, GridBlock, Plot
from chainrule.explain.show.json import notation_data
from chainrule.explain.show.showing import Showing
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.step import step_chart

COLUMNS, LINES = 61, 17
"""The size of the picture, so that it fits 80 columns with its axes."""

AXIS = 4
"""The digits at the ends of the axes."""

CURVE, TANGENT, START, LANDING, BOTH = "*", ".", "A", "Z", "@"


def curve_blocks(curve: CostCurve, digits: int = DIGITS, naming: Naming | None = None) -> list[Block]:
    """Return the picture of a curve, and a table of its numbers; ``naming`` has the names if they aren't ours."""
    name = Showing(naming=naming).name
    numbers = _numbers(curve, digits, name)
    told: Block = numbers if naming is None else GridBlock(numbers, naming)
    small = Showing(naming=naming).small
    names = (name(curve.address), name("C")), (small(curve.address), small("C"))
    return [_picture(curve, *names), told]


def curve_document(
    curve: CostCurve,
    *,
    digits: int = DIGITS,
    origin: dict[str, str] | None = None,
    naming: Naming | None = None,
) -> Document:
    """Return the document of a curve; programs get all of its points."""
    title = f"The cost over {Showing(naming=naming).name(curve.address)}, all else held"
    blocks = tuple(curve_blocks(curve, digits, naming))
    data = curve.to_dict()
    if naming is not None:
        data["notation"] = notation_data(_names(curve), naming)
        origin = {**(origin or {}), "notation": naming.notation.name}
    return Document(title, blocks, origin=origin or {}, data=data)


def _names(curve: CostCurve) -> tuple[str, ...]:
    """Return the addresses of a curve's numbers: the parameter's, C, the slope and where the step lands."""
    after = curve.address.replace("[", "_new[", 1)
    return (curve.address, "C", f"dC/d{curve.address}", after, "C_new", "eta")


def _numbers(curve: CostCurve, digits: int, name: Callable[[str], str]) -> Grid:
    step = (
        "a step of the learning rate times the slope" if curve.eta is not None else "the training's own step"
    )
    rows: list[tuple[str, str, float]] = [
        (curve.address, "where it stands: A", curve.w),
        ("C", "the cost there", curve.cost),
        (f"dC/d{curve.address}", "the slope of the tangent", curve.slope),
        *([(name("eta"), "the learning rate", curve.eta)] if curve.eta is not None else []),
        (curve.address.replace("[", "_new[", 1), f"where the step lands: Z, {step}", curve.landing),
        ("C_new", "the cost there, all other weights held", curve.landing_cost),
        ("", "what the tangent says of it: the cost, and the slope times the step", curve.tangent_cost),
    ]
    lines = tuple((left, words, number_text(value, digits)) for left, words, value in rows)
    return Grid(("number", "what it is", "value"), lines, ("number", "what it is"))


def _picture(curve: CostCurve, names: tuple[str, str], small: tuple[str, str]) -> Plot:
    """Return the curve in signs and as a plot, the weight and the cost by their ``names`` and by their ``small`` ones."""
    name, cost_name = names
    finite = [cost for cost in (*curve.costs, curve.cost, curve.landing_cost) if math.isfinite(cost)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    left, right = curve.values[0], curve.values[-1]
    signs = [[" "] * COLUMNS for _ in range(LINES)]

    def put(w: float, cost: float, sign: str) -> None:
        if not (left <= w <= right and low <= cost <= high):
            return
        column = round((w - left) / (right - left) * (COLUMNS - 1))
        line = signs[round((high - cost) / (high - low) * (LINES - 1))]
        line[column] = BOTH if {sign, line[column]} == {START, LANDING} else sign

    for column in range(COLUMNS):
        w = left + (right - left) * column / (COLUMNS - 1)
        put(w, curve.tangent(w), TANGENT)
    for w, cost in zip(curve.values, curve.costs, strict=True):
        put(w, cost, CURVE)
    put(curve.w, curve.cost, START)
    put(curve.landing, curve.landing_cost, LANDING)
    ends = {0: number_text(high, AXIS), LINES - 1: number_text(low, AXIS)}
    width = max(map(len, ends.values()))
    lines = [f"{ends.get(place, ''):>{width}} |{''.join(line)}" for place, line in enumerate(signs)]
    first, last = number_text(left, AXIS), number_text(right, AXIS)
    lines.append(" " * (width + 1) + "+" + "-" * COLUMNS)
    lines.append(" " * (width + 2) + first + f"{last:>{COLUMNS - len(first)}}")
    key = f"{name} to the right, {cost_name} up; {CURVE} the cost, {TANGENT} its tangent, {START} where the weight stands, "
    return Plot(
        tuple(lines), f"{key}{LANDING} where the step lands ({BOTH}: both)", curve_chart(curve, small)
    )


def curve_chart(curve: CostCurve, names: tuple[str, str]) -> Chart:
    """Return the picture of a curve; ``names`` are the weight's and the cost's."""
    return step_chart(
        curve.values,
        curve.costs,
        start=(curve.w, curve.cost),
        slope=curve.slope,
        landing=(curve.landing, curve.landing_cost),
        x_name=names[0],
        y_name=names[1],
        title=f"{names[1]} over {names[0]}, all else held",
        addresses=("C", "C_new"),
    )
