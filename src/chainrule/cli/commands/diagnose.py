"""``chainrule diagnose``: what is wrong with a network and its training."""

from __future__ import annotations

import argparse

from chainrule.cli.documents import chosen_format, deliver, document_options, has_pictures, picture_formats
from chainrule.cli.parsing import Parser, check_numbers, model_and_table, opened, reading_options

EXAMPLES = """
chainrule diagnose penguins.safetensors penguins.csv
chainrule diagnose penguins.safetensors penguins.csv --member 2 --json
chainrule diagnose penguins.safetensors penguins.csv --out diagnosis.html
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
    model_and_table(made, "a table with the target")
    said = {
        "--member N": "this network alone, from 1; all if not given",
        "--seed N": "of the rows drawn from a large table (default 0)",
    }
    made.options("what is looked at", said, seed=0)
    reading_options(made, trained=True)
    document_options(made, picture_formats())
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    check_numbers(options, "member")
    from chainrule.explain.diagnose.diagnosis import diagnose
    from chainrule.explain.diagnose.pictures import diagnosis_pictures
    from chainrule.explain.diagnose.shown import diagnosis_document

    name = chosen_format(options, picture_formats())
    model, table = opened(options)
    member = None if options.member is None else options.member - 1
    how = {"member": member, "seed": options.seed}
    diagnosis = diagnose(model, table, **how)
    pictures = diagnosis_pictures(model, table, **how) if has_pictures(name) else ()
    document = diagnosis_document(diagnosis, options.model, table.name, table.notes, pictures)
    deliver(document, name, options, table.notes)
