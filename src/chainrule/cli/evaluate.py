"""``chainrule evaluate``: the score of a model on a table with known targets."""

from __future__ import annotations

import argparse

from chainrule.cli.console import print_json, screen, warn
from chainrule.cli.parsing import Parser, reading, reading_options, thread_option

EXAMPLES = """
chainrule evaluate penguins.safetensors new.csv
chainrule evaluate penguins.safetensors new.csv --json
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "evaluate", "MODEL TABLE [options]", "Score a model on a table whose target is known.", EXAMPLES
    )
    made.option("files", "model", metavar="MODEL", help="a file that chainrule train wrote")
    made.option("files", "table", metavar="TABLE", help="a table with the target; - is standard input")
    reading_options(made, trained=True)
    thread_option(made, "files")
    made.option("output", "--json", action="store_true", help="print the result as JSON, for programs")
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.cli.report import print_evaluation
    from chainrule.engines.threads import limited_threads
    from chainrule.model.model import Model

    model = Model.load(options.model)
    table = model.table(options.table, **reading(options))
    with limited_threads(options.threads):
        evaluation = model.evaluate(table)
    notes = list(table.notes)
    if evaluation.rows < table.n_rows:
        notes.append(f"{table.n_rows - evaluation.rows:,} rows have no target, and are left out")
    if not options.json:
        title = f"{table.name}: score on {evaluation.rows:,} rows"
        print_evaluation(screen(), model, evaluation, {}, title, notes)
        return
    warn(notes)
    print_json(
        {
            "model": options.model,
            "table": table.name,
            "target": model.target.name,
            "classes": list(model.target.labels) if model.task == "classification" else None,
            "rows": evaluation.rows,
            "scores": evaluation.scores,
            "confusion": evaluation.confusion,
            "notes": notes,
        }
    )
