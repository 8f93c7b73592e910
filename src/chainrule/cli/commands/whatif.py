"""``chainrule whatif``: a row with other cells, and what would turn its answer."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, model_and_table, opened, reading_options
from chainrule.errors import SettingsError

EXAMPLES = """
chainrule whatif penguins.safetensors penguins.csv --row 17 --set bill_length_mm=50
chainrule whatif penguins.safetensors penguins.csv --row 17 --set bill_length_mm=50 --set sex=
chainrule whatif penguins.safetensors penguins.csv --row 17 --target-value Gentoo
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "whatif",
        "MODEL TABLE [options]",
        "Change cells of a row and show what becomes of the answer, which neurons changed most on the way, and the "
        "nearest change of a single column that would turn the answer.",
        EXAMPLES,
    )
    model_and_table(made, "a table with the model's columns")
    made.options("what is asked", {"--row N": "the row, counted from 1 (default 1)"}, row=1)
    changed = "a cell that is changed, nothing after = for a missing one; can be repeated"
    made.option("what is asked", "--set", metavar="COLUMN=CELL", action="append", help=changed)
    said = {
        "--target-value VALUE": "the number, or the class, that one column is to get the answer to",
        "--target NAME": "which of several targets",
    }
    made.options("what is asked", said)
    reading_options(made, trained=True)
    document_options(made)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.explain.columns.whatif import whatif
    from chainrule.explain.columns.whatif_shown import whatif_document

    name = chosen_format(options)
    model, table = opened(options)
    changes = _changes(options.set or (), {column.name for column in model.encoder.columns})
    how = {"target_value": options.target_value, "target": options.target}
    found = whatif(model, table, options.row, changes, **how)
    deliver(whatif_document(found, options.model, table.name, table.notes), name, options, table.notes)


def _changes(given: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Return cells by column; a known column's name may have a = in it."""
    found: dict[str, str] = {}
    for text in given:
        column, equals, cell = text.partition("=")
        for name in known:
            if text.startswith(f"{name}=") and len(name) > len(column):
                column, cell = name, text[len(name) + 1 :]
        if not equals:
            raise SettingsError(f"--set {text!r} must be a column and its cell, as in bill_length_mm=50")
        column = column if column in known else column.strip()
        if column in found:
            raise SettingsError(f"--set names the column {column!r} twice; give it one cell")
        found[column] = cell
    return found
