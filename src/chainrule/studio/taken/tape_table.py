"""The tape as a table: for each epoch that was made its losses and rate, and every weight and bias by its address, in CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.studio.training.made import Made

MOST_NUMBERS = 2_000_000
"""The most numbers of a table; of more epochs every so many-th is in it."""

MOST_COLUMNS = 20_000
"""The most weights and biases of a network whose epochs are written as a table."""


def tape_csv(made: Made, member: int = 0) -> bytes:
    """Return the states of a member (from 0) at the ends of epochs, one a line, each number with all its digits.

    Raises SettingsError for a network that is too wide for a table, and where no epoch was made yet.
    """
    layout, tape, each = made.course.layout, made.tape, made.tape.steps_per_epoch
    if layout.size > MOST_COLUMNS:
        raise SettingsError(
            f"the network has {layout.size:,} weights and biases, and a table at most {MOST_COLUMNS:,}: take the model's file"
        )
    history = {line.epoch: line for line in made.worker.history}
    last = tape.frontier // each
    every = max(1, -(-(last + 1) * layout.size // MOST_NUMBERS))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [layout.address(place) for place in range(layout.size)]
    writer.writerow(["epoch", "updates", "learning_rate", "training_loss", "validation_loss", *names])
    epochs = [*range(0, last + 1, every), *([last] if last % every else [])]
    for epoch in epochs:
        line = history.get(epoch)
        told = (None,) * 3 if line is None else (line.learning_rate, line.training_loss, line.validation_loss)
        numbers = np.asarray(tape.state(epoch * each, member).parameters, np.float64).tolist()
        writer.writerow([epoch, epoch * each, *map(_written, told), *map(repr, numbers)])
    return out.getvalue().encode()


def _written(value: float | None) -> str:
    return "" if value is None or value != value else repr(float(value))
