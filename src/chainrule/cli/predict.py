"""``chainrule predict``: predictions for the rows of a table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.cli.console import warn
from chainrule.cli.parsing import Parser, reading, reading_options, thread_option
from chainrule.errors import OutputError

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
    made.option("files", "model", metavar="MODEL", help="a file that chainrule train wrote")
    made.option(
        "files", "table", metavar="TABLE", help="a table with the model's columns; - is standard input"
    )
    thread_option(made, "files")
    reading_options(made, trained=True)
    group = "output"
    made.option(
        group,
        "--out",
        metavar="FILE",
        help="where to write: .csv, .tsv, .parquet or .ndjson; printed as CSV if not given",
    )
    made.option(
        group, "--with-inputs", action="store_true", help="put the table's own columns before the predictions"
    )
    made.option(group, "--overwrite", action="store_true", help="replace a file that exists")
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule._files import ensure_writable, write_atomically
    from chainrule.engines.threads import limited_threads
    from chainrule.model.model import Model
    from chainrule.tables.write import check_suffix, table_bytes

    out = None if options.out is None else Path(options.out)
    if out is not None:
        check_suffix(out.suffix)
        ensure_writable(out, options.overwrite)
        for read in (options.model, options.table):
            if out.resolve() == Path(read).resolve():
                raise OutputError(f"{out} is a file to be read, and would be lost; choose another --out")
    model = Model.load(options.model)
    table = model.table(options.table, **reading(options))
    with limited_threads(options.threads):
        frame = model.prediction_frame(table)
    if options.with_inputs:
        frame = _beside(table.frame, frame)
    warn(table.notes)
    if out is None:
        _print(table_bytes(frame, ".csv"))
        return
    with write_atomically(out, overwrite=options.overwrite) as file:
        file.write(table_bytes(frame, out.suffix))
    rows = "1 prediction" if frame.height == 1 else f"{frame.height:,} predictions"
    print(f"wrote {rows} to {out}", file=sys.stderr)


def _beside(inputs: pl.DataFrame, predictions: pl.DataFrame) -> pl.DataFrame:
    """Put predictions beside the table's columns; a name that both have is told apart."""
    taken = set(inputs.columns)
    renamed = {}
    for name in predictions.columns:
        free = name
        while free in taken:
            free += " (predicted)"
        taken.add(free)
        renamed[name] = free
    return inputs.hstack(predictions.rename(renamed))


def _print(content: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
