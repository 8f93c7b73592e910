"""``chainrule importance``: how much a model needs each column."""

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

EXAMPLES = """
chainrule importance penguins.safetensors penguins.csv
chainrule importance penguins.safetensors penguins.csv --metric log_loss --out importance.html
chainrule importance penguins.safetensors penguins.csv --group bill_length_mm,bill_depth_mm
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "importance",
        "MODEL TABLE [options]",
        "Say how much a model needs each column: how much worse its score gets when the column's cells are shuffled, "
        "how much the column moves predictions, and which columns stand in for each other. In the table of the training "
        "it looks at the rows that were held out.",
        EXAMPLES,
    )
    model_and_table(made, "a table with the target")
    said = {
        "--metric NAME": "the score: one that chainrule evaluate prints, such as log_loss (default: the first one)",
        "--target NAME": "which of several targets; the mean of their scores if not given",
        "--repeats N": "how often each column is shuffled (default 10, of more than 6,000 rows fewer)",
        "--seed N": "of the shuffles, and of the rows drawn from a large table (default 0)",
    }
    made.options("what is looked at", said, seed=0)
    grouped = "columns that are shuffled together; can be repeated"
    made.option("what is looked at", "--group", metavar="A,B", action="append", help=grouped)
    thread_option(made, "files")
    reading_options(made, trained=True)
    document_options(made, picture_formats())
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    check_numbers(options, "repeats")
    from chainrule.engines.threads import limited_threads
    from chainrule.explain.columns.importance import importance
    from chainrule.explain.columns.importance_shown import importance_document

    name = chosen_format(options, picture_formats())
    model, table = opened(options)
    known = {column.name for column in model.encoder.columns}
    groups = [parse_columns(group, known) for group in options.group or ()]
    how = {"metric": options.metric, "groups": groups, "repeats": options.repeats}
    how |= {"seed": options.seed, "target": options.target}
    with limited_threads(options.threads):
        found = importance(model, table, **how)
    document = importance_document(found, options.model, table.name, table.notes)
    deliver(document, name, options, table.notes)
