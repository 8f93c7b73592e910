"""The part of a report about the mountain of gradient descent: the cost over two weights, where training left them."""

from __future__ import annotations

import numpy as np

from chainrule.explain.check.certificate import batch_of
from chainrule.explain.show.document import Picture, Words
from chainrule.explain.slice import TRIED, cost_slice
from chainrule.plots.svg.draw import NARROW
from chainrule.plots.ticks import short_number
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.reports.words import rows_shown

MOST_ROWS = 200
"""The most rows whose cost is taken: a report is to be made in seconds."""

MOST_NUMBERS = 200_000
"""The most parameters of a network whose cost is looked at so often."""

MOST_LINES = 5
"""The most lines of the picture's table, whose numbers the JSON has."""


def mountain_part(subject: Reported) -> ReportPart | None:
    """Return the cost over the two weights that the first member needs most.

    None without a target, for a network of fewer than two weights, and for a large one.
    """
    one = subject.model.member(0)
    if subject.evaluation is None or one.parameters.shape[1] > MOST_NUMBERS:
        return None
    batch = batch_of(subject.model, subject.sample.part, n_rows=MOST_ROWS, seed=subject.seed)
    if np.count_nonzero(batch.layout.decayed) < 2:
        return None
    found = cost_slice(batch)
    first, second = found.addresses
    others = len(batch.flat) - 2
    whose = "" if subject.model.members == 1 else " of member 1"
    costs = [short_number(cost, 4) for cost in (found.cost, *found.without)]
    said = (
        f"The cost{whose} on {rows_shown(len(batch.x))}, without penalties: {costs[0]} where training left it; {costs[1]} with "
        f"{first} = 0, {costs[2]} with {second} = 0, which of the {TRIED} weights tried raise it most. "
        f"An exact slice: the other {others:,} parameters are held. The page that opens with chainrule studio "
        f"{subject.name} {subject.table.name} has the path that training took."
    )
    data = {
        "weights": list(found.addresses),
        "at": list(found.at),
        "cost": found.cost,
        "without": list(found.without),
        "rows": len(batch.x),
        "places": [found.first.tolist(), found.second.tolist()],
        "costs": found.costs.tolist(),
    }
    return ReportPart(
        "mountain",
        "The mountain",
        (Picture(found.chart(), width=NARROW, rows=MOST_LINES), Words(said, "dim")),
        data,
    )
