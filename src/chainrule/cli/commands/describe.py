"""``chainrule describe``: what a model file holds."""

from __future__ import annotations

import argparse

from chainrule.cli.documents import chosen_format, deliver, document_options, has_pictures, picture_formats
from chainrule.cli.parsing import Parser

EXAMPLES = """
chainrule describe penguins.safetensors
chainrule describe penguins.safetensors --out penguins.html
chainrule describe penguins.safetensors --out penguins.svg
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
    made.options("files", {"MODEL": "a file that chainrule train wrote"})
    document_options(made, picture_formats())
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.model.model import Model
    from chainrule.reports.description import description_document

    name = chosen_format(options, picture_formats())
    document = description_document(Model.load(options.model), options.model, drawn=has_pictures(name))
    deliver(document, name, options)
