"""``chainrule predict``: predictions for the rows of a table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule._aside import tell
from chainrule._numbers import visible
from chainrule.cli.console import warn
from chainrule.cli.documents import check_out
from chainrule.cli.parsing import Parser, model_and_table, opened, reading_options, thread_option

if TYPE_CHECKING:
    import polars as pl

EXAMPLES = """
chainrule predict penguins.safetensors new.csv --out predictions.csv
chainrule predict penguins.safetensors - --with-inputs < new.csv
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "predict",
        "MODEL TABLE [options]",
        "Predict the target for every row of a table, in the order of its rows. Classes come with the "
        "probability of each; numbers are in the target's units.",
        EXAMPLES,
    )
    model_and_table(made, "a table with the model's columns")
    thread_option(made, "files")
    reading_options(made, trained=True)
    said = {
        "--out FILE": "where to write: .csv, .tsv, .parquet or .ndjson; printed as CSV if not given",
        "--with-inputs": "put the table's own columns before the predictions",
        "--safe-csv": "put ' before texts that a spreadsheet would take for a formula, such as =A1 or -x",
        "--overwrite": "replace a file that exists",
    }
    made.options("output", said)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule._files import write_atomically
    from chainrule.engines.threads import limited_threads
    from chainrule.tables.files.aside import in_memory
    from chainrule.tables.files.write import check_suffix, table_bytes

    out = None if options.out is None else Path(options.out)
    if out is not None:
        check_suffix(out.suffix, safe=options.safe_csv)
        check_out(options.out, options.overwrite, (options.model, options.table))
    model, table = opened(options)
    with limited_threads(options.threads):
        frame = model.prediction_frame(table)
    if options.with_inputs:
        frame = _beside(in_memory(table.frame), frame)
    warn([*table.notes, *model.drift(table)])
    if out is None:
        data = table_bytes(frame, ".csv", safe=options.safe_csv)
        sys.stdout.flush()
        # What a program reads are the table's own texts; a terminal would obey the controls in them.
        sys.stdout.buffer.write(visible(data.decode()).encode() if sys.stdout.isatty() else data)
        sys.stdout.buffer.flush()
        return
    with write_atomically(out, overwrite=options.overwrite) as file:
        file.write(table_bytes(frame, out.suffix, safe=options.safe_csv))
    rows = "1 prediction" if frame.height == 1 else f"{frame.height:,} predictions"
    tell(f"wrote {rows} to {out}")


def _beside(inputs: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    """Put predictions beside the table's columns; a name that both have is told apart."""
    from chainrule.tables.files.write import free_name

    renamed: dict[str, str] = {}
    for name in predictions.columns:
        renamed[name] = free_name(name, {*inputs.columns, *renamed.values()}, " (predicted)")
    return inputs.hstack(predictions.rename(renamed))
