"""The cost along the line of a step for a reader: the curve, what the gradient foretells, where the step lands, numbers."""

from __future__ import annotations

from chainrule._numbers import DIGITS, number_text
from chainrule.explain.derive.grid import Grid
from chainrule.explain.line import CostLine
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.document import Block, GridBlock, Picture
from chainrule.explain.show.showing import Showing
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.step import step_chart

TITLES = {"gradient": "{cost} along the gradient", "step": "{cost} along the update's own step"}
AXES = {"gradient": "learning rate, along −∇{cost}", "step": "share of the step"}


def line_chart(line: CostLine, naming: Naming | None = None) -> Chart:
    """Return the picture of the cost along a line, with the names of a notation if they aren't ours."""
    cost = Showing(naming=naming).small("C")
    return step_chart(
        line.values,
        line.costs,
        start=(0.0, line.cost),
        slope=line.slope,
        landing=(line.landing, line.landing_cost),
        x_name=AXES[line.along].format(cost=cost),
        y_name=cost,
        title=TITLES[line.along].format(cost=cost),
        addresses=("C", "C_new" if line.along == "step" else ""),
    )


def line_numbers(line: CostLine, digits: int = DIGITS, naming: Naming | None = None) -> Grid:
    """Return the numbers of a line in a table: the prediction C - eta * |g|² beside the truth."""
    show = Showing(naming=naming)
    cost, eta = show.small("C"), show.small("eta")
    gradient = line.along == "gradient"
    said = (
        f"{cost} − {eta}·‖g‖²: what the gradient foretells"
        if gradient
        else f"{cost} + g·d: what the gradient foretells"
    )
    rows = [
        ("C", "the cost where the parameters stand", line.cost),
        ("eta", "the learning rate", line.eta),
        ("", "the length of the gradient, ‖g‖" if gradient else "the length of the step, ‖d‖", line.length),
        ("", "the slope there, −‖g‖²" if gradient else "the slope there, g·d", line.slope),
        ("", said, line.foretold),
        ("" if gradient else "C_new", "the cost there in truth", line.landing_cost),
        ("", "what the prediction is off by: the line bends", line.landing_cost - line.foretold),
    ]
    lines = tuple((left, words, number_text(value, digits)) for left, words, value in rows)
    return Grid(("number", "what it is", "value"), lines, ("number", "what it is"))


def line_blocks(line: CostLine, digits: int = DIGITS, naming: Naming | None = None) -> list[Block]:
    """Return the picture of a line and the table of its numbers."""
    numbers = line_numbers(line, digits, naming)
    told: Block = numbers if naming is None else GridBlock(numbers, naming)
    return [Picture(line_chart(line, naming)), told]
