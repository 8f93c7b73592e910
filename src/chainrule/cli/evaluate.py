"""``chainrule evaluate``: the score of a model on a table with known targets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.console import (
    AsJson,
    Decimal,
    Delimiter,
    Encoding,
    Missing,
    load_table,
    print_json,
    screen,
)

EXAMPLES = """[bold]Example[/bold]

[cyan]chainrule evaluate penguins.safetensors new.csv[/cyan]
"""


def command(
    model: Annotated[Path, typer.Argument(help="A model file that chainrule train wrote.")],
    table: Annotated[str, typer.Argument(help="A table with the target; - for standard input.")],
    delimiter: Delimiter = None,
    decimal: Decimal = ".",
    encoding: Encoding = None,
    missing: Missing = None,
    as_json: AsJson = False,
) -> None:
    """Score a model on a table whose target is known."""
    from chainrule.cli.report import print_evaluation
    from chainrule.model.model import Model

    loaded = Model.load(model)
    read = load_table(table, delimiter, decimal, encoding, missing)
    evaluation = loaded.evaluate(read)
    if as_json:
        classes = list(loaded.target.labels) if loaded.task == "classification" else None
        print_json(
            {
                "model": str(model),
                "table": read.name,
                "rows": evaluation.rows,
                "scores": evaluation.scores,
                "classes": classes,
                "confusion": evaluation.confusion,
            }
        )
    else:
        print_evaluation(screen(), loaded, evaluation, {}, f"{read.name}: {evaluation.rows} rows")
