"""``chainrule derive``: a derivative in symbols, rule by rule, every line put to the test."""

from __future__ import annotations

import argparse

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, parse_factors

EXAMPLES = """
chainrule derive "sin(x^2)" --by x --at x=0.5
chainrule derive sigmoid
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "derive",
        "WHAT [options]",
        "Derive a formula by one of its symbols, rule by rule. Every line is put to the test with numbers; the exit code is "
        "1 if one does not hold.",
        EXAMPLES,
    )
    made.options("what", {"WHAT": "a formula, or the name of an activation or a loss"})
    of_formula = "of a formula"
    made.options(of_formula, {"--by SYMBOL": "which symbol; the only one if not given"})
    said = "its value there as well, such as x=0.5 or x=0.5,y=2"
    made.option(of_formula, "--at", metavar="NAME=N", type=parse_factors, help=said)
    document_options(made)
    return made


def run(options: argparse.Namespace) -> int:
    """Run the command; return 1 if a line does not hold."""
    form = chosen_format(options)
    from chainrule.explain.derive.symbolic.formula import derive_formula
    from chainrule.explain.show.explanation import explanation

    derived = derive_formula(options.what, options.by, options.at)
    deliver(explanation(derived), form, options)
    return 0 if derived.ok else 1
