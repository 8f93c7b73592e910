"""``chainrule describe``: what a model file holds."""

from __future__ import annotations

import argparse

from chainrule.cli.console import print_json, screen
from chainrule.cli.parsing import Parser

EXAMPLES = """
chainrule describe penguins.safetensors
chainrule describe penguins.safetensors --json
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "describe",
        "MODEL [options]",
        "Show what a model is: its layers, its inputs and their arithmetic, its target, its training.",
        EXAMPLES,
    )
    made.option("files", "model", metavar="MODEL", help="a file that chainrule train wrote")
    made.option(
        "output",
        "--json",
        action="store_true",
        help="print all of it as JSON, for programs: see docs/model.md",
    )
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.cli.description import print_description
    from chainrule.model.model import Model

    model = Model.load(options.model)
    if options.json:
        each = [group.parameters.shape[1] for group in model.groups]
        sizes = {"members": model.members, "parameters_per_member": each[0] if len(each) == 1 else each}
        print_json({**sizes, **model.to_dict()})
    else:
        print_description(screen(), model, options.model)
