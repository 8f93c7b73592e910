"""``chainrule evaluate``: the score of a model on a table with known targets."""

from __future__ import annotations

import argparse

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, model_and_table, opened, reading_options, thread_option

EXAMPLES = """
chainrule evaluate penguins.safetensors new.csv
chainrule evaluate penguins.safetensors new.csv --json
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "evaluate", "MODEL TABLE [options]", "Score a model on a table whose target is known.", EXAMPLES
    )
    model_and_table(made, "a table with the target")
    reading_options(made, trained=True)
    thread_option(made, "files")
    document_options(made)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.engines.threads import limited_threads
    from chainrule.explain.show.document import Document, notes
    from chainrule.reports.training import evaluation_blocks, scores_data, target_data
    from chainrule.reports.words import rows_shown

    form = chosen_format(options)
    model, table = opened(options)
    with limited_threads(options.threads):
        evaluation = model.evaluate(table)
    told = list(table.notes)
    if evaluation.rows < table.n_rows:
        told.append(f"{table.n_rows - evaluation.rows:,} rows have no target, and are left out")
    data = {
        "model": options.model,
        "table": table.name,
        **target_data(model.target),
        "rows": evaluation.rows,
        **scores_data(evaluation),
        "notes": told,
    }
    title = f"{table.name}: score on {rows_shown(evaluation.rows)}"
    blocks = (*notes(told), *evaluation_blocks(model, evaluation, {}))
    deliver(Document(title, blocks, data=data), form, options, told)
