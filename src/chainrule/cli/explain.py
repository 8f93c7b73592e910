"""``chainrule explain``: how a prediction, a derivative or an update comes about, number by number."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.console import warn
from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, reading, reading_options, whole
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.explain.derive.lines import Derivation
    from chainrule.explain.trace.trace import Trace
    from chainrule.model.model import Model
    from chainrule.tables.table import Table

EXAMPLES = """
chainrule explain penguins.safetensors penguins.csv --row 17
chainrule explain penguins.safetensors penguins.csv --row 17 --out row17.html
chainrule explain penguins.safetensors penguins.csv --row 17 --address 'dC/dW[1][2,3]' --paths
chainrule explain penguins.safetensors penguins.csv --row 17 --attributions
chainrule explain penguins.safetensors penguins.csv --step 40
"""

BASELINES = ("typical", "missing")


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "explain",
        "MODEL TABLE [options]",
        "Show how a number of a trained network comes about: each line with its rule, symbols, numbers, result and "
        "a check. Without --address it is the prediction for a row, from the cells through every layer to the answer.",
        EXAMPLES,
    )
    made.option("files", "model", metavar="MODEL", help="a file that chainrule train wrote")
    made.option(
        "files", "table", metavar="TABLE", help="a table with the model's columns; - is standard input"
    )
    reading_options(made, trained=True)
    group = "what to explain"
    made.option(group, "--row", metavar="N", type=whole, help="the row, counted from 1 (default 1)")
    made.option(
        group,
        "--address",
        metavar="ADDRESS",
        help="one number, such as z[1][2], delta[2][1] or dC/dW[1][2,3], or a whole array, such as dC/dW[2]",
    )
    made.option(
        group, "--member", metavar="N", type=whole, help="the member network, counted from 1 (default 1)"
    )
    made.option(
        group,
        "--step",
        metavar="N",
        type=whole,
        help="a step of the training, counted from 1, replayed on the table the model was trained on",
    )
    made.option(
        group,
        "--attributions",
        action="store_true",
        help="what each column of the table adds to the prediction for the row, and how it answers to each",
    )
    made.option(
        group,
        "--baseline",
        choices=BASELINES,
        help="what the attributions start from: typical cells (the default), or all missing",
    )
    group = "how it is shown"
    made.option(
        group,
        "--form",
        metavar="FORM",
        help="of a derivative: delta times what enters (short), a product for every path to the cost (paths), back "
        "layer by layer (recursive), whole arrays (matrix)",
    )
    made.option(group, "--paths", action="store_true", help="the same as --form paths")
    made.option(
        group, "--digits", metavar="N", type=whole, help="significant digits that are shown (default 6)"
    )
    made.option(
        group,
        "--hand",
        metavar="N",
        type=whole,
        help="round as on paper: activations to N decimal places, other lines to N + 1 significant digits",
    )
    document_options(made)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule._numbers import DIGITS, checked_digits
    from chainrule.explain.show.explanation import explanation
    from chainrule.explain.trace.sources import trace_rows, trace_steps
    from chainrule.model.model import Model

    name = chosen_format(options)
    digits = checked_digits(DIGITS if options.digits is None else options.digits)
    form = _form(options)
    _check_choice(options)
    model = Model.load(options.model)
    table = model.table(options.table, **reading(options))
    member = 1 if options.member is None else options.member
    facts = {"model": Path(options.model).name, "table": table.name}
    row = 1 if options.row is None else options.row
    trace = None
    if options.step is not None:
        trace = trace_steps(model, table, options.step, member)
        derivation = _explained(trace, options, form)
        facts["step"] = f"{options.step:,}"
    else:
        if options.attributions:
            derivation = _attributions(model, table, row, options)
        else:
            trace = trace_rows(model, table, row, member)
            derivation = _explained(trace, options, form)
        facts["row"] = f"{row:,}" if table.lines is None else f"{row:,} ({table.place(row - 1)})"
    if model.members > 1 and (trace is not None or options.member is not None):
        facts["member"] = f"{member} of {model.members}"
    warn(table.notes)
    # What only pages show is made for pages alone.
    pictured = trace if name == "html" else None
    source = {**facts, **({} if trace is None else trace.source)}
    deliver(explanation(derivation, pictured, digits=digits, facts=facts, source=source), name, options)


def _form(options: argparse.Namespace) -> Any:
    """Return the form of a derivative; `derive` knows which there are."""
    form = options.form
    if options.paths:
        if form not in (None, "paths"):
            raise SettingsError(f"--paths and --form {form} contradict each other; choose one")
        form = "paths"
    if form is not None and options.address is None:
        option = "--paths" if options.paths else f"--form {form}"
        raise SettingsError(
            f"{option} is about a derivative: name it with --address, such as 'dC/dW[1][2,3]'"
        )
    return form


def _check_choice(options: argparse.Namespace) -> None:
    """Refuse options that would have no effect beside each other."""
    if options.attributions:
        about = {"--address": options.address, "--step": options.step, "--hand": options.hand}
        for name, value in about.items():
            if value is not None:
                raise SettingsError(f"--attributions and {name} are about different things; choose one")
    elif options.baseline is not None:
        raise SettingsError("--baseline is where --attributions start from; add it")
    if options.step is not None and options.row is not None and options.address is None:
        raise SettingsError("--row chooses a row of the step for --address, such as 'z[1][2]'; add it")


def _attributions(model: Model, table: Table, row: int, options: argparse.Namespace) -> Derivation:
    from chainrule.explain.attribute.shown import attribution_derivation

    return attribution_derivation(
        model,
        table,
        row - 1,
        member=None if options.member is None else options.member - 1,
        baseline=options.baseline or "typical",
    )


def _explained(trace: Trace, options: argparse.Namespace, form: Any) -> Derivation:
    from chainrule.explain.derive.derivation import derive
    from chainrule.explain.derive.walk import answer_place, walk, walk_step
    from chainrule.explain.trace.address import Address

    if options.address is not None:
        place = Address.parse(options.address)
        if options.step is not None and place.quantity.per_row:
            place = place.at(row=options.row)
        trace.array(place)  # says what is missing where there is no such number
        return derive(trace, place, form=form or "short", hand=options.hand)
    if options.step is not None:
        if options.hand is not None:
            raise SettingsError("--hand is about one number of a step: name it with --address")
        return walk_step(trace)
    if options.hand is not None:
        return derive(trace, answer_place(trace), hand=options.hand)
    return walk(trace)
