"""``chainrule explain``: how a prediction, a derivative or an update comes about, number by number."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.console import warn
from chainrule.cli.documents import (
    chosen_format,
    deliver,
    document_options,
    has_pictures,
    picture_formats,
    print_or_write,
    python_only,
)
from chainrule.cli.parsing import Parser, model_and_table, notation_option, number, opened, reading_options
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.explain.derive.lines import Derivation
    from chainrule.explain.notation.record import Notation
    from chainrule.explain.trace.address import Address
    from chainrule.explain.trace.trace import Trace

EXAMPLES = """
chainrule explain penguins.safetensors penguins.csv --row 17
chainrule explain penguins.safetensors penguins.csv --row 17 --out row17.html
chainrule explain penguins.safetensors penguins.csv --row 17 --address 'dC/dx[5]' --paths
chainrule explain penguins.safetensors penguins.csv --row 17 --attributions
chainrule explain penguins.safetensors penguins.csv --row 17 --as article-4
chainrule explain penguins.safetensors penguins.csv --row 17 --address w5 --as article-5
chainrule explain penguins.safetensors penguins.csv --step 40
chainrule explain penguins.safetensors penguins.csv --row 17 --address 'W[3][1,1]' --curve
chainrule explain penguins.safetensors penguins.csv --row 17 --member 1 --as-python --out row17.py
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "explain",
        "MODEL TABLE [options]",
        "Show how a number of a trained network comes about: each line with its rule, symbols, numbers, result and "
        "a check. Without --address it is the prediction for a row, from the cells through every layer to the answer.",
        EXAMPLES,
    )
    model_and_table(made, "a table with the model's columns")
    reading_options(made, trained=True)
    what = {
        "--row N": "the row, counted from 1 (default 1)",
        "--address ADDRESS": "one number, such as z[1][2], delta[2][1] or dC/dW[1][2,3], or a whole array, such as "
        "dC/dW[2]",
        "--member N": "the member network, counted from 1 (default 1)",
        "--step N": "a step of the training, counted from 1, replayed on the table the model was trained on",
        "--attributions": "what each column of the table adds to the prediction for the row, and how it answers to each",
        "--curve": "the cost over the parameter at --address with all others held: curve, tangent, step and where it lands",
        "--as-python": "a program that predicts the row step by step, every number written out; it imports nothing but math",
        "--baseline {typical,missing}": "what the attributions start from: typical cells (the default), or all missing",
    }
    how = {
        "--form FORM": "of a derivative: delta times what enters (short), a product for every path to the cost (paths), "
        "back layer by layer (recursive), whole arrays (matrix)",
        "--paths": "the same as --form paths",
        "--digits N": "significant digits that are shown (default 6)",
        "--hand N": "round as on paper: activations to N decimal places, other lines to N + 1 significant digits",
    }
    made.options("what to explain", what)
    rate = "of the step that --curve draws for a row (default 0.5); a step of the training has its own"
    made.option("what to explain", "--learning-rate", metavar="NUMBER", type=number, help=rate)
    made.options("how it is shown", how)
    notation_option(made, "how it is shown")
    document_options(made, picture_formats())
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule._numbers import DIGITS, checked_digits
    from chainrule.explain.attribute.answer import answer
    from chainrule.explain.curve import cost_curve
    from chainrule.explain.notation.factors import in_factors
    from chainrule.explain.notation.naming import Naming
    from chainrule.explain.notation.record import notation
    from chainrule.explain.show.curve import curve_document
    from chainrule.explain.show.drawn import drawn_network, output_names
    from chainrule.explain.show.explanation import explanation
    from chainrule.explain.trace.sources import trace_rows, trace_steps

    if options.as_python:
        _write_program(options)
        return
    name = chosen_format(options, picture_formats())
    written = None if options.notation is None else notation(options.notation)
    digits = checked_digits(DIGITS if options.digits is None else options.digits)
    form = _form(options)
    _check_choice(options)
    model, table = opened(options)
    member = 1 if options.member is None else options.member
    origin = {"model": Path(options.model).name, "table": table.name}
    row = 1 if options.row is None else options.row
    trace = None
    if options.step is not None:
        trace = trace_steps(model, table, options.step, member)
        warn(trace.source.get("notes", ()))
        derivation = None if options.curve else _explained(trace, options, form, written)
        origin["step"] = f"{options.step:,}"
    else:
        if options.attributions:
            from chainrule.explain.attribute.shown import attribution_derivation

            of = None if options.member is None else options.member - 1
            baseline = options.baseline or "typical"
            derivation = attribution_derivation(model, table, row - 1, member=of, baseline=baseline)
        else:
            # By hand a member is worked out as a network of its own, up to the answer.
            alone = options.hand is not None and options.member is not None
            one = replace(model, groups=(model.member(member - 1),)) if alone else model
            trace = trace_rows(one, table, row, 1 if alone else member)
            if options.hand is not None and trace.source["members"] > 1:
                _check_answer(trace, _place(trace, options, written))
            derivation = None if options.curve else _explained(trace, options, form, written)
        origin["row"] = f"{row:,}" if table.lines is None else f"{row:,} ({table.place(row - 1)})"
    if model.members > 1 and (trace is not None or options.member is not None):
        origin["member"] = f"{member} of {model.members}"
    warn(table.notes)
    naming = None if trace is None or written is None else Naming(written, trace.network)
    how: dict[str, Any] = {"digits": digits, "naming": naming, "origin": origin}
    if derivation is None:
        assert trace is not None
        place = _place(trace, options, written)
        assert place is not None
        curve = cost_curve(trace, place, learning_rate=options.learning_rate)
        deliver(curve_document(curve, **how), name, options)
        return
    if naming is not None and naming.notation.delta == "factors":
        assert trace is not None
        derivation = in_factors(derivation, trace)
    # What only pages show is made for pages alone.
    pictured = trace if name == "html" else None
    if trace is not None and {options.address, options.step, options.hand} == {None}:
        of = None if options.member is None else member - 1
        names = model.target.names
        how["answers"] = tuple(answer(model, table, row - 1, member=of, target=each) for each in names)
        how["drawn"] = drawn_network(trace, outputs=output_names(model)) if has_pictures(name) else None
    source = {**origin, **({} if trace is None else trace.source)}
    deliver(explanation(derivation, pictured, source=source, **how), name, options)


