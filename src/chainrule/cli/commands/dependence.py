"""``chainrule dependence``: how a model's answers depend on a column, or on two."""

from __future__ import annotations

import argparse

from chainrule.cli.documents import chosen_format, deliver, document_options, picture_formats
from chainrule.cli.parsing import (
    Parser,
    check_numbers,
    model_and_table,
    opened,
    parse_columns,
    reading_options,
    thread_option,
)
from chainrule.errors import SettingsError

EXAMPLES = """
chainrule dependence penguins.safetensors penguins.csv --column bill_length_mm
chainrule dependence penguins.safetensors penguins.csv --column island --class Gentoo
chainrule dependence penguins.safetensors penguins.csv --column bill_length_mm,body_mass_g --out both.html
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "dependence",
        "MODEL TABLE --column A[,B] [options]",
        "Show how the answers depend on a column: its cell is set to one value after the other in all rows, and the "
        "answers are averaged (partial dependence), with single rows behind; or on two columns together.",
        EXAMPLES,
    )
    model_and_table(made, "a table with the model's columns")
    said = {
        "--column A[,B]": "the column, or two",
        "--class NAME": "the one class whose probability is shown; all if not given, of two the second",
        "--target NAME": "which of several targets; all if not given",
        "--seed N": "of the rows drawn from a large table (default 0)",
    }
    made.options("what is looked at", said, seed=0)
    thread_option(made, "files")
    reading_options(made, trained=True)
    document_options(made, picture_formats())
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    check_numbers(options)
    if options.column is None:
        raise SettingsError("--column is missing: name the column, as in --column bill_length_mm")
    from chainrule.engines.threads import limited_threads
    from chainrule.explain.columns.dependence import dependence
    from chainrule.explain.columns.dependence_shown import dependence_document

    name = chosen_format(options, picture_formats())
    model, table = opened(options)
    known = {column.name for column in model.encoder.columns}
    columns = parse_columns(options.column, known)
    how = {"label": getattr(options, "class"), "target": options.target, "seed": options.seed}
    with limited_threads(options.threads):
        found = dependence(model, table, columns, **how)
    deliver(dependence_document(found, options.model, table.name, table.notes), name, options, table.notes)
