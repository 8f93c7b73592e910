"""``chainrule search``: what a search has tried, and what of it is in the model."""

from __future__ import annotations

import argparse

from chainrule.cli.documents import chosen_format, deliver, document_options, has_pictures, picture_formats
from chainrule.cli.parsing import Parser

EXAMPLES = """
chainrule train penguins.csv --target species --search 8 --out searched.safetensors
chainrule search searched.safetensors
chainrule search searched.safetensors --out search.html
chainrule search searched.safetensors --json
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "search",
        "MODEL [options]",
        "Show the search that a model comes from: the settings tried, their scores on rows they hadn't seen, their weights.",
        EXAMPLES,
    )
    made.options("files", {"MODEL": "a file that chainrule train wrote with --search"})
    document_options(made, picture_formats())
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.model.model import Model
    from chainrule.reports.search import search_document

    name = chosen_format(options, picture_formats())
    deliver(
        search_document(Model.load(options.model), options.model, drawn=has_pictures(name)), name, options
    )
