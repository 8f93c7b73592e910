"""``chainrule predict``: predictions for the rows of a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.console import Decimal, Delimiter, Encoding, Missing, load_table, screen

if TYPE_CHECKING:
    import polars as pl

EXAMPLES = """[bold]Examples[/bold]

[cyan]chainrule predict penguins.safetensors new.csv --out predictions.csv[/cyan]

[cyan]chainrule predict penguins.safetensors - --with-inputs < new.csv[/cyan]
"""


def command(
    model: Annotated[Path, typer.Argument(help="A model file that chainrule train wrote.")],
    table: Annotated[str, typer.Argument(help="A table with the model's columns; - for standard input.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where to write: .csv, .tsv, .parquet or .ndjson; printed as CSV if not given.",
            rich_help_panel="Output",
        ),
    ] = None,
    with_inputs: Annotated[
        bool,
        typer.Option("--with-inputs", help="Put the table's own columns before.", rich_help_panel="Output"),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that exists.", rich_help_panel="Output")
    ] = False,
    delimiter: Delimiter = None,
    decimal: Decimal = ".",
    encoding: Encoding = None,
    missing: Missing = None,
) -> None:
    """Predict the target for every row of a table, in the order of its rows.

    Classes come with the probability of each; numbers are in the target's units.
    """
    from chainrule._files import ensure_writable, write_atomically
    from chainrule.model.model import Model
    from chainrule.tables.write import table_bytes

    if out is not None:
        ensure_writable(out, overwrite)
    loaded = Model.load(model)
    read = load_table(table, delimiter, decimal, encoding, missing)
    frame = loaded.prediction_frame(read)
    if with_inputs:
        frame = _beside(read.frame, frame)
    if out is None:
        sys.stdout.write(table_bytes(frame, ".csv").decode())
        return
    content = table_bytes(frame, out.suffix)
    with write_atomically(out, overwrite=overwrite) as file:
        file.write(content)
    screen(error=True).print(f"wrote {frame.height} predictions to {out}")


def _beside(inputs: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    return inputs.with_columns(
        predictions.get_column(name).alias(name if name not in inputs.columns else f"{name} (predicted)")
        for name in predictions.columns
    )
