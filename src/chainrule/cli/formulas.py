"""``chainrule formulas``: what can be chosen, each with its formula."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, closest
from chainrule.errors import SettingsError

EXAMPLES = """
chainrule formulas
chainrule formulas activations
"""

Row = tuple[str, ...]


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "formulas",
        "[KIND]",
        "Show every name that an option of train takes, with its formula. Parameters can be set, as in "
        "--activation 'leaky_relu(alpha=0.2)'; activations and losses can be formulas of your own.",
        EXAMPLES,
    )
    made.option(
        "what", "kind", metavar="KIND", nargs="?", help=f"one of {', '.join(KINDS)}; all if not given"
    )
    document_options(made)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    if options.kind is not None and options.kind not in KINDS:
        raise SettingsError(f"there are no formulas called {options.kind!r}; {closest(options.kind, KINDS)}")
    from chainrule.explain.show.document import Document, Table

    name = chosen_format(options)
    tables = []
    for kind in [options.kind] if options.kind else KINDS:
        header, *rows = KINDS[kind]()
        tables.append(Table(header, tuple(rows)))
    deliver(Document("Formulas" if name in ("html", "latex") else "", tuple(tables)), name, options)


def _activations() -> Iterator[Row]:
    from chainrule.equations.activations import ACTIVATIONS

    yield "--activation", "a = f(z)", "range"
    for record in ACTIVATIONS.values():
        yield _name(record), record.text, record.range


def _losses() -> Iterator[Row]:
    from chainrule.equations.losses import LOSSES

    yield "--loss", "of one output a and target y", "outputs"
    for record in LOSSES.values():
        yield _name(record), record.text, record.over_outputs


def _optimizers() -> Iterator[Row]:
    from chainrule.equations.optimizers import OPTIMIZERS

    yield "--optimizer", "update of w by its gradient g", "eta"
    for record in OPTIMIZERS.values():
        lines = [f"{name} = {formula}" for name, formula in record.lines]
        yield (
            _name(record),
            "\n".join(lines) or "line search, by SciPy",
            f"{record.learning_rate:g}",
        )


def _schedules() -> Iterator[Row]:
    from chainrule.equations.schedules import SCHEDULES

    yield "--schedule", "learning rate in step t of T"
    for record in SCHEDULES.values():
        yield _name(record), record.text


def _strengths() -> Iterator[Row]:
    from chainrule.equations.schedules import STRENGTHS

    yield "--regularization-schedule", "factor of dropout and weight decay, t: share of training done"
    for record in STRENGTHS.values():
        yield _name(record), record.text


def _initializers() -> Iterator[Row]:
    from chainrule.equations.initializers import INITIALIZERS

    yield "--init", "weight, of u in [0, 1) or normal n"
    for record in INITIALIZERS.values():
        yield _name(record), record.text


def _scalings() -> Iterator[Row]:
    from chainrule.tables.scalings import SCALINGS

    yield "--scaling", "input of the number v in the table"
    for record in SCALINGS.values():
        yield record.name, record.formula


KINDS: Mapping[str, Callable[[], Iterator[Row]]] = {
    "activations": _activations,
    "losses": _losses,
    "optimizers": _optimizers,
    "schedules": _schedules,
    "strengths": _strengths,
    "initializers": _initializers,
    "scalings": _scalings,
}


def _name(record: Any) -> str:
    """Return a record's name, its parameters below it."""
    return "\n".join([record.name, *(f"  {key}={value:.6g}" for key, value in record.parameters.items())])
