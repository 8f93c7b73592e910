"""The part of a report about two columns at once: what is answered over the plane of the two most important numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.explain.columns.boundary import Boundary
from chainrule.explain.columns.plane import answered_plane, number_columns
from chainrule.explain.show.document import Picture, Words
from chainrule.plots.marks import MOST_POINTS
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported

PLACES = 25
"""The numbers at which each column is set: a page is to stay small."""

MOST_LINES = 8
"""The most lines of the picture's table, whose numbers the JSON has."""


def plane_part(subject: Reported, columns: Sequence[str]) -> ReportPart | None:
    """Return the answers over the first two columns that are numbers, with the rows; None where there aren't two."""
    names = number_columns(subject.model, subject.around, columns)[:2]
    if len(names) < 2:
        return None
    first, second = names
    target = subject.model.target.names[0]
    made = answered_plane(
        subject.model,
        subject.around,
        (first, second),
        target=target,
        places=PLACES,
        points=subject.sample.part,
    )
    dots = len(made.rows)
    rows = f"{'Each point is one' if dots <= MOST_POINTS else 'Points count those'} of {subject.sample.words}"
    what = "Lines part the classes" if isinstance(made, Boundary) else "Lines join places of equal answers"
    said = Words(
        f"{what}. {rows}; its other cells aren't those held, so it may be answered otherwise than its place is.",
        "dim",
    )
    data: dict[str, Any] = {
        "columns": list(made.columns),
        "target": target,
        "held": made.held,
        "places": [made.first.tolist(), made.second.tolist()],
    }
    if isinstance(made, Boundary):
        data["classes"] = list(made.classes)
        if subject.model.gives_probabilities:
            data["probabilities"] = made.probabilities.tolist()
        else:
            # 0 and 1 are no probabilities: the class that is answered is all there is.
            data["answers"] = [
                [made.classes[code] for code in line] for line in made.probabilities.argmax(-1)
            ]
    else:
        data["answers"] = made.values.tolist()
    title = f"Over {first} and {second}"
    return ReportPart("plane", title, (Picture(made.chart(), rows=MOST_LINES), said), data)
