"""The curves of a training as ``chainrule train`` writes them, written and read back."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike

import numpy as np

from chainrule.errors import TableError
from chainrule.tables.cells import number_cells
from chainrule.tables.files.read import read_table
from chainrule.training.checkpoint import Epoch

COLUMNS = ("epoch", "training_loss", "validation_loss", "learning_rate", "seconds")
"""The columns that a file needs; the gradient's is new, and one without it is read, too."""
GRADIENT = "largest_gradient"


def history_text(epochs: Iterable[Epoch]) -> str:
    """Return the lines of a training as CSV; what isn't known is empty."""
    lines = [",".join((*COLUMNS, GRADIENT)) + "\n"]
    for line in epochs:
        cells = (line.training_loss, line.validation_loss, line.learning_rate)
        numbers = ",".join("" if cell != cell else repr(float(cell)) for cell in cells)
        steepest = "" if line.steepest != line.steepest else repr(float(line.steepest))
        lines.append(f"{line.epoch},{numbers},{line.seconds:.6f},{steepest}\n")
    return "".join(lines)


def read_history(path: str | PathLike[str]) -> tuple[Epoch, ...]:
    """Return the lines of a file that `history_text` wrote; raises TableError for any other."""
    table = read_table(path)
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking:
        raise TableError(
            f"{table.name}: there is no column {lacking[0]!r}: give the CSV of losses that chainrule train wrote"
        )
    columns = [number_cells(table, name) for name in COLUMNS]
    steepest = number_cells(table, GRADIENT) if GRADIENT in table.columns else np.full(table.n_rows, np.nan)
    if np.isnan(columns[0]).any():
        row = int(np.isnan(columns[0]).argmax())
        raise TableError(f"{table.name}: {table.place(row)}: the epoch is missing")
    unknown = np.full(table.n_rows, np.nan)  # what early stopping watches is not written
    lines = zip(*columns, unknown, steepest, strict=True)
    return tuple(Epoch(int(line[0]), *map(float, line[1:])) for line in lines)