def _write_program(options: argparse.Namespace) -> None:
    """Print, or write, the program that predicts a row."""
    from chainrule.explain.program.program import program_of

    python_only(
        options, ("address", "step", "attributions", "curve", "hand", "digits", "form", "paths", "baseline")
    )
    model, table = opened(options)
    warn(table.notes)
    print_or_write(program_of(model, table, options.row or 1, options.member), options)


def _form(options: argparse.Namespace) -> Any:
    """Return the form of a derivative; `derive` knows which there are."""
    if options.paths and options.form not in (None, "paths"):
        raise SettingsError(f"--paths and --form {options.form} contradict each other; choose one")
    form = "paths" if options.paths else options.form
    if form is not None and options.address is None:
        option = "--paths" if options.paths else f"--form {form}"
        raise SettingsError(
            f"{option} is about a derivative: name it with --address, such as 'dC/dW[1][2,3]'"
        )
    return form


def _check_choice(options: argparse.Namespace) -> None:
    """Refuse options that would have no effect beside each other."""
    if options.attributions:
        for name in ("address", "step", "hand", "notation"):
            if getattr(options, name) is not None:
                option = {"notation": "as"}.get(name, name)
                raise SettingsError(f"--attributions and --{option} are about different things; choose one")
    if options.hand is not None and options.digits is not None:
        raise SettingsError("--hand says how many digits are shown; leave out --digits")
    if options.curve:
        if options.address is None:
            raise SettingsError("--curve is over one parameter: name it with --address, such as 'W[2][1,1]'")
        for name in ("attributions", "hand", "form", "paths"):
            if getattr(options, name):
                raise SettingsError(f"--curve and --{name} are about different things; choose one")
    elif options.learning_rate is not None:
        raise SettingsError("--learning-rate is of the step that --curve draws; add it")
    if options.baseline is not None and not options.attributions:
        raise SettingsError("--baseline is where --attributions start from; add it")
    if options.step is not None and options.row is not None and options.address is None:
        raise SettingsError("--row chooses a row of the step for --address, such as 'z[1][2]'; add it")


def _place(trace: Trace, options: argparse.Namespace, written: Notation | None) -> Address | None:
    """Return the address that is asked for, by its name in a notation or by ours."""
    from chainrule.explain.notation.naming import Naming
    from chainrule.explain.trace.address import Address

    if options.address is None or written is None:
        return None if options.address is None else Address.parse(options.address)
    return Naming(written, trace.network).read(options.address)


def _check_answer(trace: Trace, place: Address | None) -> None:
    """Refuse to work out by hand what all members have a part in."""
    from chainrule.explain.derive.answers import UNITS

    if place is None or place.name in UNITS:
        many = f"--hand works one member out, and the answer is the mean of {trace.source['members']}"
        raise SettingsError(f"{many}: choose one, as in --member 1")


def _explained(trace: Trace, options: argparse.Namespace, form: Any, written: Notation | None) -> Derivation:
    from chainrule.explain.derive.derivation import derive
    from chainrule.explain.derive.walk import answer_place, walk, walk_step

    place = _place(trace, options, written)
    if place is not None:
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
