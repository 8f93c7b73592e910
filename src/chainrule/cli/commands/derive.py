"""``chainrule derive``: backpropagation, or any formula's derivative, in symbols, every line put to the test."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chainrule._doors import through
from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, notation_option, parse_factors
from chainrule.errors import SettingsError
from chainrule.explain.show import RENDERERS

if TYPE_CHECKING:
    from chainrule.explain.derive.lines import Derivation

EXAMPLES = """
chainrule derive backprop
chainrule derive backprop --as article-4 --loss categorical_cross_entropy --out backprop.tex
chainrule derive backprop --as ./my-notation.toml --layers 3
chainrule derive "sin(x^2)" --by x --at x=0.5
chainrule derive sigmoid
"""

BACKPROP = "backprop"

OF_BACKPROP = ("layers", "loss", "activation", "output_activation", "bias", "notation")
OF_FORMULA = ("by", "at")


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "derive",
        "WHAT [options]",
        "Derive backpropagation from the cost to any weight and bias, or a formula by one of its symbols, rule by rule. Every "
        "line is put to the test with numbers; the exit code is 1 if one does not hold.",
        EXAMPLES,
    )
    made.options("what", {"WHAT": "backprop, a formula, or the name of an activation or a loss"})
    said = {
        "--layers N": "write the chain out for so many, the inputs among them (default 4); the rest holds for any number",
        "--loss F": "a name or formula, as of train (default half_squared_error)",
        "--activation F": "of the hidden layers (default sigmoid)",
        "--output-activation F": "the one that suits the loss, else that of the hidden layers, if not given",
        "--bias {neuron,layer,none}": "one for each neuron (default), one for a layer, or none",
    }
    made.options("backprop", said)
    notation_option(made, "backprop")
    made.options("a formula", {"--by SYMBOL": "by which symbol; the only one if not given"})
    said_at = "its value there as well: x=0.5, or x=0.5,y=2"
    made.option("a formula", "--at", metavar="NAME=N", type=parse_factors, help=said_at)
    document_options(made)
    made.option("output", "--to", dest="format", choices=tuple(RENDERERS), help="the same as --format")
    return made


def run(options: argparse.Namespace) -> int:
    """Run the command; return 1 if a line does not hold."""
    from chainrule.explain.notation.record import notation
    from chainrule.explain.show.explanation import explanation

    form = chosen_format(options)
    with through(renamed={"notation": "as"}):
        derived = _derived(options)
        source = {} if options.notation is None else {"notation": notation(options.notation).to_dict()}
    deliver(explanation(derived, source=source), form, options)
    return 0 if derived.ok else 1


def _derived(options: argparse.Namespace) -> Derivation:
    from chainrule._doors import setting

    is_backprop = options.what.strip().lower() == BACKPROP
    for name in OF_FORMULA if is_backprop else OF_BACKPROP:
        if getattr(options, name) is not None:
            about = "a formula, not of backprop" if is_backprop else "backprop, not of a formula"
            raise SettingsError(f"{setting(name)} is an option of {about}: leave it out")
    if is_backprop:
        from chainrule.explain.derive.symbolic.backprop import derive_backprop

        given = {name: getattr(options, name) for name in OF_BACKPROP}
        return derive_backprop(**{name: value for name, value in given.items() if value is not None})
    from chainrule.explain.derive.symbolic.formula import derive_formula

    return derive_formula(options.what, options.by, options.at)
