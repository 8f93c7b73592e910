"""``chainrule formulas``: what can be chosen, each with its formula."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, closest
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.equations.optimizers import Optimizer

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

    name, rows = chosen_format(options), _rows()
    kinds = [options.kind] if options.kind else KINDS
    tables = tuple(TableBlock(KINDS[kind], tuple(rows[kind])) for kind in kinds)
    deliver(Document("Formulas" if name in ("html", "latex") else "", tables), name, options)


def _rows() -> Mapping[str, Iterable[tuple[str, ...]]]:
    """Return a row for each record, by kind."""
    from chainrule.equations.activations import ACTIVATIONS
    from chainrule.equations.initializers import INITIALIZERS
    from chainrule.equations.losses import LOSSES
    from chainrule.equations.optimizers import OPTIMIZERS
    from chainrule.equations.schedules import SCHEDULES, STRENGTHS
    from chainrule.tables.scalings import SCALINGS

    return {
        "activations": ((_name(one), one.text, one.range) for one in ACTIVATIONS.values()),
        "losses": ((_name(one), one.text, one.over_outputs) for one in LOSSES.values()),
        "optimizers": ((_name(one), _lines(one), f"{one.learning_rate:g}") for one in OPTIMIZERS.values()),
        "schedules": ((_name(one), one.text) for one in SCHEDULES.values()),
        "strengths": ((_name(one), one.text) for one in STRENGTHS.values()),
        "initializers": ((_name(one), one.text) for one in INITIALIZERS.values()),
        "scalings": ((one.name, one.formula) for one in SCALINGS.values()),
    }


def _lines(one: Optimizer) -> str:
    return "\n".join(f"{name} = {formula}" for name, formula in one.lines) or "line search, by SciPy"


def _name(record: Any) -> str:
    """Return a record's name, its parameters below it."""
    return "\n".join([record.name, *(f"  {key}={value:.6g}" for key, value in record.parameters.items())])
