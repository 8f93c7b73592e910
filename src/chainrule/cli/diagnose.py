"""``chainrule diagnose``: what is wrong with a network and its training."""

from __future__ import annotations

import argparse

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, reading, reading_options, whole
from chainrule.errors import SettingsError

EXAMPLES = """
chainrule diagnose penguins.safetensors penguins.csv
chainrule diagnose penguins.safetensors penguins.csv --member 2 --json
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "diagnose",
        "MODEL TABLE [options]",
        "Look for what is wrong with a network and its training: dead, saturated or identical neurons, gradients that "
        "vanish or explode, a wrong learning rate, unscaled inputs, constant answers, overfitting. The table is best "
        "the one it was trained on.",
        EXAMPLES,
    )
    made.option("files", "model", metavar="MODEL", help="a file that chainrule train wrote")
    made.option("files", "table", metavar="TABLE", help="a table with the target; - is standard input")
    group = "what is looked at"
    made.option(
        group, "--member", metavar="N", type=whole, help="this network alone, from 1; all if not given"
    )
    made.option(
        group,
        "--seed",
        metavar="N",
        type=whole,
        default=0,
        help="of the rows drawn from a large table (default 0)",
    )
    reading_options(made, trained=True)
    document_options(made, json="print the diagnosis as JSON, for programs")
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    if options.member is not None and options.member < 1:
        raise SettingsError(f"--member {options.member} must be at least 1")
    if not 0 <= options.seed < 2**64:
        raise SettingsError(f"--seed {options.seed} must be at least 0 and less than 2^64")
    from chainrule.explain.diagnose.diagnosis import diagnose
    from chainrule.explain.diagnose.shown import diagnosis_document
    from chainrule.model.model import Model

    name = chosen_format(options)
    model = Model.load(options.model)
    table = model.table(options.table, **reading(options))
    member = None if options.member is None else options.member - 1
    diagnosis = diagnose(model, table, member=member, seed=options.seed)
    document = diagnosis_document(diagnosis, options.model, table.name, table.notes)
    deliver(document, name, options, table.notes)
