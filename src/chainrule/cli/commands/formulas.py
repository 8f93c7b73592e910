"""``chainrule formulas``: what can be chosen, each with its formula."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, closest
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.explain.show.document import Cell

EXAMPLES = """
chainrule formulas
chainrule formulas activations
"""

KINDS = {
    "activations": ("--activation", "a = f(z)", "range"),
    "losses": ("--loss", "of one output a and target y", "outputs"),
    "optimizers": ("--optimizer", "update of w by its gradient g", "eta"),
    "schedules": ("--schedule", "learning rate in step t of T"),
    "strengths": (
        "--regularization-schedule",
        "factor of dropout and weight decay, t: share of training done",
    ),
    "initializers": ("--init", "weight, of u in [0, 1) or normal n"),
    "scalings": ("--scaling", "input of the number v in the table"),
}
"""The headers of each table."""

FORMULAS = ("formula", "lines", "range")
"""What of a record is a formula, in the order of its columns."""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "formulas",
        "[KIND]",
        "Show every name that an option of train takes, with its formula. Parameters can be set, as in "
        "--activation 'leaky_relu(alpha=0.2)'; activations and losses can be formulas of your own.",
        EXAMPLES,
    )
    made.options("what", {"[KIND]": f"one of {', '.join(KINDS)}; all if not given"})
    document_options(made)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    if options.kind is not None and options.kind not in KINDS:
        raise SettingsError(f"there are no formulas called {options.kind!r}; {closest(options.kind, KINDS)}")
    from chainrule.explain.show.document import Document, TableBlock

    name, records = chosen_format(options), _records()
    data = {kind: records[kind] for kind in ([options.kind] if options.kind else KINDS)}
    tables = tuple(TableBlock(KINDS[kind], tuple(map(_row, rows))) for kind, rows in data.items())
    deliver(Document("Formulas", tables, data=data), name, options)


def _records() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return what there is to say of each record, by kind: its name, its parameters, and what `KINDS` has headers for."""
    from chainrule.equations.activations import ACTIVATIONS
    from chainrule.equations.initializers import INITIALIZERS
    from chainrule.equations.losses import LOSSES
    from chainrule.equations.optimizers import OPTIMIZERS
    from chainrule.equations.schedules import SCHEDULES, STRENGTHS
    from chainrule.tables.encoding.scalings import SCALINGS

    def said(one: Any, **others: Any) -> Mapping[str, Any]:
        parameters = one.parameters if isinstance(one.parameters, Mapping) else {}
        return {"name": one.name, "parameters": parameters, **others}

    return {
        "activations": [said(one, formula=one.text, range=one.range) for one in ACTIVATIONS.values()],
        "losses": [said(one, formula=one.text, over_outputs=one.over_outputs) for one in LOSSES.values()],
        "optimizers": [
            said(one, lines=[" = ".join(line) for line in one.lines], learning_rate=one.learning_rate)
            for one in OPTIMIZERS.values()
        ],
        "schedules": [said(one, formula=one.text) for one in SCHEDULES.values()],
        "strengths": [said(one, formula=one.text) for one in STRENGTHS.values()],
        "initializers": [said(one, formula=one.text) for one in INITIALIZERS.values()],
        "scalings": [said(one, formula=one.formula) for one in SCALINGS.values()],
    }


def _row(record: Mapping[str, Any]) -> tuple[Cell, ...]:
    """Return a record as a row of cells: its parameters below its name, each line below the other."""
    from chainrule.explain.show.document import Styled

    name, parameters, *others = (record[key] for key in record if key not in FORMULAS)
    named = "\n".join([name, *(f"  {key}={value:.6g}" for key, value in parameters.items())])
    made = [formula_cell(record[key]) for key in FORMULAS if key in record]
    return (
        Styled(named, as_typed=True),
        *made,
        *(one if isinstance(one, str) else f"{one:g}" for one in others),
    )


def formula_cell(value: str | list[str]) -> Cell:
    """Return a formula, lines of formulas, or the two ends of a range, as a cell."""
    from chainrule.explain.show.document import with_formulas

    if isinstance(value, list):
        return with_formulas("\n".join(map("${}$".format, value)) or "line search, by SciPy")
    ends = value[1:-1].split(", ")
    if value[:1] in "[(" and value[-1:] in ")]" and len(ends) == 2 and "(" not in value[1:-1]:
        return with_formulas(f"{value[0]}${ends[0]}$, ${ends[1]}${value[-1]}")
    return with_formulas(value if value.startswith("{") else f"${value}$")
